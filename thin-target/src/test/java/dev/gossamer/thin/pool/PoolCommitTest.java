package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When a pool commits, in which order that reaches the disks, and what is there afterwards. */
class PoolCommitTest extends PoolFixture {
    @Test
    void freedBlocksAreNotReusedBeforeTheCommit() throws StorageException {
        ThinVolume volume = fresh().create("v", 256L << 20);
        int blocks = (int) sim.status().dataBlocks() - (int) sim.status().dataBlocksUsed();
        for (int i = 0; i < blocks; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, 512)));
        }
        assertEquals(Errno.ENOSPC, sim.write(volume, (long) blocks * BLOCK, ThinPoolTest.bytes(1, 512)));
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
        assertEquals(Errno.OK, sim.write(volume, 512, ThinPoolTest.bytes(7, 512)), "mapped blocks stay writable (S-5)");
        sim.flush(volume);
        long commits = sim.pool.counters().commits.sum();
        sim.trim(volume, 0, BLOCK);
        assertEquals(
                Errno.OK,
                sim.write(volume, (long) blocks * BLOCK, ThinPoolTest.bytes(1, 512)),
                "S-1: commit, then look again");
        assertTrue(sim.pool.counters().commits.sum() > commits);
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "M-3");
    }

    @Test
    void metadataThatATransactionHasUsedUpComesBackWithItsCommit() throws StorageException {
        SimulatedDisk small = new SimulatedDisk(64 * 4096);
        SimPool.format(small, dataDisk);
        try (SimPool pool = SimPool.open(small, dataDisk, 1, 1)) {
            List<ThinVolume> volumes = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                volumes.add(pool.create("v" + i, VOLUME));
            }
            // Every first write to a volume copies its leaf: together more than the metadata device has free.
            for (int round = 0; round < 2; round++) {
                for (ThinVolume volume : volumes) {
                    assertEquals(Errno.OK, pool.write(volume, (long) round * BLOCK, ThinPoolTest.bytes(round, 512)));
                }
            }
            assertEquals(PoolMode.WRITE, pool.pool.mode());
            pool.shutDown();
        }
        SimPool.assertSound(small, "after many small transactions");
    }

    @Test
    void everythingIsThereAfterReopening() throws StorageException {
        ThinVolume volume = fresh().create("data-1", VOLUME);
        sim.write(volume, 12345, ThinPoolTest.bytes(1, 200_000));
        sim.snapshot("data-1", "snap");
        sim.write(volume, 0, ThinPoolTest.bytes(2, 1000));
        sim.await(sim.pool.renameVolume("data-1", "renamed"));
        sim.await(sim.pool.resizeVolume("renamed", VOLUME * 4, false));
        List<VolumeInfo> before = sim.pool.volumes();
        sim.shutDown();

        open();
        List<VolumeInfo> after = sim.pool.volumes();
        assertEquals(2, after.size());
        assertEquals(before.get(0).uuid(), after.get(0).uuid());
        assertEquals("renamed", after.get(0).name());
        assertEquals(VOLUME * 4, after.get(0).sizeBytes());
        assertEquals(before.get(0).mappedBytes(), after.get(0).mappedBytes());
        assertEquals(after.get(0).id(), after.get(1).originId());
        ThinVolume again = sim.pool.openVolume("renamed");
        assertArrayEquals(ThinPoolTest.bytes(2, 1000), sim.read(again, 0, 1000));
        assertArrayEquals(ThinPoolTest.bytes(1, 200_000), sim.read(sim.pool.openVolume("snap"), 12345, 200_000));
    }

    @Test
    void theDataDeviceIsFlushedBeforeEverySuperblock() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        for (int i = 0; i < 10; i++) {
            sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, 512));
            sim.flush(volume);
        }
        boolean dataDirty = false;
        boolean metadataDirty = false;
        int superblocks = 0;
        for (Event e : events) {
            if (e.device().equals("data")) {
                dataDirty = e.op() == BlockOperation.WRITE || (dataDirty && e.op() != BlockOperation.FLUSH);
            } else if (e.op() == BlockOperation.WRITE && e.offset() == 0) {
                superblocks++;
                assertFalse(dataDirty, "G-2 (a): unflushed data before superblock " + superblocks);
                assertFalse(metadataDirty, "G-2 (d): unflushed metadata before superblock " + superblocks);
                assertEquals(BlockRequest.FUA, e.flags(), "G-2 (f): the superblock must be stable when it is written");
            } else if (e.op() != BlockOperation.READ) {
                metadataDirty = e.op() == BlockOperation.WRITE;
            }
        }
        assertTrue(superblocks >= 10);
    }

    @Test
    void aFlushCommitsOnlyAChangedVolume() throws StorageException {
        ThinVolume a = fresh().create("a", VOLUME);
        ThinVolume b = sim.create("b", VOLUME);
        sim.write(a, 0, ThinPoolTest.bytes(1, 512));
        sim.write(b, 0, ThinPoolTest.bytes(1, 512));
        long commits = sim.pool.counters().commits.sum();
        sim.flush(a);
        assertEquals(commits + 1, sim.pool.counters().commits.sum());
        sim.flush(b);
        assertEquals(commits + 1, sim.pool.counters().commits.sum(), "one transaction covers both");
        sim.write(a, 0, ThinPoolTest.bytes(2, 512));
        events.clear();
        sim.flush(a);
        assertEquals(0, on("metadata").size(), "an overwrite in place needs no commit");
        assertEquals(1, on("data", BlockOperation.FLUSH).size());
    }

    @Test
    void aFuaWriteIsStableWhenItIsAnswered() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCK), BlockRequest.FUA);
        sim.snapshot("v", "s");
        sim.write(volume, 0, ThinPoolTest.bytes(2, BLOCK), BlockRequest.FUA);
        sim.write(volume, 100, ThinPoolTest.bytes(3, 50), BlockRequest.FUA);
        sim.close();
        metadataDisk.crashLosingAll();
        dataDisk.crashLosingAll();
        open();
        byte[] model = ThinPoolTest.bytes(2, BLOCK);
        System.arraycopy(ThinPoolTest.bytes(3, 50), 0, model, 100, 50);
        assertArrayEquals(model, sim.read(sim.pool.openVolume("v"), 0, BLOCK));
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(sim.pool.openVolume("s"), 0, BLOCK));
    }

    @Test
    void changesAreCommittedAfterASecondAndAnIdlePoolWritesNothing() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.write(volume, 0, ThinPoolTest.bytes(1, 512));
        long commits = sim.pool.counters().commits.sum();
        sim.loops.advance(Committer.PERIOD_NANOS);
        assertEquals(commits + 1, sim.pool.counters().commits.sum());
        events.clear();
        sim.read(volume, 0, 512);
        sim.loops.advance(10 * Committer.PERIOD_NANOS);
        assertEquals(0, on("metadata").size() + on("data", BlockOperation.WRITE).size(), "G-1");
    }

    @Test
    void openingAndClosingWithoutUseWritesNothing() throws StorageException {
        fresh().create("v", VOLUME);
        sim.shutDown();
        long writes = metadataDisk.writes() + dataDisk.writes();
        open().shutDown();
        assertEquals(writes, metadataDisk.writes() + dataDisk.writes());
    }

    @Test
    void aFailingCommitFreezesTheMetadataAndFailsTheFlush() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCK));
        assertEquals(Errno.OK, sim.flush(volume));
        sim.write(volume, BLOCK, ThinPoolTest.bytes(2, BLOCK));
        metadataFaults.fail(BlockOperation.FLUSH, 1, Errno.EIO);
        assertEquals(Errno.EIO, sim.flush(volume));
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        assertTrue(sim.status().needsCheck());
        assertEquals(Errno.EIO, sim.flush(volume), "G-6: acknowledged writes are gone, and stay reported");
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(volume, 0, BLOCK));
        assertArrayEquals(new byte[BLOCK], sim.read(volume, BLOCK, BLOCK), "E-3: the uncommitted mapping is forgotten");
        assertEquals(Errno.EIO, sim.write(volume, 2L * BLOCK, ThinPoolTest.bytes(1, 512)));
        assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(4, 512)), "M-8");
        assertTrue(error(sim.pool.createVolume(new VolumeSpec("w", VOLUME)))
                .getMessage()
                .contains("ro"));
        sim.close();
        open();
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode(), "M-4");
    }
}
