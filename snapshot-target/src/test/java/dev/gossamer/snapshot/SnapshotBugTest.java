package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What goes on after a transfer of the snapshot worker throws: whoever waits for that is told, and nobody waits on. */
class SnapshotBugTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 256 << 10;

    private final SimulatedDisk originDisk = new SimulatedDisk(SIZE);
    private final FaultPlan storePlan = new FaultPlan();
    private final SlowDisk store = new SlowDisk(new FaultyDevice(new SimulatedDisk(2 * SIZE), storePlan));
    private final SimSet sim = new SimSet(originDisk, 1, 2);

    private static byte[] filled(int value) {
        byte[] bytes = new byte[CHUNK];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void writesAndAnswersThatWaitForItEndWithEio() throws StorageException {
        sim.loops.expectFaults();
        SnapshotSpec spec = SnapshotSpec.of("s", StoreType.PERSISTENT)
                .withChunkBytes(CHUNK)
                .withLossRecord((name, cause, done) -> {
                    throw new IllegalStateException("a bug");
                });
        sim.create(spec, store);
        BlockDevice open = sim.set.openOrigin();
        storePlan.failAlways(null, Errno.EIO);
        SimHarness.Result write = sim.startWrite(0, open, 0, filled(1));
        SimHarness.Result other = sim.startWrite(1, open, 9 * CHUNK, filled(1));
        sim.loops.runUntilIdle();
        assertTrue(write.isDone() && other.isDone(), "a write waits for ever");
        assertEquals(Errno.EIO, write.errno);
        assertEquals(Errno.EIO, other.errno);
        assertEquals(0, originDisk.readNow(0, 1)[0], "the snapshot has no copy: the origin is as it was");
        assertEquals(Errno.EIO, sim.write(open, 20 * CHUNK, filled(2)), "and so later ones");
        open.close();
        CompletableFuture<Void> closed = sim.set.close();
        sim.loops.advance(3_000_000_000L);
        assertTrue(closed.isDone(), "closing waits for ever");
        sim.close();
    }

    @Test
    void anAnswerOfManagementThatWaitsForTheWorkerComesToo() throws StorageException {
        sim.loops.expectFaults();
        SnapshotSpec spec = SnapshotSpec.of("s", StoreType.PERSISTENT)
                .withChunkBytes(CHUNK)
                .withLossRecord((name, cause, done) -> {
                    throw new IllegalStateException("a bug");
                });
        sim.create(spec, store);
        SlowDisk slow = new SlowDisk(new SimulatedDisk(2 * SIZE));
        slow.hold(request -> true);
        CompletableFuture<SnapshotStatus> created =
                sim.set.create(SnapshotSpec.of("t", StoreType.PERSISTENT).withChunkBytes(CHUNK), slow);
        BlockDevice open = sim.set.openOrigin();
        storePlan.failAlways(null, Errno.EIO);
        SimHarness.Result write = sim.startWrite(0, open, 0, filled(1));
        sim.loops.runUntilIdle();
        assertEquals(Errno.EIO, write.errno);
        assertTrue(created.isDone(), "an answer never comes");
        StorageException e = assertThrows(StorageException.class, () -> SnapshotSet.join(created));
        assertTrue(e.getMessage().contains("a bug has stopped"), e.getMessage());
        assertFalse(e.getMessage().contains("\n"));
        open.close();
        slow.letGo(sim);
        sim.loops.runUntilIdle();
        sim.close();
    }

    /** A store whose device is asked for its size in tasks and timers, and throws. */
    private static final class Sized extends ForwardingDevice {
        private boolean throwing;

        Sized(long bytes) {
            super(new SimulatedDisk(bytes));
        }

        @Override
        public long sizeBytes() {
            if (throwing) {
                throw new AssertionError("a bug in a timer");
            }
            return super.sizeBytes();
        }
    }

    private void whatWaitsForRoomEndsThough(StoreGrowth growth) throws StorageException {
        sim.loops.expectFaults();
        Sized small = new Sized(6 * CHUNK);
        SnapshotSpec spec = SnapshotSpec.of("s", StoreType.PERSISTENT)
                .withChunkBytes(CHUNK)
                .withFullStore(StoreFullAction.FAIL_WRITES, 3_600_000_000_000L, growth);
        sim.create(spec, small);
        BlockDevice open = sim.set.openOrigin();
        SimHarness.Result write = sim.startWrite(0, open, 0, new byte[20 * CHUNK]);
        sim.loops.runUntilIdle();
        assertFalse(write.isDone(), "it waits for room");
        small.throwing = true;
        sim.loops.advance(2_000_000_000L);
        assertTrue(write.isDone(), "a write waits for ever");
        assertEquals(Errno.EIO, write.errno);
        assertEquals(Errno.EIO, sim.write(open, 20 * CHUNK, filled(2)), "and so later ones");
        open.close();
        CompletableFuture<Void> closed = sim.set.close();
        sim.loops.advance(3_000_000_000L);
        assertTrue(closed.isDone(), "closing waits for ever");
        sim.close();
    }

    @Test
    void aTimerThrows() throws StorageException {
        whatWaitsForRoomEndsThough(StoreGrowth.NONE);
    }

    @Test
    void aTaskThrows() throws StorageException {
        whatWaitsForRoomEndsThough((name, total, done) -> sim.loops.loop(0).schedule(done, 500_000_000L));
    }

    @Test
    void closingThatWaitsForAChunkEndsToo() throws StorageException {
        sim.loops.expectFaults();
        SnapshotSpec spec = SnapshotSpec.of("s", StoreType.PERSISTENT)
                .withChunkBytes(CHUNK)
                .withLossRecord((name, cause, done) -> {
                    throw new AssertionError("a bug");
                });
        sim.create(spec, store);
        BlockDevice open = sim.set.openOrigin();
        store.hold(request -> true);
        SimHarness.Result write = sim.startWrite(0, open, 0, filled(1));
        sim.loops.runUntilIdle();
        open.close();
        CompletableFuture<Void> closed = sim.set.close();
        sim.loops.runUntilIdle();
        assertFalse(closed.isDone(), "a chunk is on its way");
        storePlan.failAlways(null, Errno.EIO);
        store.letGo(sim);
        sim.loops.advance(3_000_000_000L);
        assertEquals(Errno.EIO, write.errno);
        assertTrue(closed.isDone(), "closing waits for ever");
        sim.close();
    }
}
