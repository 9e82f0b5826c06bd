package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.ArrayList;
import org.junit.jupiter.api.Nested;

/** The contract on the devices of this package, with both kinds of loop that need no thread. */
class SimulatedDeviceContractTest {
    private static final int BUFFER_BYTES = 16 << 20;

    /** On a loop where a request completes before submit returns. */
    abstract static class Inline extends BlockDeviceContract {
        private final IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES);
        final SimulatedDisk disk = new SimulatedDisk(SIZE_BYTES);

        @Override
        protected LoopDriver startLoop() {
            return LoopDriver.of(new InlineLoop(null, buffers));
        }

        @Override
        protected void stopLoop() {
            buffers.close();
        }
    }

    @Nested
    class ASimulatedDisk extends Inline {
        @Override
        protected BlockDevice open(boolean readOnly) {
            disk.setReadOnly(readOnly);
            return disk;
        }
    }

    @Nested
    class ASimulatedDiskWithLargeSectorsAndNoDiscard extends BlockDeviceContract {
        private final SimLoops loops = new SimLoops(7, 2, BUFFER_BYTES);
        private final SimulatedDisk disk = new SimulatedDisk(SIZE_BYTES, 4096, 0, new PowerSupply());

        @Override
        protected LoopDriver startLoop() {
            return LoopDriver.of(loops, 1);
        }

        @Override
        protected void stopLoop() {
            loops.close();
        }

        @Override
        protected BlockDevice open(boolean readOnly) {
            disk.setReadOnly(readOnly);
            return disk;
        }
    }

    @Nested
    class AFaultyDeviceWithoutFaults extends Inline {
        @Override
        protected BlockDevice open(boolean readOnly) {
            disk.setReadOnly(readOnly);
            return new FaultyDevice(disk, new FaultPlan());
        }
    }

    @Nested
    class ARecorder extends Inline {
        @Override
        protected BlockDevice open(boolean readOnly) {
            disk.setReadOnly(readOnly);
            return new Recorder("disk", disk, new ArrayList<>());
        }
    }
}
