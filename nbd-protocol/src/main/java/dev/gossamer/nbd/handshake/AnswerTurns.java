package dev.gossamer.nbd.handshake;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.FastThreadLocal;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/**
 * Who may work on a {@link LongAnswer} next: on each event loop one slice at a time, then the loop belongs to others
 * for several times as long. So all handshakes together take a fifth of it, however many there are and whatever they
 * ask. As many wait as there are handshakes. Confined to its loop.
 */
final class AnswerTurns {
    /** The pause, in terms of what the slice took. */
    private static final int PAUSE_FACTOR = 4;

    private static final FastThreadLocal<AnswerTurns> OF_THREAD = new FastThreadLocal<>();

    private final EventExecutor loop;
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    // From the first slice until the pause after the last one is over.
    private boolean busy;

    private AnswerTurns(EventExecutor loop) {
        this.loop = loop;
    }

    /** On the loop. */
    @SuppressWarnings("ReferenceEquality") // A thread has one loop after the other, each itself.
    static AnswerTurns of(EventExecutor loop) {
        AnswerTurns turns = OF_THREAD.get();
        if (turns == null || turns.loop != loop) {
            turns = new AnswerTurns(loop);
            OF_THREAD.set(turns);
        }
        return turns;
    }

    /** Runs a slice when it is its turn, not before this returned. It deals with its own failures. */
    void add(Runnable slice) {
        waiting.add(slice);
        if (!busy) {
            busy = true;
            loop.execute(this::next);
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // A loop that refuses tasks has ended, with all its handshakes.
    private void next() {
        Runnable slice = waiting.poll();
        if (slice == null) {
            busy = false;
            return;
        }
        long began = loop.ticker().nanoTime();
        try {
            slice.run();
        } finally {
            // Scheduled also without a pause: a task of the same turn would come before the loop's I/O.
            long took = loop.ticker().nanoTime() - began;
            loop.schedule(this::next, PAUSE_FACTOR * took, TimeUnit.NANOSECONDS);
        }
    }
}
