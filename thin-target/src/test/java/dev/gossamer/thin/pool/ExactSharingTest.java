package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import org.junit.jupiter.api.Test;

/** Rules D-4 to D-6a and L-6 as a client sees them: no copy too many, and none too few. */
class ExactSharingTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L << 20;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SlowDisk data = new SlowDisk(new SimulatedDisk(64L * BLOCK));

    private SimPool fresh() throws StorageException {
        SimPool.format(metadata, data);
        return SimPool.open(metadata, data, 1, 2);
    }

    @Test
    void nothingIsCopiedOnceTheSnapshotIsDeleted() throws StorageException {
        try (SimPool sim = fresh()) {
            ThinVolume volume = sim.create("v", VOLUME);
            sim.write(volume, 0, ThinPoolTest.bytes(1, 2 * BLOCK));
            sim.snapshot("v", "s").close();
            sim.await(sim.pool.deleteVolume("s"));
            long used = sim.status().dataBlocksUsed();
            long commits = sim.pool.counters().commits.sum();
            assertEquals(Errno.OK, sim.write(volume, 100, ThinPoolTest.bytes(2, 1000)));
            assertEquals(Errno.OK, sim.write(volume, BLOCK, ThinPoolTest.bytes(3, BLOCK)));
            assertEquals(used, sim.status().dataBlocksUsed(), "D-6");
            assertEquals(0, sim.pool.counters().brokenSharings.sum(), "D-6");
            assertEquals(2, sim.pool.counters().endedSharings.sum());
            byte[] model = ThinPoolTest.bytes(1, BLOCK);
            System.arraycopy(ThinPoolTest.bytes(2, 1000), 0, model, 100, 1000);
            assertArrayEquals(model, sim.read(volume, 0, BLOCK));
            assertArrayEquals(ThinPoolTest.bytes(3, BLOCK), sim.read(volume, BLOCK, BLOCK));

            long deferred = sim.pool.counters().deferredRequests.sum();
            sim.write(volume, 512, ThinPoolTest.bytes(4, 512));
            sim.flush(volume);
            assertEquals(
                    deferred, sim.pool.counters().deferredRequests.sum(), "loops write in place by themselves now");
            assertEquals(commits, sim.pool.counters().commits.sum(), "no metadata has changed");
        }
    }

    @Test
    void onlyWhatTheOtherSideStillHasIsCopied() throws StorageException {
        try (SimPool sim = fresh()) {
            ThinVolume volume = sim.create("v", VOLUME);
            sim.write(volume, 0, ThinPoolTest.bytes(1, 4 * BLOCK));
            ThinVolume snapshot = sim.snapshot("v", "s");
            sim.trim(snapshot, 0, BLOCK);
            sim.write(snapshot, BLOCK, ThinPoolTest.bytes(2, BLOCK));
            sim.flush(snapshot);
            long copied = sim.pool.counters().brokenSharings.sum();
            for (int block = 0; block < 4; block++) {
                assertEquals(Errno.OK, sim.write(volume, (long) block * BLOCK, ThinPoolTest.bytes(10 + block, 512)));
            }
            assertEquals(
                    copied + 2, sim.pool.counters().brokenSharings.sum(), "blocks 2 and 3 are shared, 0 and 1 not");
            assertArrayEquals(new byte[BLOCK], sim.read(snapshot, 0, BLOCK));
            assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), sim.read(snapshot, BLOCK, BLOCK));
            assertArrayEquals(
                    java.util.Arrays.copyOfRange(ThinPoolTest.bytes(1, 4 * BLOCK), 2 * BLOCK, 4 * BLOCK),
                    sim.read(snapshot, 2L * BLOCK, 2 * BLOCK));
        }
    }

    /** The story of D-6a, with a trim and with an overwrite as what lets go of the block. */
    @Test
    void anUncommittedTrimLeavesTheBlockSharedForACrashWouldUndoIt() throws StorageException {
        for (boolean trim : new boolean[] {true, false}) {
            metadata.writeNow(0, new byte[4096]);
            byte[] old = ThinPoolTest.bytes(1, BLOCK);
            try (SimPool sim = fresh()) {
                ThinVolume volume = sim.create("v", VOLUME);
                sim.write(volume, 0, old);
                ThinVolume snapshot = sim.snapshot("v", "s");
                if (trim) {
                    sim.trim(snapshot, 0, BLOCK);
                } else {
                    sim.write(snapshot, 0, ThinPoolTest.bytes(2, BLOCK));
                }
                assertEquals(Errno.OK, sim.write(volume, 0, ThinPoolTest.bytes(3, 4096)));
                assertEquals(0, sim.pool.counters().endedSharings.sum(), "D-6a");
                // The process dies here: what was written to the data device is there, the transaction is not.
            }
            try (SimPool sim = SimPool.open(metadata, data, 2, 1)) {
                assertArrayEquals(old, sim.read(sim.pool.openVolume("s"), 0, BLOCK), "D-6a");
                assertArrayEquals(old, sim.read(sim.pool.openVolume("v"), 0, BLOCK));
            }
        }
    }

    @Test
    void aSnapshotEndsWritingInPlaceAgain() throws StorageException {
        try (SimPool sim = fresh()) {
            ThinVolume volume = sim.create("v", VOLUME);
            byte[] first = ThinPoolTest.bytes(1, BLOCK);
            sim.write(volume, 0, first);
            sim.snapshot("v", "s").close();
            sim.await(sim.pool.deleteVolume("s"));
            sim.write(volume, 0, ThinPoolTest.bytes(2, 512));
            sim.write(volume, 0, ThinPoolTest.bytes(3, 512));
            System.arraycopy(ThinPoolTest.bytes(3, 512), 0, first, 0, 512);
            ThinVolume second = sim.snapshot("v", "t");
            sim.write(volume, 0, ThinPoolTest.bytes(4, 512));
            assertEquals(1, sim.pool.counters().brokenSharings.sum(), "EM-6");
            assertArrayEquals(first, sim.read(second, 0, BLOCK), "EM-6");
        }
    }

    @Test
    void aReadOfTheOtherSideUnderWayIsWaitedFor() throws StorageException {
        try (SimPool sim = fresh()) {
            ThinVolume volume = sim.create("v", VOLUME);
            byte[] old = ThinPoolTest.bytes(1, BLOCK);
            sim.write(volume, 0, old);
            ThinVolume snapshot = sim.snapshot("v", "s");
            sim.read(snapshot, 0, 512);
            data.hold(r -> r.operation() == BlockOperation.READ && r.loop().index() == 0);
            SimHarness.Result read = sim.start(0, snapshot, BlockOperation.READ, 0, BLOCK, 0, null);
            sim.loops.runUntilIdle();
            assertFalse(read.isDone());
            assertEquals(Errno.OK, sim.finish(sim.start(1, snapshot, BlockOperation.DISCARD, 0, BLOCK, 0, null)).errno);
            assertEquals(Errno.OK, sim.finish(sim.start(1, snapshot, BlockOperation.FLUSH, 0, 0, 0, null)).errno);
            SimHarness.Result write =
                    sim.start(1, volume, BlockOperation.WRITE, 0, BLOCK, 0, ThinPoolTest.bytes(2, BLOCK));
            sim.loops.runUntilIdle();
            assertFalse(write.isDone(), "L-6: the snapshot's read, begun before its trim, is still under way");
            data.letGo(sim);
            assertEquals(Errno.OK, read.errno | write.errno);
            assertArrayEquals(old, read.data, "L-6");
            assertEquals(1, sim.pool.counters().endedSharings.sum());
            assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), sim.read(volume, 0, BLOCK));
        }
    }
}
