package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a pool does, rule by rule, on one deterministic interleaving. */
class ThinPoolTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L << 20;

    private final List<Event> events = new ArrayList<>();
    private final SimulatedDisk metadataDisk = new SimulatedDisk(4 << 20);
    private final SimulatedDisk dataDisk = new SimulatedDisk(64L * BLOCK);
    private final FaultPlan metadataFaults = new FaultPlan();
    private final FaultPlan dataFaults = new FaultPlan();
    private SimPool sim;

    private SimPool open() throws StorageException {
        sim = SimPool.open(
                new Recorder("metadata", new FaultyDevice(metadataDisk, metadataFaults), events),
                new Recorder("data", new FaultyDevice(dataDisk, dataFaults), events),
                1,
                2);
        return sim;
    }

    private SimPool fresh() throws StorageException {
        SimPool.format(metadataDisk, dataDisk);
        return open();
    }

    @AfterEach
    void nothingIsLeftInUseAndTheMetadataIsSound() throws StorageException {
        if (sim != null) {
            sim.loops.runUntilIdle();
            assertEquals(0, sim.inUse(), "requests or buffers leaked");
            sim.close();
            SimPool.assertSound(metadataDisk, "after the test");
        }
    }

    @Test
    void unmappedSpaceReadsAsZerosAndAllocatesNothing() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        long used = sim.status().dataBlocksUsed();
        assertArrayEquals(new byte[1 << 20], sim.read(volume, 5 << 20, 1 << 20));
        assertEquals(used, sim.status().dataBlocksUsed());
    }

    @Test
    void aPartialWriteProvisionsAZeroedBlock() throws StorageException {
        Arrays.fill(scratch(), (byte) 0x55);
        for (long offset = 0; offset < 64L * BLOCK; offset += BLOCK) {
            dataDisk.writeNow(offset, scratch());
        }
        ThinVolume volume = fresh().create("v", VOLUME);
        assertEquals(Errno.OK, sim.write(volume, BLOCK + 4096, bytes(1, 4096)));
        byte[] expected = new byte[BLOCK];
        System.arraycopy(bytes(1, 4096), 0, expected, 4096, 4096);
        assertArrayEquals(expected, sim.read(volume, BLOCK, BLOCK), "the former contents must not show (T40)");
    }

    @Test
    void aWholeBlockOverwriteIsOneWriteOfTheData() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        events.clear();
        assertEquals(Errno.OK, sim.write(volume, 2L * BLOCK, bytes(3, BLOCK)));
        List<Event> data = on("data");
        assertEquals(1, data.size(), "no zeroing, no copy (Z-4): " + data);
        assertEquals(BLOCK, data.get(0).length());
        assertArrayEquals(bytes(3, BLOCK), sim.read(volume, 2L * BLOCK, BLOCK));
    }

    @Test
    void aWriteOfManyBlocksAndOddEdgesLandsWhereItShould() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        byte[] model = new byte[8 * BLOCK];
        long[][] writes = {
            {100, 1}, {511, 2}, {0, 3 * BLOCK}, {BLOCK - 7, 2 * BLOCK + 14}, {4095, 2}, {5 * BLOCK + 1, 700}
        };
        for (int i = 0; i < writes.length; i++) {
            byte[] data = bytes(10 + i, (int) writes[i][1]);
            System.arraycopy(data, 0, model, (int) writes[i][0], data.length);
            assertEquals(Errno.OK, sim.write(volume, writes[i][0], data));
            assertArrayEquals(model, sim.read(volume, 0, model.length), "after write " + i);
        }
        assertArrayEquals(Arrays.copyOfRange(model, 509, 70_001), sim.read(volume, 509, 70_001 - 509));
    }

    @Test
    void twoHalvesOfASectorWrittenTogetherBothSurvive() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.write(volume, 0, bytes(1, BLOCK));
        SimHarness.Result left = sim.start(0, volume, BlockOperation.WRITE, 1024, 256, 0, bytes(2, 256));
        SimHarness.Result right = sim.start(1, volume, BlockOperation.WRITE, 1280, 256, 0, bytes(3, 256));
        SimHarness.Result next = sim.start(1, volume, BlockOperation.WRITE, 1536, 512, 0, bytes(4, 512));
        sim.loops.runUntilIdle();
        assertEquals(Errno.OK, left.errno | right.errno | next.errno);
        assertArrayEquals(bytes(2, 256), sim.read(volume, 1024, 256));
        assertArrayEquals(bytes(3, 256), sim.read(volume, 1280, 256));
        assertArrayEquals(bytes(4, 512), sim.read(volume, 1536, 512));
    }

    @Test
    void writesToOneUnmappedBlockThatComeTogetherShareOnePreparation() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.read(volume, 0, 512);
        sim.write(volume, 0, bytes(9, 512));
        events.clear();
        List<SimHarness.Result> results = new ArrayList<>();
        sim.loops.enter(0, () -> {
            for (int i = 0; i < 8; i++) {
                results.add(
                        sim.start(0, volume, BlockOperation.WRITE, BLOCK + i * 4096L, 4096, 0, bytes(20 + i, 4096)));
            }
        });
        sim.loops.runUntilIdle();
        for (int i = 0; i < 8; i++) {
            assertEquals(Errno.OK, results.get(i).errno);
            assertArrayEquals(bytes(20 + i, 4096), sim.read(volume, BLOCK + i * 4096L, 4096));
        }
        assertEquals(1, on("data", BlockOperation.WRITE).size());
    }

    @Test
    void aSnapshotKeepsTheOldContentsAndBothGoTheirWays() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.write(volume, 0, bytes(1, 4 * BLOCK));
        ThinVolume snapshot = sim.snapshot("v", "s");
        long used = sim.status().dataBlocksUsed();
        sim.write(volume, 100, bytes(2, 3000));
        sim.write(snapshot, BLOCK, bytes(3, BLOCK));
        assertEquals(used + 2, sim.status().dataBlocksUsed(), "exactly the two written blocks are copied");

        byte[] model = bytes(1, 4 * BLOCK);
        System.arraycopy(bytes(2, 3000), 0, model, 100, 3000);
        assertArrayEquals(model, sim.read(volume, 0, 4 * BLOCK));
        byte[] old = bytes(1, 4 * BLOCK);
        System.arraycopy(bytes(3, BLOCK), 0, old, BLOCK, BLOCK);
        assertArrayEquals(old, sim.read(snapshot, 0, 4 * BLOCK));

        events.clear();
        sim.write(volume, 200, bytes(4, 512 * 2));
        assertEquals(used + 2, sim.status().dataBlocksUsed(), "already private");
    }

    @Test
    void aWhollyOverwrittenSharedBlockIsNotRead() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.write(volume, 0, bytes(1, BLOCK));
        sim.snapshot("v", "s");
        events.clear();
        sim.write(volume, 0, bytes(2, BLOCK));
        assertEquals(0, on("data", BlockOperation.READ).size(), "B-3");
    }

    @Test
    void aSnapshotTakenUnderWritesIsOneMoment() throws StorageException {
        for (long seed = 1; seed <= 30; seed++) {
            SimulatedDisk metadata = new SimulatedDisk(4 << 20);
            SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
            SimPool.format(metadata, data);
            try (SimPool pool = SimPool.open(metadata, data, seed, 2)) {
                ThinVolume volume = pool.create("v", VOLUME);
                pool.write(volume, 0, bytes(1, 2 * BLOCK));
                // Each round writes the same stamp to two blocks, the first before the second.
                List<SimHarness.Result> firsts = new ArrayList<>();
                var snapshot = new Object() {
                    java.util.concurrent.CompletableFuture<VolumeInfo> answer;
                };
                for (int round = 2; round < 12; round++) {
                    firsts.add(pool.start(0, volume, BlockOperation.WRITE, 0, 512, 0, stamp(round)));
                    if (round == 6) {
                        snapshot.answer = pool.pool.createSnapshot("v", "s", true);
                    }
                    while (!firsts.get(round - 2).isDone()) {
                        pool.loops.runOne();
                    }
                    SimHarness.Result second = pool.start(1, volume, BlockOperation.WRITE, BLOCK, 512, 0, stamp(round));
                    while (!second.isDone()) {
                        pool.loops.runOne();
                    }
                }
                pool.await(snapshot.answer);
                byte[] final0 = pool.read(volume, 0, 512);
                assertArrayEquals(stamp(11), final0);
                ThinVolume s = pool.pool.openVolume("s");
                byte first = pool.read(s, 0, 512)[0];
                byte second = pool.read(s, BLOCK, 512)[0];
                assertTrue(
                        first == second || first == second + 1,
                        "seed " + seed + ": the snapshot has block 1 of round " + second + " and block 0 of " + first);
                assertEquals(Errno.EROFS, pool.write(s, 0, stamp(1)));
            }
        }
    }

    @Test
    void trimUnmapsWholeBlocksAndLeavesEdges() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.write(volume, 0, bytes(1, 4 * BLOCK));
        assertEquals(Errno.OK, sim.trim(volume, 512, 3L * BLOCK));
        byte[] model = bytes(1, 4 * BLOCK);
        Arrays.fill(model, BLOCK, 3 * BLOCK, (byte) 0);
        assertArrayEquals(model, sim.read(volume, 0, 4 * BLOCK));
        assertEquals(2L * BLOCK, volume.info().mappedBytes());
        assertEquals(Errno.OK, sim.trim(volume, 0, VOLUME));
        assertEquals(0, volume.info().mappedBytes());
        assertEquals(Errno.EINVAL, sim.trim(volume, VOLUME - BLOCK, 2L * BLOCK), "DI-3");
    }

    @Test
    void writeZeroesZeroesExactlyItsRange() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        byte[] model = bytes(1, 4 * BLOCK);
        sim.write(volume, 0, model);
        sim.snapshot("v", "s");
        assertEquals(Errno.OK, sim.zero(volume, 700, 2L * BLOCK + 300, 0));
        Arrays.fill(model, 700, 700 + 2 * BLOCK + 300, (byte) 0);
        assertArrayEquals(model, sim.read(volume, 0, 4 * BLOCK));
        assertEquals(3L * BLOCK, volume.info().mappedBytes(), "the whole block inside is unmapped");
        assertEquals(Errno.OK, sim.zero(volume, 8L * BLOCK + 5, 100, 0), "zeros where nothing is mapped");
        assertEquals(3L * BLOCK, volume.info().mappedBytes());
        assertEquals(Errno.OK, sim.zero(volume, 8L * BLOCK + 5, 2L * BLOCK, BlockRequest.NO_UNMAP));
        assertEquals(6L * BLOCK, volume.info().mappedBytes(), "NO_HOLE allocates (T31)");
    }

    @Test
    void freedBlocksAreNotReusedBeforeTheCommit() throws StorageException {
        ThinVolume volume = fresh().create("v", 256L << 20);
        int blocks = (int) sim.status().dataBlocks() - (int) sim.status().dataBlocksUsed();
        for (int i = 0; i < blocks; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, bytes(i, 512)));
        }
        assertEquals(Errno.ENOSPC, sim.write(volume, (long) blocks * BLOCK, bytes(1, 512)));
        assertEquals(PoolMode.OUT_OF_DATA_SPACE, sim.pool.mode());
        assertEquals(Errno.OK, sim.write(volume, 512, bytes(7, 512)), "mapped blocks stay writable (S-5)");
        sim.flush(volume);
        long commits = sim.pool.counters().commits.sum();
        sim.trim(volume, 0, BLOCK);
        assertEquals(Errno.OK, sim.write(volume, (long) blocks * BLOCK, bytes(1, 512)), "S-1: commit, then look again");
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
                    assertEquals(Errno.OK, pool.write(volume, (long) round * BLOCK, bytes(round, 512)));
                }
            }
            assertEquals(PoolMode.WRITE, pool.pool.mode());
            pool.shutDown();
        }
        SimPool.assertSound(small, "after many small transactions");
    }

    @Test
    void deletingGivesTheBlocksBack() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        long used = sim.status().dataBlocksUsed();
        sim.write(volume, 0, bytes(1, 8 * BLOCK));
        ThinVolume snapshot = sim.snapshot("v", "s");
        sim.write(volume, 0, bytes(2, 2 * BLOCK));
        assertTrue(error(sim.pool.deleteVolume("v")).getMessage().contains("in use by 1"));
        volume.close();
        sim.await(sim.pool.deleteVolume("v"));
        assertEquals(used + 8, sim.status().dataBlocksUsed());
        assertArrayEquals(bytes(1, 8 * BLOCK), sim.read(snapshot, 0, 8 * BLOCK), "T-3: the origin may go first");
        snapshot.close();
        sim.await(sim.pool.deleteVolume("s"));
        assertEquals(used, sim.status().dataBlocksUsed());
        assertNull(sim.pool.openVolume("v"));
    }

    @Test
    void everythingIsThereAfterReopening() throws StorageException {
        ThinVolume volume = fresh().create("data-1", VOLUME);
        sim.write(volume, 12345, bytes(1, 200_000));
        sim.snapshot("data-1", "snap");
        sim.write(volume, 0, bytes(2, 1000));
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
        assertArrayEquals(bytes(2, 1000), sim.read(again, 0, 1000));
        assertArrayEquals(bytes(1, 200_000), sim.read(sim.pool.openVolume("snap"), 12345, 200_000));
    }

    @Test
    void theDataDeviceIsFlushedBeforeEverySuperblock() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        for (int i = 0; i < 10; i++) {
            sim.write(volume, (long) i * BLOCK, bytes(i, 512));
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
        sim.write(a, 0, bytes(1, 512));
        sim.write(b, 0, bytes(1, 512));
        long commits = sim.pool.counters().commits.sum();
        sim.flush(a);
        assertEquals(commits + 1, sim.pool.counters().commits.sum());
        sim.flush(b);
        assertEquals(commits + 1, sim.pool.counters().commits.sum(), "one transaction covers both");
        sim.write(a, 0, bytes(2, 512));
        events.clear();
        sim.flush(a);
        assertEquals(0, on("metadata").size(), "an overwrite in place needs no commit");
        assertEquals(1, on("data", BlockOperation.FLUSH).size());
    }

    @Test
    void aFuaWriteIsStableWhenItIsAnswered() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.write(volume, 0, bytes(1, BLOCK), BlockRequest.FUA);
        sim.snapshot("v", "s");
        sim.write(volume, 0, bytes(2, BLOCK), BlockRequest.FUA);
        sim.write(volume, 100, bytes(3, 50), BlockRequest.FUA);
        sim.close();
        metadataDisk.crashLosingAll();
        dataDisk.crashLosingAll();
        open();
        byte[] model = bytes(2, BLOCK);
        System.arraycopy(bytes(3, 50), 0, model, 100, 50);
        assertArrayEquals(model, sim.read(sim.pool.openVolume("v"), 0, BLOCK));
        assertArrayEquals(bytes(1, BLOCK), sim.read(sim.pool.openVolume("s"), 0, BLOCK));
    }

    @Test
    void changesAreCommittedAfterASecondAndAnIdlePoolWritesNothing() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.write(volume, 0, bytes(1, 512));
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
        sim.write(volume, 0, bytes(1, BLOCK));
        assertEquals(Errno.OK, sim.flush(volume));
        sim.write(volume, BLOCK, bytes(2, BLOCK));
        metadataFaults.fail(BlockOperation.FLUSH, 1, Errno.EIO);
        assertEquals(Errno.EIO, sim.flush(volume));
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode());
        assertTrue(sim.status().needsCheck());
        assertEquals(Errno.EIO, sim.flush(volume), "G-6: acknowledged writes are gone, and stay reported");
        assertArrayEquals(bytes(1, BLOCK), sim.read(volume, 0, BLOCK));
        assertArrayEquals(new byte[BLOCK], sim.read(volume, BLOCK, BLOCK), "E-3: the uncommitted mapping is forgotten");
        assertEquals(Errno.EIO, sim.write(volume, 2L * BLOCK, bytes(1, 512)));
        assertEquals(Errno.OK, sim.write(volume, 0, bytes(4, 512)), "M-8");
        assertTrue(error(sim.pool.createVolume(new VolumeSpec("w", VOLUME)))
                .getMessage()
                .contains("ro"));
        sim.close();
        open();
        assertEquals(PoolMode.READ_ONLY, sim.pool.mode(), "M-4");
    }

    @Test
    void aFailingDataWriteFailsOnlyItsRequestAndLeaksNoBlock() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        long free = sim.status().dataBlocks() - sim.status().dataBlocksUsed();
        dataFaults.failAlways(BlockOperation.WRITE, Errno.EIO);
        assertEquals(Errno.EIO, sim.write(volume, 0, bytes(1, 512)));
        dataFaults.heal();
        assertEquals(PoolMode.WRITE, sim.pool.mode(), "E-5");
        for (int i = 0; i < free; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, bytes(i, 512)), "block " + i + " (Z-2)");
        }
    }

    @Test
    void manyRequestsOfSeveralLoopsAllEnd() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        List<SimHarness.Result> results = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            results.add(sim.start(
                    i & 1,
                    volume,
                    BlockOperation.WRITE,
                    (i * 37L % 50) * 9000,
                    9000,
                    i % 7 == 0 ? BlockRequest.FUA : 0,
                    bytes(i, 9000)));
            if (i % 10 == 0) {
                results.add(sim.start(i & 1, volume, BlockOperation.DISCARD, 0, 10L * BLOCK, 0, null));
                results.add(sim.start(i & 1, volume, BlockOperation.FLUSH, 0, 0, 0, null));
            }
        }
        sim.loops.runUntilIdle();
        for (SimHarness.Result result : results) {
            assertEquals(Errno.OK, result.errno);
        }
    }

    @Test
    void badNamesSizesAndUnknownVolumesAreRefusedWithTheReason() throws StorageException {
        fresh().create("v", VOLUME);
        assertTrue(error(sim.pool.createVolume(new VolumeSpec("v", VOLUME)))
                .getMessage()
                .contains("exists already"));
        for (String name : List.of("", "a/b", "-x", ".x", "a b", "x".repeat(129), "line\nbreak")) {
            assertEquals(
                    Errno.EINVAL,
                    error(sim.pool.createVolume(new VolumeSpec(name, VOLUME))).errno(),
                    name);
        }
        assertEquals(
                Errno.EINVAL,
                error(sim.pool.createVolume(new VolumeSpec("w", 5000))).errno());
        assertEquals(
                Errno.ENOENT, error(sim.pool.createSnapshot("nope", "s", false)).errno());
        assertEquals(Errno.ENOENT, error(sim.pool.deleteVolume("nope")).errno());
        assertEquals(
                Errno.EEXIST, error(sim.pool.createSnapshot("v", "v", false)).errno());
        assertEquals(1, sim.pool.volumes().size());
        assertNotNull(sim.create("name with umlaut ä".replace(' ', '_'), 4096));
    }

    @Test
    void formattingRefusesWhatIsThereAndWhatIsTooSmall() throws StorageException {
        SimPool.format(metadataDisk, dataDisk);
        long writes = metadataDisk.writes();
        assertThrows(StorageException.class, () -> SimPool.format(metadataDisk, dataDisk));
        assertEquals(writes, metadataDisk.writes());
        assertThrows(
                StorageException.class, () -> SimPool.format(new SimulatedDisk(16 << 10), new SimulatedDisk(1 << 20)));
        assertThrows(
                StorageException.class, () -> SimPool.format(new SimulatedDisk(1 << 20), new SimulatedDisk(1 << 15)));
        assertThrows(StorageException.class, () -> SimPool.open(metadataDisk, new SimulatedDisk(BLOCK), 1, 1), "C-4");
    }

    private StorageException error(java.util.concurrent.CompletableFuture<?> answer) {
        return assertThrows(StorageException.class, () -> sim.await(answer));
    }

    private List<Event> on(String device) {
        return events.stream()
                .filter(e -> e.device().equals(device) && e.op() != BlockOperation.READ)
                .toList();
    }

    private List<Event> on(String device, BlockOperation operation) {
        return events.stream()
                .filter(e -> e.device().equals(device) && e.op() == operation)
                .toList();
    }

    private final byte[] junk = new byte[BLOCK];

    private byte[] scratch() {
        return junk;
    }

    private static byte[] stamp(int round) {
        byte[] bytes = new byte[512];
        Arrays.fill(bytes, (byte) round);
        return bytes;
    }

    /** Bytes that differ from place to place and from version to version. */
    static byte[] bytes(int version, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (version * 31 + i * 7 + (i >> 8) + 1);
        }
        return bytes;
    }
}
