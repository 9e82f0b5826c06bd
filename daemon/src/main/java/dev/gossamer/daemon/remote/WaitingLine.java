package dev.gossamer.daemon.remote;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** A link's line of commands: those of urgent requests first, the others in order of arrival. On the link's loop. */
final class WaitingLine<T> {
    private final Predicate<T> isUrgent;
    private final ArrayDeque<T> urgent = new ArrayDeque<>();
    private final ArrayDeque<T> others = new ArrayDeque<>();

    WaitingLine(Predicate<T> isUrgent) {
        this.isUrgent = isUrgent;
    }

    private ArrayDeque<T> lineOf(T item) {
        return isUrgent.test(item) ? urgent : others;
    }

    private ArrayDeque<T> next() {
        return urgent.isEmpty() ? others : urgent;
    }

    /** A new command. */
    void add(T item) {
        lineOf(item).addLast(item);
    }

    /** One that was at the head already. */
    void addBack(T item) {
        lineOf(item).addFirst(item);
    }

    boolean isEmpty() {
        return urgent.isEmpty() && others.isEmpty();
    }

    /** The one whose turn it is; null if there is none. */
    T peek() {
        return next().peekFirst();
    }

    T poll() {
        return next().pollFirst();
    }

    /** Takes out those of which this is true. */
    void removeIf(Predicate<T> predicate) {
        urgent.removeIf(predicate);
        others.removeIf(predicate);
    }

    /** Those that wait now, in order. */
    List<T> all() {
        List<T> all = new ArrayList<>(urgent);
        all.addAll(others);
        return all;
    }

    List<T> takeAll() {
        List<T> all = all();
        urgent.clear();
        others.clear();
        return all;
    }
}
