package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Rule S-V7, for what a store writes of its own: its device has no room for a record, which may be there all the same.
 * The snapshot is not lost by that, and what was not recorded never counts.
 */
class FullTableTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 256 << 10;
    private static final int WRITES = 20;
    private static final long SECOND = 1_000_000_000;
    private static final SnapshotSpec SPEC =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK);

    private final SimulatedDisk origin = new SimulatedDisk(SIZE);
    private final SimulatedDisk store = new SimulatedDisk(2 * SIZE);
    private final FaultPlan plan = new FaultPlan();

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static SnapshotSpec failing(long holdBackNanos) {
        return SPEC.withFullStore(StoreFullAction.FAIL_WRITES, holdBackNanos, StoreGrowth.NONE);
    }

    private static void pass(SimSet sim, int seconds) {
        for (int i = 0; i < 2 * seconds; i++) {
            sim.loops.advance(SECOND / 2);
        }
    }

    @BeforeEach
    void fill() {
        origin.writeNow(0, filled(1, SIZE));
    }

    /** Each write to the store's device once, of data and of tables. */
    @ParameterizedTest
    @CsvSource({"ENOSPC, false", "ENOSPC, true", "EDQUOT, false", "EDQUOT, true"})
    void noWriteThatFindsNoRoomLosesTheSnapshot(String errno, boolean butDone) throws StorageException {
        int code = errno.equals("EDQUOT") ? Errno.EDQUOT : Errno.ENOSPC;
        long failed = 0;
        for (long nth = 1; nth < 40; nth++) {
            SimulatedDisk source = origin.copy(new PowerSupply());
            SimulatedDisk disk = new SimulatedDisk(2 * SIZE);
            FaultPlan once = new FaultPlan();
            try (SimSet sim = new SimSet(source, nth, 2)) {
                sim.create(failing(5 * SECOND), new FaultyDevice(disk, once));
                BlockDevice open = sim.set.openOrigin();
                if (butDone) {
                    once.failButDone(BlockOperation.WRITE, nth, code);
                } else {
                    once.fail(BlockOperation.WRITE, nth, code);
                }
                overwrite(sim, open);
                open.close();
                sim.shutDown();
            }
            failed += once.failures();
            checkLoaded(source, disk);
        }
        assertTrue(failed > 2, failed + " failures");
    }

    private static void overwrite(SimSet sim, BlockDevice open) throws StorageException {
        List<SimHarness.Result> writes = new ArrayList<>();
        for (int i = 0; i < WRITES; i++) {
            writes.add(sim.startWrite(i & 1, open, (long) i * CHUNK, filled(9, CHUNK)));
        }
        sim.loops.runUntilIdle();
        pass(sim, 4);
        assertEquals(
                SnapshotState.ACTIVE, sim.status("s").state(), sim.status("s").cause());
        for (SimHarness.Result write : writes) {
            assertEquals(Errno.OK, write.errno, "held for ever, or failed");
        }
        assertEquals((2 + WRITES) * CHUNK, sim.status("s").allocatedBytes(), "lost chunks");
    }

    private static void checkLoaded(SimulatedDisk source, SimulatedDisk disk) throws StorageException {
        try (SimSet again = new SimSet(source, 2, 2)) {
            assertEquals(WRITES, again.await(again.set.load(SPEC, disk)).chunks());
            Snapshot snapshot = again.set.openSnapshot("s");
            assertArrayEquals(filled(1, SIZE), again.read(snapshot, 0, SIZE));
            snapshot.close();
            again.shutDown();
        }
    }

    /** Its records may be there, by which a merge that is cut off would undo what was written to the origin since. */
    @Test
    void whileRecordsAreInDoubtNoMergeBegins() throws StorageException {
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            sim.create(failing(0), new FaultyDevice(store, plan));
            BlockDevice open = sim.set.openOrigin();
            assertEquals(Errno.OK, sim.write(open, 0, filled(2, CHUNK)));
            plan.failButDone(BlockOperation.WRITE, 2, Errno.ENOSPC);
            assertEquals(Errno.ENOSPC, sim.write(open, CHUNK, filled(2, CHUNK)));
            open.close();
            plan.failAlways(BlockOperation.WRITE, Errno.ENOSPC);
            StorageException refused = assertThrows(StorageException.class, () -> sim.await(sim.set.merge("s")));
            assertEquals(Errno.EBUSY, refused.errno());
            assertTrue(refused.getMessage().contains("make room there"), refused.getMessage());
            assertEquals(SnapshotState.ACTIVE, sim.status("s").state());
            plan.heal();
            assertThrows(StorageException.class, () -> sim.await(sim.set.merge("s")));
            sim.loops.runUntilIdle();
            sim.await(sim.set.merge("s"));
            sim.await(sim.set.mergeFinished());
            assertArrayEquals(filled(1, SIZE), origin.readNow(0, SIZE));
            sim.shutDown();
        }
    }

    /** Who closes waits for records that are being cleared: the device must not go before. */
    @Test
    void closingWaitsForWhatIsBeingCleared() throws StorageException {
        SlowDisk slow = new SlowDisk(store);
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            sim.create(failing(0), new FaultyDevice(slow, plan));
            BlockDevice open = sim.set.openOrigin();
            plan.failButDone(BlockOperation.WRITE, 2, Errno.ENOSPC);
            assertEquals(Errno.ENOSPC, sim.write(open, CHUNK, filled(2, CHUNK)));
            pass(sim, 2);
            slow.hold(request -> request.operation() == BlockOperation.WRITE);
            assertEquals(Errno.ENOSPC, sim.write(open, CHUNK, filled(2, CHUNK)));
            assertEquals(1, slow.heldCount());
            open.close();
            CompletableFuture<Void> closed = sim.set.close();
            pass(sim, 2);
            assertFalse(closed.isDone(), "its store is still being written to");
            slow.letGo(sim);
            sim.loops.runUntilIdle();
            assertTrue(closed.isDone());
        }
        try (SimSet again = new SimSet(origin, 2, 2)) {
            assertEquals(0, again.await(again.set.load(SPEC, store)).chunks(), "a record that was given up");
            again.shutDown();
        }
    }
}
