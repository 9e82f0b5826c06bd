package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** A new snapshot is the origin at one moment: what was under way has landed, and is stable (rule S-O6). */
class MomentOfCreationTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 256 << 10;
    private static final SnapshotSpec SPEC =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK);

    private final SimulatedDisk disk = new SimulatedDisk(SIZE);
    private final SlowDisk origin = new SlowDisk(disk);

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void aWriteUnderWayLandsFirst() throws StorageException {
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            BlockDevice open = sim.set.openOrigin();
            origin.hold(r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 0);
            SimHarness.Result older = sim.startWrite(0, open, 0, filled(1, CHUNK));
            sim.loops.runUntilIdle();
            CompletableFuture<SnapshotStatus> made = sim.set.create(SPEC, new SimulatedDisk(2 * SIZE));
            sim.loops.runUntilIdle();
            assertFalse(made.isDone(), "made while an older write was on its way: it would change under its readers");
            SimHarness.Result newer = sim.startWrite(1, open, CHUNK, filled(2, CHUNK));
            sim.loops.runUntilIdle();
            assertFalse(newer.isDone(), "a newer write overtook the snapshot");
            origin.letGo(sim);
            assertEquals(Errno.OK, older.errno);
            assertEquals(Errno.OK, newer.errno);
            sim.await(made);
            Snapshot snapshot = sim.set.openSnapshot("s");
            assertArrayEquals(filled(1, CHUNK), sim.read(snapshot, 0, CHUNK));
            assertArrayEquals(filled(0, CHUNK), sim.read(snapshot, CHUNK, CHUNK));
        }
    }

    @Test
    void itsContentsAreStableWhenItIsThere() throws StorageException {
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), 0, filled(1, CHUNK)));
            origin.hold(r -> r.operation() == BlockOperation.FLUSH);
            CompletableFuture<SnapshotStatus> made = sim.set.create(SPEC, new SimulatedDisk(2 * SIZE));
            sim.loops.runUntilIdle();
            assertFalse(made.isDone(), "made before the origin was flushed");
            origin.letGo(sim);
            sim.await(made);
            disk.crashLosingAll();
            assertArrayEquals(filled(1, CHUNK), sim.read(sim.set.openSnapshot("s"), 0, CHUNK));
        }
    }
}
