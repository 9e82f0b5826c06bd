package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ForwardingLoop;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.metadata.CommitNow;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A status query on a worker whose metadata is slow to come: it must not keep the worker (NBD T44, T57). */
class StatusTimeTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long BLOCKS = 60_000;

    /** A loop whose clock goes on by 0.3 ms with each look at it. */
    private static final class SlowLoop extends ForwardingLoop {
        private long nanos;

        SlowLoop(IoLoop loop) {
            super(loop);
        }

        @Override
        public long nanoTime() {
            nanos += 300_000;
            return nanos;
        }
    }

    @Test
    void queriesTakeTurnsWithOtherWorkOfTheWorker() throws StorageException {
        SimulatedDisk metadataDisk = new SimulatedDisk(16 << 20);
        SimulatedDisk dataDisk = new SimulatedDisk(1000L * BLOCK);
        SimPool.format(metadataDisk, dataDisk);
        int[] answeredBefore = {-1};
        try (SimPool sim = SimPool.open(metadataDisk, dataDisk, 1, 2)) {
            ThinVolume volume = sim.create("v", 2000L * BLOCK);
            List<AskedStatus> line = new ArrayList<>();
            try (StatusContext context = sim.pool.statusContexts().resolve("v", "base:allocation")) {
                for (int i = 0; i < 32; i++) {
                    line.add(new AskedStatus(sim.loops).start(1, volume, 0, 2000L * BLOCK, false, context));
                }
                // Whoever comes to the worker now finds a query before it or two, not all of them.
                sim.loops
                        .loop(2)
                        .execute(() -> answeredBefore[0] = (int) line.stream()
                                .filter(asked -> asked.query.errno() == Errno.OK)
                                .count());
                line.forEach(AskedStatus::finish);
            }
            volume.close();
            sim.shutDown();
        }
        assertTrue(answeredBefore[0] >= 0 && answeredBefore[0] <= 2, "queries before other work: " + answeredBefore[0]);
    }

    @ParameterizedTest
    @ValueSource(strings = {"base:allocation", "qemu:allocation-depth", "qemu:dirty-bitmap:s"})
    void anAnswerEndsAfterHalfAMillisecondAndTheRestCanBeAskedFor(String name) throws StorageException {
        SimulatedDisk metadataDisk = new SimulatedDisk(16 << 20);
        SimulatedDisk dataDisk = new SimulatedDisk((BLOCKS + 100) * BLOCK);
        SimPool.format(metadataDisk, dataDisk);
        try (SimPool sim = SimPool.open(metadataDisk, dataDisk, 1, 1)) {
            sim.create("v", BLOCKS * BLOCK).close();
            sim.snapshot("v", "s").close();
            sim.shutDown();
        }
        try (SimLoops loops = new SimLoops(1, 2, 1 << 20);
                IoBufferPool buffers = new IoBufferPool(1 << 20)) {
            InlineLoop inline = new InlineLoop(null, buffers);
            mapAll(metadataDisk, dataDisk, inline);
            CompletableFuture<ThinPool> opened = ThinPool.openOn(
                    metadataDisk,
                    dataDisk,
                    inline,
                    new SlowLoop(loops.loop(1)),
                    List.of(loops.loop(0)),
                    SimPool.OPTIONS,
                    SimPool.NO_ORIGINS);
            loops.runUntilIdle();
            ThinPool pool = ThinPool.join(opened);
            ThinVolume volume = pool.openVolume("v");
            int questions = 0;
            long at = 0;
            try (StatusContext context = pool.statusContexts().resolve("v", name)) {
                AskedStatus asked = new AskedStatus(loops);
                assertPauses(
                        loops,
                        asked.start(0, volume, 0, BLOCKS * BLOCK, true, context),
                        new AskedStatus(loops).start(0, volume, 0, BLOCKS * BLOCK, true, context));
                while (at < BLOCKS * BLOCK) {
                    asked.start(0, volume, at, BLOCKS * BLOCK - at, true, context)
                            .finish();
                    assertEquals(1, asked.query.count(0));
                    long answered = asked.query.lengthBytes(0, 0);
                    assertTrue(answered >= 28L * 84 * BLOCK || at + answered == BLOCKS * BLOCK, "two steps at least");
                    at += answered;
                    questions++;
                    // The loop is left to others for as long before the next query is looked at.
                    loops.advance(10_000_000);
                }
            }
            assertEquals(BLOCKS * BLOCK, at);
            // 60000 mappings are 240 to 480 leaves, and two steps of 16 nodes take 0.6 ms.
            assertTrue(questions >= 7 && questions <= 20, questions + " questions");
            volume.close();
            CompletableFuture<Void> closed = pool.close();
            loops.runUntilIdle();
            ThinPool.join(closed);
        }
    }

    /** However many ask, half of the worker's time is others': after each answer as long as that took. */
    private static void assertPauses(SimLoops loops, AskedStatus first, AskedStatus second) {
        loops.runUntilIdle();
        assertEquals(Errno.OK, first.query.errno());
        assertNotEquals(Errno.OK, second.query.errno(), "at once behind the first");
        loops.advance(500_000);
        assertNotEquals(Errno.OK, second.query.errno(), "the first took longer");
        loops.advance(10_000_000);
        first.finish();
        second.finish();
        loops.advance(10_000_000);
    }

    private static void mapAll(SimulatedDisk metadataDisk, SimulatedDisk dataDisk, InlineLoop inline)
            throws StorageException {
        try (PoolMetadata metadata =
                PoolMetadata.open(new BlockingIo(metadataDisk, inline), dataDisk, PoolMetadata.CACHE_BLOCKS)) {
            for (long block = 0; block < BLOCKS; block++) {
                metadata.insert(0, block, metadata.reserveDataBlock());
            }
            CommitNow.commit(metadata);
        }
    }
}
