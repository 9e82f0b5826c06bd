package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * Changes from one loop that wait until it is certain whose the pool is: in order of arrival, with one timer for all of
 * them. Confined to the loop.
 */
final class HeldChanges {
    /** As long as requests wait for a server that has gone away. */
    static final long PATIENCE_NANOS = 30_000_000_000L;

    /** Doubt is rare, and lasts for seconds. */
    static final long LOOK_NANOS = 20_000_000;

    /**
     * More than a loop's transfer memory has small writes for; what comes beyond, discards, is a flood, and ends with
     * EIO.
     */
    static final int LIMIT = 1 << 16;

    /** What becomes of a change now. */
    enum Verdict {
        GO,
        WAIT,
        /** The pool is another's. */
        FAIL,
        /** The device is closed. */
        END
    }

    /** Asked for the first in the line. */
    interface Judge {
        Verdict judge(BlockRequest change);
    }

    private record Held(BlockRequest change, long untilNanos) {}

    private final IoLoop loop;
    private final Judge judge;
    private final Consumer<BlockRequest> go;
    private final ArrayDeque<Held> line = new ArrayDeque<>();
    private boolean looking;

    /** @param go what lets a change through */
    HeldChanges(IoLoop loop, Judge judge, Consumer<BlockRequest> go) {
        this.loop = loop;
        this.judge = judge;
        this.go = go;
    }

    IoLoop loop() {
        return loop;
    }

    void add(BlockRequest change) {
        if (line.size() >= LIMIT) {
            change.complete(Errno.EIO);
            return;
        }
        change.taken();
        line.addLast(new Held(change, loop.nanoTime() + PATIENCE_NANOS));
        lookLater();
    }

    private void lookLater() {
        if (looking || line.isEmpty()) {
            return;
        }
        try {
            loop.schedule(
                    () -> {
                        looking = false;
                        look();
                    },
                    LOOK_NANOS);
            looking = true;
        } catch (Throwable fault) {
            // Nobody would look again.
            loop.faults().caught(fault);
            while (!line.isEmpty()) {
                line.removeFirst().change.complete(Errno.EIO);
            }
        }
    }

    /** Lets go what need not wait any longer. */
    void look() {
        // What is let go may bring new ones.
        for (int left = line.size(); left > 0 && !line.isEmpty(); left--) {
            Held first = line.peekFirst();
            Verdict verdict = judge(first.change);
            if (verdict == Verdict.WAIT && loop.nanoTime() - first.untilNanos < 0) {
                break;
            }
            line.removeFirst();
            follow(first.change, verdict);
        }
        lookLater();
    }

    private Verdict judge(BlockRequest change) {
        try {
            return judge.judge(change);
        } catch (RuntimeException | Error bug) {
            loop.faults().caught(bug);
            return Verdict.FAIL;
        }
    }

    private void follow(BlockRequest change, Verdict verdict) {
        switch (verdict) {
            case GO -> change.guard(go);
            case WAIT, FAIL -> change.complete(Errno.EIO);
            case END -> change.complete(Errno.ESHUTDOWN);
        }
    }
}
