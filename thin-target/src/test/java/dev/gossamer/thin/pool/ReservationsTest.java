package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A write that finds no metadata beside blocks in preparation waits for their end, and for nothing that has none. */
class ReservationsTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int MANY = 120;
    private static final int OWN_MARK = 384;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(400L * BLOCK);

    @BeforeEach
    void volumesVAndW() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume v = sim.create("v", 256L * BLOCK);
            for (int i = 0; i < MANY; i++) {
                assertEquals(Errno.OK, sim.write(v, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
            }
            v.close();
            sim.create("w", 256L * BLOCK).close();
            sim.shutDown();
        }
    }

    private static SimHarness.Result startWrite(SimPool sim) {
        ThinVolume w = sim.pool.openVolume("w");
        SimHarness.Result write =
                sim.start(0, w, BlockOperation.WRITE, 9L * BLOCK, BLOCK, 0, ThinPoolTest.bytes(1, BLOCK));
        sim.loops.runUntilIdle();
        return write;
    }

    /** All of v's mappings lead to blocks that are counted free: they are kept from being given out, for good. */
    @Test
    void blocksInUseThatAreCountedFreeKeepNobodysWriteWaiting() throws StorageException {
        ForgedMetadata forged = new ForgedMetadata(metadata);
        long location = forged.mappingsOf(0);
        ByteBuffer leaf = forged.block(location);
        long free = forged.superblock().getLong(ForgedMetadata.DATA_ALLOCATED);
        for (int i = 0; i < MANY; i++) {
            leaf.putLong(ForgedMetadata.valueOffset(leaf, i), (free + i) << 24);
        }
        forged.put(location, leaf, ForgedMetadata.NODE);
        forged.putSuperblockLong(OWN_MARK, 0);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            assertNotNull(sim.pool.volume("v").damage());
            SimHarness.Result write = startWrite(sim);
            assertTrue(write.isDone(), "waits for the end of what has none");
            assertEquals(Errno.OK, write.errno);
            assertEquals(PoolMode.WRITE, sim.pool.mode());
            sim.shutDown();
        }
        for (int i = 0; i < MANY; i++) {
            assertEquals(0, data.readNow((free + i) * BLOCK, 512)[0], "given out: data block " + (free + i));
        }
    }

    /** As a job or a probe reserves and gives back: no block is mapped, and so no commit follows. */
    @Test
    void whoeverGivesBackTheLastReservedBlockWakesThoseWhoWait() throws StorageException {
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            PoolMetadata pool = sim.pool.parts.metadata;
            List<Long> reserved = new ArrayList<>();
            onWorker(sim, () -> {
                for (int i = 0; i < MANY; i++) {
                    reserved.add(pool.reserveDataBlock());
                }
            });
            SimHarness.Result write = startWrite(sim);
            sim.loops.advance(3 * Committer.PERIOD_NANOS);
            assertFalse(write.isDone(), "there is metadata for those in preparation, and no more");
            onWorker(sim, () -> {
                pool.unreserveDataBlock(reserved.removeLast());
                assertFalse(write.isDone());
                reserved.forEach(pool::unreserveDataBlock);
            });
            sim.loops.runUntilIdle();
            assertTrue(write.isDone(), "nobody has told it");
            assertEquals(Errno.OK, write.errno);
            sim.shutDown();
        }
    }

    /** The blocks themselves are what the write lacks. */
    @Test
    void thoseWhoWaitForADataBlockAsWell() throws StorageException {
        SimulatedDisk small = new SimulatedDisk(8L * BLOCK);
        metadata.writeNow(0, new byte[4096]);
        SimPool.format(metadata, small);
        PoolOptions queueing = SimPool.OPTIONS.withOnFull(OnFull.QUEUE, Duration.ZERO);
        try (SimPool sim = SimPool.open(metadata, small, 1, 1, queueing)) {
            sim.create("w", 256L * BLOCK).close();
            PoolMetadata pool = sim.pool.parts.metadata;
            List<Long> reserved = new ArrayList<>();
            onWorker(sim, () -> {
                while (pool.dataBlocksFree() > 0) {
                    reserved.add(pool.reserveDataBlock());
                }
            });
            SimHarness.Result write = startWrite(sim);
            assertFalse(write.isDone(), "there is no block");
            onWorker(sim, () -> reserved.forEach(pool::unreserveDataBlock));
            sim.loops.runUntilIdle();
            assertTrue(write.isDone(), "nobody has told it");
            assertEquals(Errno.OK, write.errno);
            assertEquals(PoolMode.WRITE, sim.pool.mode());
            sim.shutDown();
        }
    }

    private interface Work {
        void run() throws StorageException;
    }

    private static void onWorker(SimPool sim, Work work) throws StorageException {
        sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            work.run();
            return null;
        }));
    }
}
