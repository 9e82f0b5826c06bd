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

    /** What a new connection costs beside its greeting, about: 2000 of them a second. */
    static final long CONNECTION_NANOS = 100_000;

    /** What a TLS engine costs beside its making, about. */
    static final long TLS_NANOS = 300_000;

    /** So much may come together: twenty connections. */
    private static final long BURST_NANOS = 10_000_000;

    private static final FastThreadLocal<AnswerTurns> OF_THREAD = new FastThreadLocal<>();

    private final EventExecutor loop;
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    // From the first slice until the pause after the last one is over.
    private boolean busy;
    private long besideNanos;
    // By how much costly steps are ahead of their part of the loop.
    private long owedNanos;
    private long sinceNanos;

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
            loop.execute(this::next);
            busy = true; // not if that throws: the next one asks again
        }
    }

    /**
     * Runs a step that makes work before and behind it: here and now, unless there were many of them.
     *
     * @param costNanos of that work
     * @param whenItWaits run first if it has to wait for its turn
     */
    void costly(Runnable step, long costNanos, Runnable whenItWaits) {
        long now = loop.ticker().nanoTime();
        owedNanos = Math.max(0, owedNanos - (now - sinceNanos)) + (1 + PAUSE_FACTOR) * costNanos;
        sinceNanos = now;
        if (owedNanos <= BURST_NANOS) {
            step.run();
            return;
        }
        owedNanos -= (1 + PAUSE_FACTOR) * costNanos;
        whenItWaits.run();
        add(() -> {
            besideNanos = costNanos;
            step.run();
        });
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
            long took = loop.ticker().nanoTime() - began + besideNanos;
            besideNanos = 0;
            busy = false; // if this throws, whoever comes next asks again
            loop.schedule(this::next, PAUSE_FACTOR * took, TimeUnit.NANOSECONDS);
            busy = true;
        }
    }
}
