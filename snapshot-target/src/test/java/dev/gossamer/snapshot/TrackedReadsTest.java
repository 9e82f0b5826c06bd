package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Rule S-S1 while a chunk is recorded already and a read of the snapshot is still on its way to the origin: whoever
 * would write there waits, and not only the write that had the chunk copied.
 */
class TrackedReadsTest {
    private static final int CHUNK = 8192;
    private static final int SIZE = 1 << 20;
    private static final SnapshotSpec SPEC =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK);

    private final SimulatedDisk originDisk = new SimulatedDisk(SIZE);
    private final SlowDisk origin = new SlowDisk(originDisk);
    private final SimSet sim = new SimSet(origin, 1, 2);
    private Snapshot snapshot;
    private SimHarness.Result read;

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @BeforeEach
    void create() throws StorageException {
        originDisk.writeNow(0, filled(1, SIZE));
        snapshot = sim.createAndOpen(SPEC, new SimulatedDisk(2 * SIZE));
    }

    private void startRead() {
        origin.hold(r -> r.operation() == BlockOperation.READ && r.loop().index() == 1);
        read = sim.start(1, snapshot, BlockOperation.READ, 0, CHUNK, 0, null);
        sim.loops.runUntilIdle();
        assertEquals(1, origin.held().size());
    }

    private void endRead() {
        sim.loops.enter(1, origin::releaseAll);
        sim.loops.runUntilIdle();
        assertEquals(Errno.OK, read.errno);
        assertArrayEquals(filled(1, CHUNK), read.data, "the snapshot's read has what was written to the origin later");
    }

    @AfterEach
    void finish() throws StorageException {
        snapshot.close();
        sim.shutDown();
    }

    @Test
    void aSecondWriteToTheChunkWaitsToo() throws StorageException {
        startRead();
        BlockDevice open = sim.set.openOrigin();
        SimHarness.Result first = sim.startWrite(0, open, 0, filled(2, 512));
        sim.loops.runUntilIdle();
        assertFalse(first.isDone());
        assertEquals(1, sim.status("s").chunks(), "recorded, and only the read is waited for");
        SimHarness.Result second = sim.startWrite(0, open, 512, filled(3, 512));
        sim.loops.runUntilIdle();
        assertEquals(1, originDisk.readNow(512, 1)[0], "it overtook the read");
        assertFalse(second.isDone());
        endRead();
        assertTrue(first.isDone() && second.isDone());
        assertEquals(Errno.OK, first.errno);
        assertEquals(Errno.OK, second.errno);
        assertEquals(3, originDisk.readNow(512, 1)[0]);
        open.close();
    }

    /** Of another snapshot, whose chunks are half as large; between two of its runs. */
    @Test
    void aMergeWaitsToo() throws StorageException {
        SnapshotSpec half = SPEC.withName("half").withChunkBytes(CHUNK / 2);
        try (Snapshot merged = sim.createAndOpen(half, new SimulatedDisk(2 * SIZE))) {
            assertEquals(Errno.OK, sim.write(merged, 0, filled(7, CHUNK / 2)));
            assertEquals(Errno.OK, sim.write(merged, SIZE / 2, filled(8, CHUNK / 2)));
        }
        origin.hold(r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 2);
        sim.await(sim.set.merge("half"));
        CompletableFuture<Void> stopped = sim.set.stopMerge();
        sim.loops.runUntilIdle();
        origin.letGo(sim);
        sim.await(stopped);
        assertEquals(8, originDisk.readNow(SIZE / 2, 1)[0]);
        startRead();
        BlockDevice open = sim.set.openOrigin();
        SimHarness.Result write = sim.startWrite(0, open, CHUNK / 2, filled(2, 512));
        sim.loops.runUntilIdle();
        assertFalse(write.isDone());
        sim.await(sim.set.continueMerge());
        sim.loops.runUntilIdle();
        assertEquals(1, originDisk.readNow(0, 1)[0], "the merge overtook the read");
        endRead();
        sim.await(sim.set.mergeFinished());
        assertEquals(Errno.OK, write.errno);
        assertEquals(7, originDisk.readNow(0, 1)[0]);
        assertEquals(2, originDisk.readNow(CHUNK / 2, 1)[0]);
        open.close();
    }
}
