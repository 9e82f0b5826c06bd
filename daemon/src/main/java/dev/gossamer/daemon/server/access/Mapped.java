package dev.gossamer.daemon.server.access;

import java.util.Iterator;
import java.util.function.Function;

/** Elements of another iteration, each turned into something else when its turn comes, and not before. */
public record Mapped<S, T>(Iterator<S> source, Function<? super S, ? extends T> mapping) implements Iterator<T> {
    @Override
    public boolean hasNext() {
        return source.hasNext();
    }

    @Override
    public T next() {
        return mapping.apply(source.next());
    }
}
