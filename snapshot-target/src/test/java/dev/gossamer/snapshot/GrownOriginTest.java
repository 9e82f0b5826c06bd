package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What lies behind the end that an origin had is in none of its snapshots (rule S-L7), though the chunk with that end
 * may be in a store: behind it there is whatever was on the store's device before.
 */
class GrownOriginTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 64 << 10;
    private static final int END = SIZE - CHUNK + 1024;
    private static final SnapshotSpec SPEC =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK).withSizeBytes(END);

    private final SimulatedDisk origin = new SimulatedDisk(END);
    private final SimulatedDisk storeDisk = new SimulatedDisk(2 * SIZE);
    private final FaultPlan plan = new FaultPlan();
    private final BlockDevice store = new FaultyDevice(storeDisk, plan);
    private final byte[] old = filled(1, END);
    private final byte[] tail = filled(7, SIZE - END);

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    /** The origin's last chunk is in the store, and then the origin grows. */
    @BeforeEach
    void grow() throws StorageException {
        origin.writeNow(0, old);
        storeDisk.writeNow(2 * CHUNK, filled(66, SIZE));
        try (SimSet sim = new SimSet(origin, 1, 1)) {
            assertEquals(END, sim.create(SPEC, store).sizeBytes());
            BlockDevice device = sim.set.openOrigin();
            assertEquals(Errno.OK, sim.write(device, END - 512, new byte[512]));
            device.close();
            sim.shutDown();
        }
        origin.resize(SIZE);
    }

    private SimSet load() throws StorageException {
        SimSet sim = new SimSet(origin, 2, 1);
        assertEquals(END, sim.await(sim.set.load(SPEC, store)).sizeBytes());
        BlockDevice device = sim.set.openOrigin();
        assertEquals(SIZE, device.sizeBytes());
        assertEquals(Errno.OK, sim.write(device, END, tail));
        device.close();
        return sim;
    }

    @Test
    void theSnapshotStaysAsLargeAsItWas() throws StorageException {
        try (SimSet sim = load()) {
            Snapshot snapshot = sim.set.openSnapshot("s");
            assertEquals(END, snapshot.geometry().sizeBytes());
            assertArrayEquals(old, sim.read(snapshot, 0, END));
            snapshot.close();
            sim.shutDown();
        }
    }

    @Test
    void aMergeLeavesWhatIsBehindItsEnd() throws StorageException {
        byte[] newest = tail.clone();
        Arrays.fill(newest, 512, 1024, (byte) 8);
        try (SimSet sim = load()) {
            plan.fail(BlockOperation.READ, 1, Errno.EIO);
            sim.await(sim.set.merge("s"));
            assertEquals(SnapshotState.MERGE_FAILED, sim.status("s").state());
            BlockDevice device = sim.set.openOrigin();
            assertArrayEquals(old, sim.read(device, 0, END));
            assertArrayEquals(tail, sim.read(device, END, tail.length), "as it was written");
            byte[] both = new byte[1024];
            System.arraycopy(old, 0, both, 0, 512);
            System.arraycopy(tail, 0, both, 512, 512);
            assertArrayEquals(both, sim.read(device, END - 512, 1024), "across the end");
            assertEquals(Errno.OK, sim.write(device, END + 512, filled(8, 512)));
            assertArrayEquals(newest, sim.read(device, END, tail.length), "as it was written during the merge");
            device.close();
            sim.await(sim.set.continueMerge());
            sim.await(sim.set.mergeFinished());
            sim.shutDown();
        }
        assertArrayEquals(old, origin.readNow(0, END));
        assertArrayEquals(newest, origin.readNow(END, newest.length));
    }

    @Test
    void anOriginThatIsSmallerThanItWasIsRefused() throws StorageException {
        origin.resize(END - CHUNK);
        try (SimSet sim = new SimSet(origin, 3, 1)) {
            String refusal = sim.refused(sim.set.load(SPEC, store));
            assertTrue(refusal.contains("and had " + END + "; give it its full size again"), refusal);
        }
    }
}
