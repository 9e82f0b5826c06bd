package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.BlockDeviceContract;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.io.sim.SimulatedDisk;
import org.junit.jupiter.api.Nested;

/** The contract of a block device on a volume, in the states that its blocks can be in. */
class VolumeContractTest {

    abstract static class OnAPool extends BlockDeviceContract {
        private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
        private final SimulatedDisk data = new SimulatedDisk(6L * SIZE_BYTES);
        SimPool sim;

        @Override
        protected LoopDriver startLoop() throws StorageException {
            SimPool.format(metadata, data);
            sim = SimPool.openLarge(metadata, data, 32 << 20);
            sim.create("v", SIZE_BYTES).close();
            prepareBlocks();
            return LoopDriver.of(sim.loops, 0);
        }

        /** What reads as zeros, and how. */
        void prepareBlocks() throws StorageException {}

        /** Read-only means here: a read-only snapshot of the volume. */
        @Override
        protected BlockDevice open(boolean readOnly) throws StorageException {
            if (readOnly) {
                sim.await(sim.pool.createSnapshot("v", "frozen", true));
            }
            return sim.pool.openVolume(readOnly ? "frozen" : "v");
        }

        @Override
        protected void stopLoop() throws StorageException {
            sim.shutDown();
            SimPool.assertSound(metadata, "after the test");
        }

        final void writeZeros() {
            try (ThinVolume volume = sim.pool.openVolume("v")) {
                byte[] zeros = new byte[1 << 20];
                for (int at = 0; at < SIZE_BYTES; at += zeros.length) {
                    sim.write(volume, at, zeros);
                }
            }
        }
    }

    /** Writes provision. */
    @Nested
    class AFreshVolume extends OnAPool {}

    /** Writes go in place. */
    @Nested
    class AWrittenVolume extends OnAPool {
        @Override
        void prepareBlocks() {
            writeZeros();
        }
    }

    /** Writes break sharing. */
    @Nested
    class AVolumeThatSharesItsBlocks extends OnAPool {
        @Override
        void prepareBlocks() throws StorageException {
            writeZeros();
            sim.snapshot("v", "s").close();
        }
    }

    /** A snapshot, over blocks that its origin has and others that neither has. */
    @Nested
    class AWritableSnapshot extends OnAPool {
        @Override
        void prepareBlocks() throws StorageException {
            writeZeros();
            try (ThinVolume volume = sim.pool.openVolume("v")) {
                sim.trim(volume, SIZE_BYTES / 2, SIZE_BYTES / 4);
            }
            sim.snapshot("v", "s").close();
        }

        @Override
        protected BlockDevice open(boolean readOnly) throws StorageException {
            if (readOnly) {
                sim.await(sim.pool.createSnapshot("s", "frozen", true));
            }
            return sim.pool.openVolume(readOnly ? "frozen" : "s");
        }
    }
}
