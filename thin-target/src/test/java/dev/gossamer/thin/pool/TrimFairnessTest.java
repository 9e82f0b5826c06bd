package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.cell.Unmapper;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A TRIM among writes that never end (L-8), and writes among a TRIM that is long (L-4). */
class TrimFairnessTest {
    private static final int BLOCK = SimPool.BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);

    @Test
    void l8WritesThatComeAfterATrimWaitBehindItAndThoseUnderWayDoNotHoldItForEver() throws StorageException {
        SlowDisk data = new SlowDisk(new SimulatedDisk(64L * BLOCK));
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 2)) {
            ThinVolume volume = sim.create("v", 64L << 20);
            sim.write(volume, 0, ThinPoolTest.bytes(1, 8 * BLOCK));
            sim.snapshot("v", "s");
            data.hold(r -> r.operation() == BlockOperation.WRITE);
            SimHarness.Result before = start(sim, volume, 3, 2);
            SimHarness.Result trim = sim.start(1, volume, BlockOperation.DISCARD, 0, 8L * BLOCK, 0, null);
            sim.loops.runUntilIdle();
            assertFalse(trim.isDone(), "a block in its range is being copied");
            // Each would hold a block of its own, and the trim with it, for as long as such writes come.
            List<SimHarness.Result> after = new ArrayList<>();
            for (int block : new int[] {5, 6, 3}) {
                after.add(start(sim, volume, block, 10 + block));
            }
            SimHarness.Result outside = start(sim, volume, 20, 30);
            SimHarness.Result later = sim.start(0, volume, BlockOperation.DISCARD, 6L * BLOCK, 6L * BLOCK, 0, null);
            sim.loops.runUntilIdle();
            assertEquals(2, data.heldCount(), "only the first write and the one outside are at the disk");
            data.letGoFirst(sim);
            assertTrue(before.isDone() && trim.isDone(), "the trim goes as soon as the first write is done");
            assertFalse(after.get(0).isDone());
            data.letGo(sim);
            assertEquals(Errno.OK, before.errno | trim.errno | outside.errno | later.errno);
            after.forEach(write -> assertEquals(Errno.OK, write.errno));
            assertArrayEquals(new byte[3 * BLOCK], sim.read(volume, 0, 3 * BLOCK));
            byte[] third = new byte[BLOCK];
            System.arraycopy(ThinPoolTest.bytes(13, 512), 0, third, 0, 512);
            assertArrayEquals(third, sim.read(volume, 3L * BLOCK, BLOCK), "trimmed, then written");
            byte[] fifth = new byte[BLOCK];
            System.arraycopy(ThinPoolTest.bytes(15, 512), 0, fifth, 0, 512);
            assertArrayEquals(fifth, sim.read(volume, 5L * BLOCK, BLOCK));
            assertEquals(0, sim.inUse(), "requests or buffers leaked");
        }
        SimPool.assertSound(metadata, "after the test");
    }

    @Test
    void l4ALongTrimLetsOthersInBetweenItsSteps() throws StorageException {
        VoidDisk data = new VoidDisk(11000L * BLOCK);
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 2)) {
            ThinVolume volume = sim.create("v", 11000L * BLOCK);
            for (int i = 0; i < 10000; i++) {
                sim.write(volume, (long) i * BLOCK, new byte[512]);
            }
            SimHarness.Result trim = sim.start(0, volume, BlockOperation.DISCARD, 0, 10400L * BLOCK, 0, null);
            // Let the first step begin, then compete with what is left.
            while (volume.info().mappedBytes() == 10000L * BLOCK) {
                sim.loops.runOne();
            }
            assertEquals(10000L - Unmapper.STEP_BLOCKS, volume.info().mappedBytes() / BLOCK);
            // Outside its range: one inside comes after the trim (NBD T51a).
            SimHarness.Result write = sim.start(1, volume, BlockOperation.WRITE, 10500L * BLOCK, 512, 0, new byte[512]);
            while (!write.isDone()) {
                sim.loops.runOne();
            }
            assertFalse(trim.isDone(), "the write waited for all of the trim");
            sim.loops.runUntilIdle();
            assertEquals(Errno.OK, trim.errno | write.errno);
            assertTrue(volume.info().mappedBytes() <= BLOCK);
        }
        SimPool.assertSound(metadata, "after the test");
    }

    private static SimHarness.Result start(SimPool sim, ThinVolume volume, int block, int version) {
        return sim.start(
                0, volume, BlockOperation.WRITE, (long) block * BLOCK, 512, 0, ThinPoolTest.bytes(version, 512));
    }
}
