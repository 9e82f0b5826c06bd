package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a pool does, rule by rule, on one deterministic interleaving. */
class ThinPoolTest extends PoolFixture {
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
