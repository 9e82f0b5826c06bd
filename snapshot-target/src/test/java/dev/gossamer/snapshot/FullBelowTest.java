package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A store whose pool or file system is full says ENOSPC: that is full, not lost (rules S-V5, S-V7). */
class FullBelowTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 256 << 10;
    private static final long SECOND = 1_000_000_000;
    private static final SnapshotSpec SPEC =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK);

    private final SimulatedDisk origin = new SimulatedDisk(SIZE);
    private final List<Event> events = new ArrayList<>();
    private final FaultPlan plan = new FaultPlan();
    private final SimulatedDisk storeDisk = new SimulatedDisk(2 * SIZE);
    private final BlockDevice store = new FaultyDevice(new Recorder("store", storeDisk, events), plan);

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static SnapshotSpec spec(StoreFullAction action, long holdBackNanos) {
        return SPEC.withFullStore(action, holdBackNanos, StoreGrowth.NONE);
    }

    private static void pass(SimSet sim, int seconds) {
        for (int i = 0; i < 2 * seconds; i++) {
            sim.loops.advance(SECOND / 2);
        }
    }

    /** No copy finds room: writes fail, the snapshot is kept, and goes on when there is room. */
    @Test
    void withFailWritesTheSnapshotIsKept() throws StorageException {
        origin.writeNow(0, filled(1, SIZE));
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            Snapshot snapshot = sim.createAndOpen(spec(StoreFullAction.FAIL_WRITES, 0), store);
            BlockDevice open = sim.set.openOrigin();
            assertEquals(Errno.OK, sim.write(open, 0, filled(2, CHUNK)));
            plan.failAlways(BlockOperation.WRITE, Errno.ENOSPC);
            assertEquals(Errno.ENOSPC, sim.write(open, CHUNK, filled(2, 3 * CHUNK)));
            assertEquals(Errno.ENOSPC, sim.write(snapshot, 8 * CHUNK, filled(3, CHUNK)));
            assertEquals(Errno.ENOSPC, sim.write(snapshot, 9 * CHUNK, filled(3, 512)));
            assertEquals(
                    SnapshotState.ACTIVE,
                    sim.status("s").state(),
                    sim.status("s").cause());
            plan.heal();
            pass(sim, 2);
            assertEquals(Errno.OK, sim.write(open, CHUNK, filled(4, 3 * CHUNK)));
            assertArrayEquals(filled(1, SIZE), sim.read(snapshot, 0, SIZE));
            assertEquals(4, sim.status("s").chunks());
            assertEquals(6 * CHUNK, sim.status("s").allocatedBytes(), "a chunk was lost in the store");
            snapshot.close();
            open.close();
            sim.shutDown();
        }
        try (SimSet again = new SimSet(origin, 2, 2)) {
            assertEquals(4, again.await(again.set.load(SPEC, storeDisk)).chunks());
            assertArrayEquals(filled(1, SIZE), again.read(again.set.openSnapshot("s"), 0, SIZE));
        }
    }

    /** One of many copies under way finds no room: those before it stay, those after it are made again. */
    @Test
    void copiesUnderWayAreGivenBackFromTheFirstThatFoundNoRoom() throws StorageException {
        origin.writeNow(0, filled(1, SIZE));
        for (int nth = 1; nth < 30; nth++) {
            SimulatedDisk disk = new SimulatedDisk(2 * SIZE);
            FaultPlan once = new FaultPlan();
            SimulatedDisk source = origin.copy(new PowerSupply());
            try (SimSet sim = new SimSet(source, nth, 2)) {
                Snapshot snapshot =
                        sim.createAndOpen(spec(StoreFullAction.FAIL_WRITES, 5 * SECOND), new FaultyDevice(disk, once));
                BlockDevice open = sim.set.openOrigin();
                once.failDuring(BlockOperation.WRITE, nth, nth + 1, Errno.ENOSPC);
                List<SimHarness.Result> writes = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    writes.add(sim.startWrite(i & 1, open, (long) i * CHUNK, filled(9, CHUNK)));
                }
                sim.loops.runUntilIdle();
                pass(sim, 4);
                for (SimHarness.Result write : writes) {
                    assertEquals(Errno.OK, write.errno, "write " + nth);
                }
                assertEquals(
                        SnapshotState.ACTIVE,
                        sim.status("s").state(),
                        sim.status("s").cause());
                assertArrayEquals(filled(1, SIZE), sim.read(snapshot, 0, SIZE));
                assertEquals((2 + 20) * CHUNK, sim.status("s").allocatedBytes(), "lost chunks, write " + nth);
                snapshot.close();
                open.close();
                sim.shutDown();
            }
        }
    }

    /** Rule S-V5: writes wait while there is no room below, and go on by themselves when there is. */
    @Test
    void writesAreHeldAndTriedAgain() throws StorageException {
        for (StoreFullAction action : StoreFullAction.values()) {
            plan.heal();
            try (SimSet sim = new SimSet(origin, 1, 2)) {
                sim.create(spec(action, 10 * SECOND), store);
                BlockDevice open = sim.set.openOrigin();
                plan.failAlways(BlockOperation.WRITE, Errno.ENOSPC);
                SimHarness.Result write = sim.startWrite(0, open, 0, filled(2, CHUNK));
                pass(sim, 3);
                assertFalse(write.isDone(), action + ": errno " + write.errno);
                plan.heal();
                pass(sim, 2);
                assertEquals(Errno.OK, write.errno);
                assertEquals(SnapshotState.ACTIVE, sim.status("s").state());
                plan.failAlways(BlockOperation.WRITE, Errno.ENOSPC);
                SimHarness.Result given = sim.startWrite(0, open, CHUNK, filled(2, CHUNK));
                pass(sim, 9);
                assertFalse(given.isDone(), action + ": errno " + given.errno);
                pass(sim, 3);
                boolean fails = action == StoreFullAction.FAIL_WRITES;
                assertEquals(fails ? Errno.ENOSPC : Errno.OK, given.errno);
                assertEquals(
                        fails ? SnapshotState.ACTIVE : SnapshotState.INVALID,
                        sim.status("s").state());
                plan.heal();
                open.close();
                sim.await(sim.set.delete("s"));
                sim.shutDown();
            }
        }
    }

    /** The table's own space is held before a record is due in it. */
    @Test
    void aTableThatFindsNoRoomTakesItsRecordsBack() throws StorageException {
        origin.writeNow(0, filled(1, SIZE));
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            Snapshot snapshot =
                    sim.createAndOpen(spec(StoreFullAction.FAIL_WRITES, 0).withChunkBytes(512), store);
            BlockDevice open = sim.set.openOrigin();
            plan.failAlways(BlockOperation.WRITE_ZEROES, Errno.ENOSPC);
            assertEquals(Errno.ENOSPC, sim.write(open, 0, filled(2, 32 * 512))); // As many as a table has records.
            assertEquals(
                    SnapshotState.ACTIVE,
                    sim.status("s").state(),
                    sim.status("s").cause());
            plan.heal();
            pass(sim, 2);
            assertEquals(Errno.OK, sim.write(open, 0, filled(3, 40 * 512)));
            assertArrayEquals(filled(1, SIZE), sim.read(snapshot, 0, SIZE));
            assertTrue(
                    events.stream()
                            .filter(e -> e.op() == BlockOperation.WRITE_ZEROES)
                            .allMatch(e -> (e.flags() & BlockRequest.NO_UNMAP) != 0),
                    "a table was zeroed without its space being held");
            snapshot.close();
            open.close();
            sim.shutDown();
        }
    }

    /** S-V5: the one writer there is waits, so nobody comes by who would ask for growth again. */
    @Test
    void growthIsAskedForAgainWhileWritesAreHeld() throws StorageException {
        SimulatedDisk small = new SimulatedDisk(4 * CHUNK);
        int[] asked = {0};
        StoreGrowth growth = (name, total, done) -> {
            if (asked[0]++ > 1) {
                small.resize(2 * total);
            }
            done.run();
        };
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            sim.create(SPEC.withFullStore(StoreFullAction.INVALIDATE_SNAPSHOT, 10 * SECOND, growth), small);
            BlockDevice open = sim.set.openOrigin();
            assertEquals(Errno.OK, sim.write(open, 0, filled(1, 2 * CHUNK)));
            SimHarness.Result write = sim.startWrite(0, open, 2 * CHUNK, filled(2, CHUNK));
            pass(sim, 5);
            assertEquals(Errno.OK, write.errno, "asked " + asked[0] + " times");
            assertEquals(SnapshotState.ACTIVE, sim.status("s").state());
            open.close();
            sim.shutDown();
        }
    }

    /** The look each second does not fall together with the second that a full device is left alone for. */
    @Test
    void aStoreThatGrewIntoAFullDeviceIsTriedAgainEachSecond() throws StorageException {
        SimulatedDisk small = new SimulatedDisk(4 * CHUNK);
        BlockDevice device = new FaultyDevice(small, plan);
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            sim.create(spec(StoreFullAction.INVALIDATE_SNAPSHOT, 10 * SECOND), device);
            BlockDevice open = sim.set.openOrigin();
            assertEquals(Errno.OK, sim.write(open, 0, filled(1, 2 * CHUNK)));
            SimHarness.Result write = sim.startWrite(0, open, 2 * CHUNK, filled(2, CHUNK));
            pass(sim, 1);
            sim.loops.advance(SECOND / 2);
            plan.failAlways(BlockOperation.WRITE, Errno.ENOSPC);
            small.resize(8 * CHUNK);
            sim.await(sim.set.storeGrown("s"));
            pass(sim, 1);
            assertFalse(write.isDone());
            plan.heal();
            pass(sim, 3);
            assertEquals(Errno.OK, write.errno, "it waits though there is room");
            assertEquals(SnapshotState.ACTIVE, sim.status("s").state());
            open.close();
            sim.shutDown();
        }
    }
}
