package dev.gossamer.io.order;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Faults;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestPool;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.Seeds;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** {@link WriteOrder} between loops that are threads: the part of T51a that one thread cannot show. */
class WriteOrderThreadsTest {
    private static final int THREADS = 3;
    private static final int WRITES = 40_000;
    private static final int CELLS = 24;
    private static final int IN_FLIGHT = 6;

    private final AtomicIntegerArray writersOf = new AtomicIntegerArray(CELLS);
    private final AtomicReference<String> overlap = new AtomicReference<>();
    private final CountDownLatch done = new CountDownLatch(THREADS);

    @Test
    void noTwoOverlappingWritesAreEverUnderWayTogetherT51a() throws InterruptedException {
        ThreadLoop[] loops = new ThreadLoop[THREADS];
        for (int i = 0; i < THREADS; i++) {
            loops[i] = new ThreadLoop(i);
        }
        WriteOrder order = new WriteOrder(List.of(loops));
        for (ThreadLoop loop : loops) {
            Writer writer = new Writer(loop, order);
            loop.execute(writer::fill);
            loop.thread.start();
        }
        boolean ended = done.await(120, TimeUnit.SECONDS);
        for (ThreadLoop loop : loops) {
            loop.execute(() -> loop.stopped = true);
            loop.thread.join();
        }
        assertTrue(ended, "writes wait for ever");
        assertNull(overlap.get());
        for (int i = 0; i < CELLS; i++) {
            assertEquals(0, writersOf.get(i));
        }
        for (ThreadLoop loop : loops) {
            assertEquals(0, loop.requests.inUse());
        }
    }

    /** Keeps some writes under way on its loop; "under way" lasts until a task of the loop that comes later. */
    private final class Writer {
        private final ThreadLoop loop;
        private final WriteOrder order;
        private final SplittableRandom random;
        private final Consumer<BlockRequest> inTurn = this::begin;
        private int started;
        private int ended;

        Writer(ThreadLoop loop, WriteOrder order) {
            this.loop = loop;
            this.order = order;
            this.random = Seeds.splittable(loop.index);
        }

        void fill() {
            while (started < WRITES && started - ended < IN_FLIGHT) {
                started++;
                int from = random.nextInt(CELLS);
                int length = 1 + random.nextInt(Math.min(3, CELLS - from));
                BlockRequest write = loop.requests.acquire().command(BlockOperation.WRITE_ZEROES, from, length, 0);
                write.push(this::completed);
                if (order.enter(write, inTurn)) {
                    begin(write);
                }
            }
        }

        private void begin(BlockRequest write) {
            for (long cell = write.offsetBytes(); cell < write.offsetBytes() + write.lengthBytes(); cell++) {
                if (writersOf.incrementAndGet((int) cell) != 1) {
                    overlap.compareAndSet(null, "two writes of cell " + cell + " under way, one is " + write);
                }
            }
            loop.execute(() -> end(write));
        }

        private void end(BlockRequest write) {
            for (long cell = write.offsetBytes(); cell < write.offsetBytes() + write.lengthBytes(); cell++) {
                writersOf.decrementAndGet((int) cell);
            }
            write.complete(Errno.OK);
        }

        private void completed(BlockRequest write, int errno) {
            write.recycle();
            if (++ended == WRITES) {
                done.countDown();
            } else if (started < WRITES) {
                loop.execute(this::fill);
            }
        }
    }

    private static final class ThreadLoop implements IoLoop {
        private final int index;
        private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
        private final Faults faults = new Faults("thread loop");
        private final RequestPool requests = new RequestPool(this);
        private final Thread thread = new Thread(this::run, "loop");
        private boolean stopped;

        ThreadLoop(int index) {
            this.index = index;
            thread.setDaemon(true);
        }

        private void run() {
            try {
                while (!stopped) {
                    tasks.take().run();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public int index() {
            return index;
        }

        @Override
        public boolean inLoop() {
            return Thread.currentThread().equals(thread);
        }

        @Override
        public void execute(Runnable task) {
            tasks.add(task);
        }

        @Override
        public void schedule(Runnable task, long delayNanos) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Faults faults() {
            return faults;
        }

        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public RequestPool requests() {
            return requests;
        }

        @Override
        public IoBufferPool buffers() {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileEngine files() {
            throw new UnsupportedOperationException();
        }
    }
}
