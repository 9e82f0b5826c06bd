package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.ThrowingLoop;
import dev.gossamer.io.sim.Unspeakable;
import java.util.ArrayList;
import java.util.List;
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
    private static final long VOLUME = 8L * BLOCK;

    private final List<SimHarness.Result> requests = new ArrayList<>();
    private final List<CompletableFuture<?>> messages = new ArrayList<>();
    private final boolean[] flushed = new boolean[1];

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
            prepare(metadata, data);
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
            run(sim, "worker's call " + n);
            if (!worker[0].hasThrown()) {
                break;
            }
            runs++;
            check(metadata, data, "worker's call " + n);
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
                    prepare(metadata, data);
                    ThrowingDisk throwing = new ThrowingDisk(ofData ? data : metadata);
                    SimPool sim = SimPool.open(ofData ? metadata : throwing, ofData ? throwing : data, n, 2);
                    sim.loops.expectFaults();
                    throwing.throwAt(n, kind, late);
                    run(sim, where);
                    if (!throwing.hasThrown()) {
                        break;
                    }
                    runs++;
                    check(metadata, data, where);
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

    private static void prepare(SimulatedDisk metadata, SimulatedDisk data) throws Exception {
        SimPool.format(metadata, data);
        SimPool sim = SimPool.open(metadata, data, 1, 1);
        for (String name : List.of("u", "v")) {
            ThinVolume volume = sim.create(name, VOLUME);
            assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(1, 2 * BLOCK)));
            assertEquals(Errno.OK, sim.flush(volume));
            volume.close();
        }
        sim.snapshot("u", "s").close();
        sim.shutDown();
    }

    /** Everything that a pool can be asked, much of it at once; then it is closed. */
    private void run(SimPool sim, String where) {
        requests.clear();
        messages.clear();
        ThinVolume u = sim.pool.openVolume("u");
        ThinVolume v = sim.pool.openVolume("v");
        for (ThinVolume volume : List.of(u, v)) {
            start(sim, 0, volume, BlockOperation.WRITE, 3L * BLOCK, BLOCK, 0);
            start(sim, 1, volume, BlockOperation.WRITE, 4L * BLOCK + 512, 1024, 0);
            start(sim, 1, volume, BlockOperation.WRITE, 4L * BLOCK + 8192, 512, 0);
            start(sim, 0, volume, BlockOperation.WRITE, 100, 50, 0); // breaks sharing, or rewrites a sector
            start(sim, 0, volume, BlockOperation.READ, 0, BLOCK, 0);
            start(sim, 1, volume, BlockOperation.FLUSH, 0, 0, 0);
        }
        messages.add(sim.pool.createSnapshot("v", "w", false));
        start(sim, 0, v, BlockOperation.WRITE, 5L * BLOCK, 512, BlockRequest.FUA);
        sim.loops.runUntilIdle();
        start(sim, 0, u, BlockOperation.DISCARD, BLOCK, BLOCK, 0);
        start(sim, 1, u, BlockOperation.WRITE_ZEROES, 3L * BLOCK, 2L * BLOCK, 0);
        start(sim, 1, v, BlockOperation.WRITE, 3L * BLOCK, 512, 0);
        messages.add(sim.pool.resizeVolume("u", VOLUME + BLOCK, false));
        messages.add(sim.pool.status());
        messages.add(sim.pool.spaceOf("v"));
        messages.add(sim.pool.dmStatus());
        messages.add(sim.pool.rollBack("s", "u", "kept"));
        sim.loops.advance(2_000_000_000L);
        flushed[0] = start(sim, 0, v, BlockOperation.WRITE, 7L * BLOCK, BLOCK, BlockRequest.FUA).errno == Errno.OK;
        sim.loops.advance(2_000_000_000L);
        flushed[0] = requests.getLast().errno == Errno.OK;
        for (int i = 0; i < requests.size(); i++) {
            assertTrue(requests.get(i).isDone(), "request " + i + " is never answered: " + where);
        }
        u.close();
        v.close();
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.advance(10_000_000_000L);
        for (int i = 0; i < messages.size(); i++) {
            assertTrue(messages.get(i).isDone(), "message " + i + " is never answered: " + where);
        }
        assertTrue(closed.isDone(), "close() does not complete: " + where);
        sim.close();
    }

    private SimHarness.Result start(
            SimPool sim, int loop, ThinVolume volume, BlockOperation operation, long offset, long length, int flags) {
        byte[] data = operation == BlockOperation.WRITE ? ThinPoolTest.bytes((int) offset, (int) length) : null;
        SimHarness.Result result = sim.start(loop, volume, operation, offset, length, flags, data);
        requests.add(result);
        return result;
    }

    /** After a power cut: what was flushed is there, and the metadata is sound. */
    private void check(SimulatedDisk metadata, SimulatedDisk data, String where) throws Exception {
        metadata.crashLosingAll();
        data.crashLosingAll();
        SimPool.assertSound(metadata, where);
        SimPool sim = SimPool.open(metadata, data, 1, 1);
        ThinVolume s = sim.pool.openVolume("s");
        assertArrayEquals(ThinPoolTest.bytes(1, 2 * BLOCK), firstOf(sim, s), where);
        if (flushed[0]) {
            ThinVolume v = sim.pool.openVolume("v");
            assertArrayEquals(ThinPoolTest.bytes(7 * BLOCK, BLOCK), sim.read(v, 7L * BLOCK, BLOCK), where);
        }
        sim.close();
    }

    /** The snapshot, or what the rollback has kept of it. */
    private static byte[] firstOf(SimPool sim, ThinVolume s) {
        ThinVolume kept = sim.pool.openVolume("kept");
        return sim.read(kept == null ? s : kept, 0, 2 * BLOCK);
    }
}
