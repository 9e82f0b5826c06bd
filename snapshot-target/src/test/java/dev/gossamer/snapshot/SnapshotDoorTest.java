package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Nobody opens what is about to be merged or deleted, however long that takes to begin. */
class SnapshotDoorTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 256 << 10;
    private static final SnapshotSpec SPEC =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK);

    private final SlowDisk origin = new SlowDisk(new SimulatedDisk(SIZE));
    private final SimSet sim = new SimSet(origin, 1, 2);

    @BeforeEach
    void create() throws StorageException {
        sim.create(SPEC, new SimulatedDisk(2 * SIZE));
    }

    @Test
    void whileAMergeWaitsForWritesUnderWay() throws StorageException {
        origin.hold(r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 0);
        BlockDevice open = sim.set.openOrigin();
        sim.startWrite(0, open, 0, new byte[512]);
        sim.loops.runUntilIdle();
        open.close(); // Its client is gone.
        CompletableFuture<SnapshotStatus> merge = sim.set.merge("s");
        sim.loops.runUntilIdle();
        assertFalse(merge.isDone());
        assertNull(sim.set.openSnapshot("s"), "it was opened, and will be merged");
        origin.letGo(sim);
        sim.await(merge);
        sim.await(sim.set.mergeFinished());
        assertNull(sim.set.openSnapshot("s"));
        sim.await(sim.set.delete("s"));
        assertTrue(
                sim.refused(sim.set.mergeFinished()).contains("no snapshot is being merged"),
                "a merge that is over is not the next one's");
        sim.shutDown();
    }

    @Test
    void whatIsKeptClosedCanBeMergedAndOpenedAgain() throws StorageException {
        Snapshot snapshot = sim.set.openSnapshot("s");
        assertFalse(sim.set.keepClosed("s"), "somebody has it open");
        assertTrue(sim.refused(sim.set.delete("s")).contains("in use"));
        assertTrue(sim.refused(sim.set.merge("s")).contains("in use"));
        snapshot.close();
        assertTrue(sim.set.keepClosed("s"));
        assertNull(sim.set.openSnapshot("s"));
        sim.set.mayBeOpened("s");
        BlockDevice open = sim.set.openOrigin();
        assertFalse(sim.set.keepClosed());
        assertTrue(sim.refused(sim.set.merge("s")).contains("the origin is open"));
        snapshot = sim.set.openSnapshot("s");
        assertNotNull(snapshot, "a refused merge keeps nobody out");
        snapshot.close();
        open.close();
        assertTrue(sim.set.keepClosed() && sim.set.keepClosed("s"));
        sim.await(sim.set.merge("s"));
        sim.set.mayBeOpened();
        sim.set.mayBeOpened("s");
        assertNull(sim.set.openSnapshot("s"));
        sim.set.openOrigin().close();
        sim.shutDown();
    }

    /** A creation or a load that is refused early keeps nothing busy. */
    @Test
    void aRefusalForTheOriginsSizeKeepsNothing() throws StorageException {
        SnapshotSpec larger = SPEC.withName("t").withSizeBytes(2L * SIZE);
        for (int i = 0; i < 2; i++) {
            assertTrue(
                    sim.refused(sim.set.create(larger, new SimulatedDisk(SIZE))).contains("give it its full size"));
            assertTrue(
                    sim.refused(sim.set.load(larger, new SimulatedDisk(SIZE))).contains("give it its full size"));
        }
        sim.set.openOrigin().close();
        sim.shutDown();
    }
}
