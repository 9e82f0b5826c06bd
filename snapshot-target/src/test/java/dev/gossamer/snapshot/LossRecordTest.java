package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** That a snapshot is lost is written down before the origin's write goes by it (rules S-V2, S-V6). */
class LossRecordTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 256 << 10;

    private final SimulatedDisk originDisk = new SimulatedDisk(SIZE);
    private final SlowDisk origin = new SlowDisk(originDisk);
    private final FaultPlan storePlan = new FaultPlan();
    private final FaultyDevice store = new FaultyDevice(new SimulatedDisk(2 * SIZE), storePlan);
    private final SimSet sim = new SimSet(origin, 1, 2);
    private final List<IntConsumer> asked = new ArrayList<>();
    private final SnapshotSpec spec = SnapshotSpec.of("s", StoreType.PERSISTENT)
            .withChunkBytes(CHUNK)
            .withLossRecord((name, cause, done) -> asked.add(done));

    @AfterEach
    void finish() throws StorageException {
        sim.shutDown();
    }

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private void answer(int errno) {
        asked.removeFirst().accept(errno);
        sim.loops.runUntilIdle();
    }

    /** The store is away: the record outside it is all that will be left. */
    @Test
    void aWriteWaitsUntilTheLossIsRecorded() throws StorageException {
        sim.create(spec, store);
        BlockDevice open = sim.set.openOrigin();
        storePlan.failAlways(null, Errno.EIO);
        SimHarness.Result write = sim.startWrite(0, open, 0, filled(1, CHUNK));
        sim.loops.runUntilIdle();
        SimHarness.Result next = sim.startWrite(1, open, 9 * CHUNK, filled(1, CHUNK));
        sim.loops.runUntilIdle();
        assertEquals(1, asked.size(), "the loss is recorded once");
        assertFalse(write.isDone(), "the write went by before the loss was recorded");
        assertFalse(next.isDone(), "the next write went by before the loss was recorded");
        assertEquals(0, originDisk.readNow(0, 1)[0]);
        answer(Errno.OK);
        assertEquals(Errno.OK, write.errno);
        assertEquals(Errno.OK, next.errno);
        assertEquals(Errno.OK, sim.write(open, 20 * CHUNK, filled(1, CHUNK)));
        assertTrue(asked.isEmpty());
    }

    /** Neither the store nor the record takes it: a restart would believe the snapshot, so the write fails. */
    @Test
    void aLossThatNobodyCanRecordFailsTheWriteAndIsTriedAgain() throws StorageException {
        sim.create(spec, store);
        BlockDevice open = sim.set.openOrigin();
        storePlan.failAlways(null, Errno.EIO);
        SimHarness.Result write = sim.startWrite(0, open, 0, filled(1, CHUNK));
        sim.loops.runUntilIdle();
        SimHarness.Result held = sim.startWrite(1, open, 9 * CHUNK, filled(1, CHUNK));
        sim.loops.runUntilIdle();
        answer(Errno.ENOSPC);
        assertEquals(Errno.EIO, write.errno);
        assertEquals(Errno.EIO, held.errno);
        assertEquals(0, originDisk.readNow(0, 1)[0]);
        assertEquals(SnapshotState.INVALID, sim.status("s").state());

        SimHarness.Result again = sim.startWrite(0, open, 0, filled(2, CHUNK));
        sim.loops.runUntilIdle();
        assertFalse(again.isDone());
        answer(Errno.OK);
        assertEquals(Errno.OK, again.errno);
        assertEquals(2, originDisk.readNow(0, 1)[0]);
    }

    /** The header is durable, so the store itself will not be believed. */
    @Test
    void theHeaderAloneIsEnough() throws StorageException {
        sim.create(spec, store);
        BlockDevice open = sim.set.openOrigin();
        storePlan.fail(BlockOperation.WRITE, 1, Errno.EIO);
        SimHarness.Result write = sim.startWrite(0, open, 0, filled(1, CHUNK));
        sim.loops.runUntilIdle();
        answer(Errno.EIO);
        assertEquals(Errno.OK, write.errno);
    }

    /** S-S1, S-V2: writes no longer waited for a read that was on its way when the snapshot was lost. */
    @Test
    void aReadThatWasOnItsWayFailsWhenTheSnapshotIsLost() throws StorageException {
        originDisk.writeNow(0, filled(1, SIZE));
        Snapshot snapshot = sim.createAndOpen(spec.withLossRecord(LossRecord.NONE), store);
        BlockDevice open = sim.set.openOrigin();
        origin.hold(r -> r.operation() == BlockOperation.READ && r.loop().index() == 1);
        SimHarness.Result read = sim.start(1, snapshot, BlockOperation.READ, 0, CHUNK, 0, null);
        sim.loops.runUntilIdle();
        storePlan.failAlways(null, Errno.EIO);
        assertEquals(Errno.OK, sim.write(open, 0, filled(2, CHUNK)));
        origin.letGo(sim);
        assertEquals(Errno.EIO, read.errno, "a read of a lost snapshot was answered with the origin's new contents");
    }
}
