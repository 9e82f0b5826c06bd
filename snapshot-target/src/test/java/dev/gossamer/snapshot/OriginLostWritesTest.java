package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/**
 * An origin or a store that has lost writes says so once; FLUSH fails from then on until the set is opened again
 * (T27).
 */
class OriginLostWritesTest {
    private static final int SIZE = 1 << 20;

    private final FaultPlan originFaults = new FaultPlan();
    private final FaultPlan storeFaults = new FaultPlan();
    private final BlockDevice origin = new FaultyDevice(new SimulatedDisk(SIZE), originFaults);
    private final BlockDevice store = new FaultyDevice(new SimulatedDisk(2 * SIZE), storeFaults);

    private static byte[] filled(int value) {
        byte[] data = new byte[4096];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private static int flush(SimSet sim, BlockDevice device) {
        return sim.command(device, BlockOperation.FLUSH, 0, 0);
    }

    @Test
    void aFlushOfTheOriginThatFailsIsRememberedForEveryHandle() throws Exception {
        SimSet sim = new SimSet(origin, 1, 2);
        try (BlockDevice first = sim.set.openOrigin()) {
            assertEquals(Errno.OK, sim.write(first, 0, filled(1)));
            originFaults.fail(BlockOperation.FLUSH, 1, Errno.EIO);
            assertEquals(Errno.EIO, flush(sim, first));
            assertEquals(Errno.EIO, flush(sim, first));
            assertEquals(Errno.OK, sim.write(first, 4096, filled(2)));
            assertArrayEquals(filled(2), sim.read(first, 4096, 4096));
        }
        try (BlockDevice second = sim.set.openOrigin()) {
            assertEquals(Errno.EIO, flush(sim, second));
        }
        sim.shutDown();
        SimSet again = new SimSet(origin, 2, 1);
        try (BlockDevice opened = again.set.openOrigin()) {
            assertEquals(Errno.OK, flush(again, opened));
        }
        again.shutDown();
    }

    @Test
    void aSnapshotsFlushFailsOnceItsStoreHasLostWrites() throws Exception {
        SimSet sim = new SimSet(origin, 1, 2);
        Snapshot snapshot =
                sim.createAndOpen(SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(4096), store);
        assertEquals(Errno.OK, sim.write(snapshot, 0, filled(3)));
        storeFaults.fail(BlockOperation.FLUSH, 1, Errno.EIO);
        assertEquals(Errno.EIO, flush(sim, snapshot));
        assertEquals(Errno.EIO, flush(sim, snapshot));
        assertArrayEquals(filled(3), sim.read(snapshot, 0, 4096));
        snapshot.close();
        sim.close();
    }
}
