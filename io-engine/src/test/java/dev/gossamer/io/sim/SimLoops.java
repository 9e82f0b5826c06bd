package dev.gossamer.io.sim;

import dev.gossamer.io.Faults;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestPool;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * Several loops on the calling thread. Tasks of one loop run first in, first out; which loop runs next is drawn from
 * the seed, so one seed is one interleaving. The clock is virtual and moves only in {@link #advance}.
 *
 * <p>What code on a loop throws ends in its {@link Faults}, and the loops go on, as real ones do. Afterwards it is
 * thrown at the test, which has to expect it ({@link #expectFaults}) or to fail.
 */
public final class SimLoops implements AutoCloseable {
    private record Timer(long atNanos, long number, SimLoop loop, Runnable task) {}

    private SplittableRandom random;
    private final List<SimLoop> loops = new ArrayList<>();
    private final PriorityQueue<Timer> timers =
            new PriorityQueue<>(Comparator.comparingLong(Timer::atNanos).thenComparingLong(Timer::number));
    private long nowNanos;
    private long timersMade;
    private SimLoop current;
    private final List<Throwable> faults = new ArrayList<>();
    private boolean faultsExpected;
    private FileEngine files;

    /** @param bufferBytesPerLoop limit of each loop's {@link IoBufferPool}, a power of two */
    public SimLoops(long seed, int count, int bufferBytesPerLoop) {
        random = Seeds.splittable(seed);
        for (int i = 0; i < count; i++) {
            loops.add(new SimLoop(i, bufferBytesPerLoop));
        }
    }

    /**
     * Forgets everything that was to run, and begins with a seed as if new: memory that was mapped serves again.
     *
     * @return false if buffers are still in use: then others have to be made
     */
    public boolean restart(long seed) {
        timers.clear();
        faults.clear();
        faultsExpected = false;
        nowNanos = 0;
        timersMade = 0;
        random = Seeds.splittable(seed);
        boolean clean = true;
        for (SimLoop loop : loops) {
            loop.tasks.clear();
            clean &= loop.buffers.usedBytes() == 0 && loop.buffers.waiting() == 0;
        }
        return clean;
    }

    /** What all loops have in place of files, for tests of what uses files. */
    public void setFiles(FileEngine itsFiles) {
        files = itsFiles;
    }

    public IoLoop loop(int index) {
        return loops.get(index);
    }

    public int count() {
        return loops.size();
    }

    /** From now on faults are only noted: the test looks at them itself. */
    public void expectFaults() {
        faultsExpected = true;
    }

    /** What has been thrown on the loops so far, in order. */
    public List<Throwable> faults() {
        return faults;
    }

    private void throwFaults() {
        if (!faultsExpected && !faults.isEmpty()) {
            Throwable first = faults.getFirst();
            faults.clear();
            switch (first) {
                case Error error -> throw error;
                case RuntimeException exception -> throw exception;
                default -> throw new AssertionError(first); // nothing on a loop declares one
            }
        }
    }

    /** Runs code as if it were a task of a loop. What it throws is the caller's. */
    public void enter(int index, Runnable task) {
        run(loops.get(index), task);
        throwFaults();
    }

    /** Runs one task of a loop drawn from the seed; false when there is none. */
    public boolean runOne() {
        int ready = 0;
        SimLoop chosen = null;
        for (SimLoop loop : loops) {
            if (!loop.tasks.isEmpty() && random.nextInt(++ready) == 0) {
                chosen = loop;
            }
        }
        if (chosen == null) {
            return false;
        }
        Runnable task = chosen.tasks.poll();
        SimLoop loop = chosen;
        run(loop, () -> loop.faults.run(task));
        throwFaults();
        return true;
    }

    /** Runs tasks until there is none. Timers do not fire. */
    public void runUntilIdle() {
        while (runOne()) {
            // each turn is one task
        }
    }

    /** Moves the clock; timers that come due fire on the way, in order of time, and everything runs until idle. */
    public void advance(long nanos) {
        long until = nowNanos + nanos;
        runUntilIdle();
        while (!timers.isEmpty() && timers.peek().atNanos <= until) {
            fireNext();
            runUntilIdle();
        }
        nowNanos = until;
    }

    /** Moves the clock to the next timer, fires it and runs until idle; false when there is no timer. */
    public boolean advanceToNextTimer() {
        if (timers.isEmpty()) {
            return false;
        }
        fireNext();
        runUntilIdle();
        return true;
    }

    /** Moves the clock and runs nothing, as when the whole process stands still. */
    public void standStill(long nanos) {
        nowNanos += nanos;
    }

    private void fireNext() {
        Timer timer = timers.poll();
        nowNanos = Math.max(nowNanos, timer.atNanos);
        timer.loop.tasks.add(timer.task);
    }

    public long nanoTime() {
        return nowNanos;
    }

    private void run(SimLoop loop, Runnable task) {
        SimLoop before = current;
        current = loop;
        try {
            task.run();
        } finally {
            current = before;
        }
    }

    /** Drops what was not run, frees the buffers. */
    @Override
    public void close() {
        for (SimLoop loop : loops) {
            loop.tasks.clear();
            loop.buffers.close();
        }
        timers.clear();
    }

    private final class SimLoop implements IoLoop {
        private final int index;
        private final IoBufferPool buffers;
        private final Faults faults;
        private final RequestPool requests = new RequestPool(this);
        private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();

        SimLoop(int index, int bufferBytes) {
            this.index = index;
            faults = new Faults("loop " + index);
            buffers = new IoBufferPool(bufferBytes);
            buffers.tellFaultsTo(faults::caught);
            faults.watch(SimLoops.this.faults::add);
        }

        @Override
        public int index() {
            return index;
        }

        @Override
        public boolean inLoop() {
            return current == this;
        }

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        @Override
        public void schedule(Runnable task, long delayNanos) {
            timers.add(new Timer(nowNanos + Math.max(0, delayNanos), timersMade++, this, task));
        }

        @Override
        public Faults faults() {
            return faults;
        }

        @Override
        public long nanoTime() {
            return nowNanos;
        }

        @Override
        public RequestPool requests() {
            Invariant.check(inLoop(), "requests of a loop used outside it");
            return requests;
        }

        @Override
        public IoBufferPool buffers() {
            Invariant.check(inLoop(), "buffers of a loop used outside it");
            return buffers;
        }

        @Override
        public FileEngine files() {
            if (files == null) {
                throw new UnsupportedOperationException("simulated loops have no files");
            }
            return files;
        }

        @Override
        public String toString() {
            return "loop " + index;
        }
    }
}
