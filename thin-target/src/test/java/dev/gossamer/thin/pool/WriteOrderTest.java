package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Overlapping writes are carried out in the order of receipt, on whichever loop (NBD T51a), on a disk that takes its
 * time.
 */
class WriteOrderTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int LOOPS = 3;
    private static final int BLOCKS = 8;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SlowDisk data = new SlowDisk(new SimulatedDisk(64L * BLOCK));
    private SimPool sim;
    private ThinVolume volume;

    @BeforeEach
    void open() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 51, LOOPS);
        volume = sim.create("v", (long) BLOCKS * BLOCK);
    }

    @AfterEach
    void nothingIsLeftInUse() throws StorageException {
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private SimHarness.Result write(int loop, ThinVolume handle, long offset, byte[] bytes) {
        return sim.start(loop, handle, BlockOperation.WRITE, offset, bytes.length, 0, bytes);
    }

    /** Not the catalog's writes, for which the worker stands still: their loop has no index. */
    private static boolean changes(BlockRequest request) {
        return request.loop().index() >= 0
                && (request.operation() == BlockOperation.WRITE || request.operation() == BlockOperation.WRITE_ZEROES);
    }

    @Test
    void aStaleTwinIsWrittenBeforeWhatCameAfterItT51aA42a() throws StorageException {
        for (int loop = 0; loop < LOOPS; loop++) {
            for (boolean mapped : new boolean[] {true, false}) {
                ThinVolume first = sim.pool.openVolume("v");
                assertEquals(Errno.OK, sim.zero(volume, 0, BLOCK, 0));
                if (mapped) {
                    sim.write(volume, 0, ThinPoolTest.bytes(9, BLOCK));
                }
                data.hold(WriteOrderTest::changes);
                SimHarness.Result old = write(0, first, 4096, ThinPoolTest.bytes(1, 8192));
                sim.loops.runUntilIdle();
                first.abandon();
                SimHarness.Result twin = write(loop, volume, 8192, ThinPoolTest.bytes(2, 8192));
                sim.loops.runUntilIdle();
                assertFalse(twin.isDone(), "the older write has not reached the disk");
                assertEquals(1, data.heldCount(), "at the disk together, where their order is lost");
                SimHarness.Result elsewhere = sim.start(loop, volume, BlockOperation.READ, 0, 4096, 0, null);
                sim.loops.runUntilIdle();
                assertTrue(elsewhere.isDone(), "only writes wait");
                data.letGo(sim);
                assertEquals(Errno.OK, old.errno | twin.errno);
                assertArrayEquals(ThinPoolTest.bytes(2, 8192), sim.read(volume, 8192, 8192));
                assertArrayEquals(Arrays.copyOf(ThinPoolTest.bytes(1, 8192), 4096), sim.read(volume, 4096, 4096));
                first.close();
            }
        }
    }

    @Test
    void whatWaitsIsNotStartedOnceItsConnectionIsGoneT51a() throws StorageException {
        sim.write(volume, 0, ThinPoolTest.bytes(9, BLOCK));
        ThinVolume gone = sim.pool.openVolume("v");
        data.hold(WriteOrderTest::changes);
        SimHarness.Result slow = write(0, volume, 0, ThinPoolTest.bytes(1, 4096));
        SimHarness.Result waiting = write(1, gone, 0, ThinPoolTest.bytes(2, 4096));
        sim.loops.runUntilIdle();
        gone.abandon();
        data.letGo(sim);
        assertEquals(Errno.OK, slow.errno);
        assertEquals(Errno.ESHUTDOWN, waiting.errno);
        assertArrayEquals(ThinPoolTest.bytes(1, 4096), sim.read(volume, 0, 4096));
        gone.close();
    }

    @Test
    void writesThatDoNotOverlapDoNotWait() throws StorageException {
        sim.write(volume, 0, ThinPoolTest.bytes(9, BLOCK));
        data.hold(r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 0);
        SimHarness.Result slow = write(0, volume, 4096, ThinPoolTest.bytes(1, 4096));
        for (int loop = 1; loop < LOOPS; loop++) {
            SimHarness.Result before = write(loop, volume, 0, ThinPoolTest.bytes(2, 4096));
            SimHarness.Result after = write(loop, volume, 8192, ThinPoolTest.bytes(3, 4096));
            sim.loops.runUntilIdle();
            assertTrue(before.isDone() && after.isDone(), "ranges that only touch are independent");
        }
        assertFalse(slow.isDone());
        data.letGo(sim);
        assertEquals(Errno.OK, slow.errno);
    }

    @Test
    void manyWritesOfOnePlaceEndInOrderOfReceipt() {
        data.hold(WriteOrderTest::changes);
        List<SimHarness.Result> results = new ArrayList<>();
        // More than a table of ranges has at first, on each loop.
        for (int i = 0; i < 200; i++) {
            results.add(write(i % LOOPS, volume, 512, ThinPoolTest.bytes(i, 512)));
        }
        SplittableRandom random = Seeds.splittable(1);
        int done = 0;
        while (done < results.size()) {
            sim.loops.runUntilIdle();
            for (int i = 0; i < results.size(); i++) {
                assertTrue(!results.get(i).isDone() || i <= done, "write " + i + " overtook write " + done);
                done += i == done && results.get(i).isDone() ? 1 : 0;
            }
            assertTrue(data.letGoOne(sim, random) || done == results.size(), "write " + done + " waits for nothing");
        }
        assertArrayEquals(ThinPoolTest.bytes(199, 512), sim.read(volume, 512, 512));
    }

    @Test
    void aSnapshotTakenWhileWritesWaitForEachOtherEndsAll() throws StorageException {
        sim.write(volume, 0, ThinPoolTest.bytes(9, BLOCK));
        data.hold(WriteOrderTest::changes);
        List<SimHarness.Result> results = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            byte[] bytes = ThinPoolTest.bytes(i, 4096);
            results.add(
                    sim.start(i % LOOPS, volume, BlockOperation.WRITE, 0, bytes.length, i & BlockRequest.FUA, bytes));
        }
        sim.loops.runUntilIdle();
        var snapshot = sim.pool.createSnapshot("v", "s", false);
        sim.loops.runUntilIdle();
        SplittableRandom random = Seeds.splittable(6);
        while (data.letGoOne(sim, random)) {
            sim.loops.runUntilIdle();
        }
        data.letGo(sim);
        sim.await(snapshot);
        for (SimHarness.Result result : results) {
            assertEquals(Errno.OK, result.errno);
        }
        assertArrayEquals(ThinPoolTest.bytes(5, 4096), sim.read(volume, 0, 4096));
    }

    /** WRITE, WRITE_ZEROES and TRIM at random from all loops; the model applies each when it is submitted. */
    @Test
    void aStormOfOverlappingWritesAgreesWithTheOrderOfReceiptT51a() throws StorageException {
        for (long seed = 1; seed <= 12; seed++) {
            SplittableRandom random = Seeds.splittable(seed);
            byte[] model = sim.read(volume, 0, BLOCKS * BLOCK);
            data.hold(r -> changes(r) && random.nextInt(4) > 0);
            List<SimHarness.Result> results = new ArrayList<>();
            for (int step = 0; step < 400; step++) {
                // Also one loop alone: then nothing but its own ranges can make a write wait.
                int loop = seed % 3 == 0 ? 0 : random.nextInt(LOOPS);
                results.add(startOne(loop, random, model));
                for (int tasks = random.nextInt(6); tasks > 0; tasks--) {
                    sim.loops.runOne();
                }
                if (random.nextInt(3) > 0) {
                    data.letGoOne(sim, random);
                }
                if (step == 200 && seed % 4 == 0) {
                    data.letGo(sim);
                    sim.snapshot("v", "s" + seed).close();
                    data.hold(r -> changes(r) && random.nextInt(4) > 0);
                }
            }
            sim.loops.runUntilIdle();
            while (data.letGoOne(sim, random)) {
                sim.loops.runUntilIdle();
            }
            data.letGo(sim);
            for (SimHarness.Result result : results) {
                assertEquals(Errno.OK, result.errno, "seed " + seed);
            }
            int difference = Arrays.mismatch(model, sim.read(volume, 0, BLOCKS * BLOCK));
            assertEquals(-1, difference, "seed " + seed + ": byte that is not of the last write received");
        }
    }

    private SimHarness.Result startOne(int loop, SplittableRandom random, byte[] model) {
        int granularity = random.nextInt(3) == 0 ? 1 : 512;
        int offset = random.nextInt(2 * BLOCK / granularity) * granularity + random.nextInt(2) * 5 * BLOCK;
        int length = (1 + random.nextInt((random.nextInt(8) == 0 ? BLOCK : 8192) / granularity)) * granularity;
        int flags = random.nextInt(8) == 0 ? BlockRequest.FUA : 0;
        return switch (random.nextInt(8)) {
            case 0 -> {
                // Whole blocks: what a part of one comes to depends on writes beside it, which have no order.
                int from = offset / BLOCK * BLOCK;
                Arrays.fill(model, from, from + BLOCK, (byte) 0);
                yield sim.start(loop, volume, BlockOperation.DISCARD, from, BLOCK, flags, null);
            }
            case 1 -> {
                Arrays.fill(model, offset, offset + length, (byte) 0);
                int noUnmap = random.nextBoolean() ? BlockRequest.NO_UNMAP : 0;
                yield sim.start(loop, volume, BlockOperation.WRITE_ZEROES, offset, length, flags | noUnmap, null);
            }
            default -> {
                byte[] bytes = ThinPoolTest.bytes(random.nextInt(200), length);
                System.arraycopy(bytes, 0, model, offset, length);
                yield sim.start(loop, volume, BlockOperation.WRITE, offset, length, flags, bytes);
            }
        };
    }
}
