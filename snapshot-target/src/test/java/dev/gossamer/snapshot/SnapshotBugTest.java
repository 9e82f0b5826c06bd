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
}
