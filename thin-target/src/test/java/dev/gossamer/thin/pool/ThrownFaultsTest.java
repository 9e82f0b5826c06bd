package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.ThrowingLoop;
import dev.gossamer.io.sim.Unspeakable;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Something throws in the middle of a pool's work: at every place where the worker asks its loop for something, and in
 * every call of its devices. Whatever it is, every request and message is answered, {@code close()} completes, and what
 * was flushed is there when the pool is opened again.
 */
class ThrownFaultsTest {
    private static final int BLOCK = SimPool.BLOCK;
    private final FaultStory story = new FaultStory();

    static Stream<Throwable> kinds() {
        return Stream.of(
                new AssertionError("an invariant"),
                new IllegalStateException("a bug"),
                new OutOfMemoryError("Java heap space"),
                new Unspeakable());
    }

    /** Throws in the n-th call, in place of doing anything. */
    private static final class ThrowingDisk implements BlockDevice {
        private final BlockDevice disk;
        private long countdown = Long.MAX_VALUE;
        private Throwable fault;
        /** In the completion, not in the submission. */
        private boolean late;

        ThrowingDisk(BlockDevice disk) {
            this.disk = disk;
        }

        void throwAt(long n, Throwable newFault, boolean newLate) {
            countdown = n;
            fault = newFault;
            late = newLate;
        }

        boolean hasThrown() {
            return countdown <= 0;
        }

        private void doThrow() {
            fault.fillInStackTrace();
            switch (fault) {
                case Error error -> throw error;
                case RuntimeException exception -> throw exception;
                default -> throw new IllegalArgumentException(fault);
            }
        }

        @Override
        public BlockGeometry geometry() {
            return disk.geometry();
        }

        @Override
        public boolean readsAsZeros(long offsetBytes, long lengthBytes) {
            if (!late && --countdown == 0) {
                doThrow();
            }
            return disk.readsAsZeros(offsetBytes, lengthBytes);
        }

        @Override
        public void submit(BlockRequest request) {
            if (--countdown == 0) {
                if (!late) {
                    doThrow();
                }
                request.push((done, errno) -> doThrow());
            }
            disk.submit(request);
        }

        @Override
        public void close() {
            disk.close();
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whereverTheWorkerAsksItsLoop(Throwable kind) throws Exception {
        int runs = 0;
        for (long n = 1; ; n++) {
            ThrowingLoop[] worker = new ThrowingLoop[1];
            long at = n;
            SimulatedDisk metadata = new SimulatedDisk(1 << 20);
            SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
            FaultStory.prepare(metadata, data);
            SimPool sim = SimPool.open(
                    metadata,
                    data,
                    n,
                    2,
                    SimPool.OPTIONS,
                    SimPool.NO_ORIGINS,
                    loop -> worker[0] = new ThrowingLoop(loop));
            sim.loops.expectFaults();
            worker[0].throwAt(at, kind);
            story.tell(sim, "worker's call " + n);
            if (!worker[0].hasThrown()) {
                break;
            }
            runs++;
            story.check(metadata, data, "worker's call " + n);
        }
        assertTrue(runs > 40, runs + " places");
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whereverADeviceIsCalled(Throwable kind) throws Exception {
        for (boolean late : new boolean[] {false, true}) {
            for (boolean ofData : new boolean[] {false, true}) {
                int runs = 0;
                for (long n = 1; ; n++) {
                    String where = (ofData ? "data" : "metadata") + " device, call " + n + (late ? " late" : "");
                    SimulatedDisk metadata = new SimulatedDisk(1 << 20);
                    SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
                    FaultStory.prepare(metadata, data);
                    ThrowingDisk throwing = new ThrowingDisk(ofData ? data : metadata);
                    SimPool sim = SimPool.open(ofData ? metadata : throwing, ofData ? throwing : data, n, 2);
                    sim.loops.expectFaults();
                    throwing.throwAt(n, kind, late);
                    story.tell(sim, where);
                    if (!throwing.hasThrown()) {
                        break;
                    }
                    runs++;
                    story.check(metadata, data, where);
                }
                assertTrue(runs > 20, runs + " calls");
            }
        }
    }

    @Test
    void aPoolThatNoLoopUsesClosesToo() throws Exception {
        SimulatedDisk metadata = new SimulatedDisk(1 << 20);
        SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
        SimPool.format(metadata, data);
        SimPool sim = SimPool.open(metadata, data, 1, 0);
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.advance(10_000_000_000L);
        assertTrue(closed.isDone());
        sim.close();
    }
}
