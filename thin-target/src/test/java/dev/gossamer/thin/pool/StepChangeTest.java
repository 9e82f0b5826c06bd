package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.device.ThinDevice;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A job's step that fails behind the first of its changes, with sound metadata. */
class StepChangeTest {
    private static final int BLOCK = SimPool.BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(40L * BLOCK);

    /** What was written to the block that the step did map, and flushed, is there after a crash. */
    @Test
    void g7aAFlushCommitsWhatAFailedStepHasChanged() throws StorageException {
        SimPool.format(metadata, data);
        byte[] contents = ThinPoolTest.bytes(1, BLOCK);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume volume = sim.create("v", 8L * BLOCK);
            assertEquals(Errno.OK, sim.flush(volume));
            PoolParts parts = sim.pool.parts;
            StorageException unreadable = assertThrows(
                    StorageException.class,
                    () -> sim.await(WorkerCalls.call(parts.loop, () -> {
                        failAfterTheFirst(parts);
                        return null;
                    })));
            assertEquals(Errno.EBUSY, unreadable.errno());
            assertEquals(PoolMode.WRITE, sim.pool.mode());
            assertEquals(Errno.OK, sim.write(volume, 3L * BLOCK, contents), "in place");
            assertEquals(Errno.OK, sim.flush(volume));
        }
        metadata.crashLosingAll();
        data.crashLosingAll();
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume volume = sim.pool.openVolume("v");
            assertArrayEquals(contents, sim.read(volume, 3L * BLOCK, BLOCK));
            volume.close();
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after the crash");
    }

    private static void failAfterTheFirst(PoolParts parts) throws StorageException {
        ThinDevice device = parts.devices.named("v");
        parts.stepChange.apply(List.of(device), () -> {
            parts.metadata.insert(device.id(), 3, parts.metadata.reserveDataBlock());
            throw new StorageException(Errno.EBUSY, "the way to the second one cannot be read");
        });
    }
}
