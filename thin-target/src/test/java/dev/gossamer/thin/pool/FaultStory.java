package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Everything that a pool can be asked, much of it at once, while something throws somewhere in it: every request and
 * message is answered, {@code close()} completes, and what was flushed is there when the pool is opened again.
 */
class FaultStory {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 8L * BLOCK;

    private final List<SimHarness.Result> requests = new ArrayList<>();
    private final List<CompletableFuture<?>> messages = new ArrayList<>();
    private boolean flushed;

    /** A pool with two volumes and a snapshot. */
    static void prepare(SimulatedDisk metadata, SimulatedDisk data) throws Exception {
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
    void tell(SimPool sim, String where) {
        tell(sim, where, () -> {});
    }

    /** @param begin run when the volumes are open */
    void tell(SimPool sim, String where, Runnable begin) {
        requests.clear();
        messages.clear();
        ThinVolume u = sim.pool.openVolume("u");
        ThinVolume v = sim.pool.openVolume("v");
        begin.run();
        act(sim, u, v);
        SimHarness.Result last = start(sim, 0, v, BlockOperation.WRITE, 7L * BLOCK, BLOCK, BlockRequest.FUA);
        sim.loops.advance(2_000_000_000L);
        flushed = last.errno == Errno.OK;
        for (int i = 0; i < requests.size(); i++) {
            assertTrue(requests.get(i).isDone(), "request " + i + " is never answered: " + where);
        }
        assertOver(sim, where);
        u.close();
        v.close();
        CompletableFuture<Void> closed = close(sim);
        sim.loops.advance(10_000_000_000L);
        for (int i = 0; i < messages.size(); i++) {
            assertTrue(messages.get(i).isDone(), "message " + i + " is never answered: " + where);
        }
        assertTrue(closed.isDone(), "close() does not complete: " + where);
        sim.close();
    }

    /** What the pool is asked between its opening and one last write. */
    void act(SimPool sim, ThinVolume u, ThinVolume v) {
        for (ThinVolume volume : List.of(u, v)) {
            start(sim, 0, volume, BlockOperation.WRITE, 3L * BLOCK, BLOCK, 0);
            start(sim, 1, volume, BlockOperation.WRITE, 4L * BLOCK + 512, 1024, 0);
            start(sim, 1, volume, BlockOperation.WRITE, 4L * BLOCK + 8192, 512, 0);
            start(sim, 0, volume, BlockOperation.WRITE, 100, 50, 0); // breaks sharing, or rewrites a sector
            start(sim, 0, volume, BlockOperation.READ, 0, BLOCK, 0);
            start(sim, 1, volume, BlockOperation.FLUSH, 0, 0, 0);
        }
        ask(() -> sim.pool.createSnapshot("v", "w", false));
        start(sim, 0, v, BlockOperation.WRITE, 5L * BLOCK, 512, BlockRequest.FUA);
        sim.loops.runUntilIdle();
        start(sim, 0, u, BlockOperation.DISCARD, BLOCK, BLOCK, 0);
        start(sim, 1, u, BlockOperation.WRITE_ZEROES, 3L * BLOCK, 2L * BLOCK, 0);
        start(sim, 1, v, BlockOperation.WRITE, 3L * BLOCK, 512, 0);
        ask(() -> sim.pool.resizeVolume("u", VOLUME + BLOCK, false));
        ask(() -> sim.pool.status());
        ask(() -> sim.pool.space().of("v"));
        ask(() -> sim.pool.dmStatus());
        ask(() -> sim.pool.rollBack("s", "u", "kept"));
        sim.loops.advance(2_000_000_000L);
    }

    /** What else has come to its end before the pool is closed. */
    void assertOver(SimPool sim, String where) {}

    final SimHarness.Result start(
            SimPool sim, int loop, ThinVolume volume, BlockOperation operation, long offset, long length, int flags) {
        byte[] data = operation == BlockOperation.WRITE ? ThinPoolTest.bytes((int) offset, (int) length) : null;
        try {
            SimHarness.Result result = sim.start(loop, volume, operation, offset, length, flags, data);
            requests.add(result);
            return result;
        } catch (OutOfMemoryError | AssertionError notBegun) {
            assertTrue(notBegun instanceof OutOfMemoryError || isNoBuffer(notBegun), notBegun::toString);
            SimHarness.Result result = new SimHarness.Result();
            result.errno = Errno.EIO;
            return result;
        }
    }

    /** A client that wants one at once, and there is no memory for it. */
    private static boolean isNoBuffer(Throwable notBegun) {
        return notBegun.getMessage().startsWith("buffer pool used up");
    }

    final void ask(Supplier<CompletableFuture<?>> message) {
        try {
            messages.add(message.get());
        } catch (OutOfMemoryError notAsked) {
            // The caller knows.
        }
    }

    private static CompletableFuture<Void> close(SimPool sim) {
        while (true) {
            try {
                return sim.pool.close();
            } catch (OutOfMemoryError notAsked) {
                // Who owns the pool asks until it closes.
            }
        }
    }

    /** After a power cut: what was flushed is there, and the metadata is sound. */
    void check(SimulatedDisk metadata, SimulatedDisk data, String where) throws Exception {
        metadata.crashLosingAll();
        data.crashLosingAll();
        SimPool.assertSound(metadata, where);
        SimPool sim = SimPool.open(metadata, data, 1, 1);
        ThinVolume s = sim.pool.openVolume("s");
        assertArrayEquals(ThinPoolTest.bytes(1, 2 * BLOCK), firstOf(sim, s), where);
        if (flushed) {
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
