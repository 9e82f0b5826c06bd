package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a merge that fails, waits or is tried again makes of writes (rules S-M3, S-M6, S-M9). */
class MergeFailureTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 256 << 10;
    private static final SnapshotSpec SPEC =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK);

    private final SimulatedDisk origin = new SimulatedDisk(SIZE);
    private final SimulatedDisk storeDisk = new SimulatedDisk(2 * SIZE);
    private final FaultPlan plan = new FaultPlan();
    private final BlockDevice store = new FaultyDevice(storeDisk, plan);

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private void fill(SimSet sim, BlockDevice on) throws StorageException {
        origin.writeNow(0, filled(1, SIZE));
        try (Snapshot snapshot = sim.createAndOpen(SPEC, on)) {
            assertEquals(Errno.OK, sim.write(snapshot, 8 * CHUNK, filled(2, CHUNK)));
            assertEquals(Errno.OK, sim.write(snapshot, 0, filled(2, CHUNK)));
        }
    }

    /** Clearing the records of chunk 0 fails, and is done or not; a write to it is kept, whatever it was answered. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void nothingIsAcknowledgedIntoAStoreWhoseRecordsMayBeGone(boolean isDone) throws StorageException {
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            fill(sim, store);
            if (isDone) {
                plan.failButDone(BlockOperation.WRITE, 1, Errno.EIO);
            } else {
                plan.fail(BlockOperation.WRITE, 1, Errno.EIO);
            }
            sim.await(sim.set.merge("s"));
            sim.loops.runUntilIdle();
            assertEquals(SnapshotState.MERGE_FAILED, sim.status("s").state());
            assertEquals("clearing records failed: EIO", sim.status("s").cause());
            BlockDevice open = sim.set.openOrigin();
            assertEquals(Errno.EIO, sim.write(open, 512, filled(77, 512)), "acknowledged, and perhaps forgotten");
            assertEquals(Errno.OK, sim.write(open, 8 * CHUNK, filled(78, CHUNK)), "not in doubt");
            assertEquals(Errno.OK, sim.write(open, 4 * CHUNK, filled(79, CHUNK)), "not in the store");
            assertArrayEquals(filled(2, CHUNK), sim.read(open, 0, CHUNK));
            open.close();
            sim.shutDown();
        }
        try (SimSet sim = new SimSet(origin, 2, 1)) {
            sim.await(sim.set.load(SPEC, storeDisk));
            sim.await(sim.set.merge("s"));
            sim.await(sim.set.mergeFinished());
            assertEquals(2, origin.readNow(512, 1)[0]);
            assertEquals(78, origin.readNow(8 * CHUNK, 1)[0]);
            assertEquals(79, origin.readNow(4 * CHUNK, 1)[0]);
        }
    }

    /** S-M9: any request of a merge fails, done or not; the merge is tried again and brings it to its end. */
    @Test
    void aFailedMergeIsTriedAgain() throws StorageException {
        for (boolean isDone : new boolean[] {true, false}) {
            for (BlockOperation operation : BlockOperation.values()) {
                for (int nth = 1; nth < 4; nth++) {
                    new MergeFailureTest().tryAgain(operation, nth, isDone);
                }
            }
        }
    }

    private void tryAgain(BlockOperation operation, int nth, boolean isDone) throws StorageException {
        String where = operation + " " + nth + (isDone ? ", but done" : "");
        try (SimSet sim = new SimSet(origin, nth, 1)) {
            fill(sim, store);
            if (isDone) {
                plan.failButDone(operation, nth, Errno.EIO);
            } else {
                plan.fail(operation, nth, Errno.EIO);
            }
            sim.await(sim.set.merge("s"));
            sim.loops.runUntilIdle();
            BlockDevice open = sim.set.openOrigin();
            SimHarness.Result write =
                    sim.finish(sim.start(0, open, BlockOperation.WRITE, 0, CHUNK, 0, filled(77, CHUNK)));
            plan.heal();
            sim.await(sim.set.continueMerge());
            CompletableFuture<Void> finished = sim.set.mergeFinished();
            sim.await(finished);
            assertEquals(SnapshotState.MERGED, sim.status("s").state(), where);
            assertEquals(write.errno == Errno.OK ? 77 : 2, origin.readNow(0, 1)[0], where);
            assertEquals(2, origin.readNow(8 * CHUNK, 1)[0], where);
            assertEquals(Errno.OK, sim.write(open, 0, filled(5, CHUNK)), where);
            assertEquals(5, origin.readNow(0, 1)[0], where);
            open.close();
            sim.shutDown();
        }
    }

    /** S-M3: a write that is on its way to the store is merged with it, not forgotten. */
    @Test
    void aWriteOnItsWayToTheStoreIsMerged() throws StorageException {
        SlowDisk slowOrigin = new SlowDisk(origin);
        SlowDisk slowStore = new SlowDisk(storeDisk);
        try (SimSet sim = new SimSet(slowOrigin, 1, 1)) {
            fill(sim, slowStore);
            // The merge begins with chunk 0 and is stopped there.
            slowOrigin.hold(
                    r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 1);
            sim.await(sim.set.merge("s"));
            BlockDevice open = sim.set.openOrigin();
            slowStore.hold(
                    r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 0);
            SimHarness.Result write = sim.startWrite(0, open, 8 * CHUNK, filled(7, CHUNK));
            sim.loops.runUntilIdle();
            assertEquals(1, slowStore.heldCount(), "the write is on its way to the store");
            slowOrigin.letGo(sim);
            CompletableFuture<Void> finished = sim.set.mergeFinished();
            sim.loops.runUntilIdle();
            assertFalse(finished.isDone(), "a run was merged while a write to it was on its way to the store");
            slowStore.letGo(sim);
            sim.await(finished);
            assertEquals(Errno.OK, write.errno);
            assertArrayEquals(filled(7, CHUNK), sim.read(open, 8 * CHUNK, CHUNK));
            open.close();
            sim.shutDown();
        }
    }

    /** S-M3: another snapshot's store is full and grows while the merge waits: it gets the old contents. */
    @Test
    void theOthersKeepTheirContentsWhenTheirStoresAreFullForATime() throws StorageException {
        SimulatedDisk small = new SimulatedDisk(3 * CHUNK);
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            fill(sim, store);
            sim.create(
                    SPEC.withName("t")
                            .withFullStore(StoreFullAction.INVALIDATE_SNAPSHOT, 10_000_000_000L, StoreGrowth.NONE),
                    small);
            sim.await(sim.set.merge("s"));
            sim.loops.runUntilIdle();
            small.resize(16 * CHUNK);
            sim.await(sim.set.storeGrown("t"));
            sim.await(sim.set.mergeFinished());
            assertEquals(2, origin.readNow(8 * CHUNK, 1)[0]);
            assertArrayEquals(filled(1, SIZE), sim.read(sim.set.openSnapshot("t"), 0, SIZE));
        }
    }
}
