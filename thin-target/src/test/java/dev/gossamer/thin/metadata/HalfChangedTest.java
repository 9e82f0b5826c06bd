package dev.gossamer.thin.metadata;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.SimulatedDisk;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A change that has failed half way is never committed, whoever has forgotten to abort (E-1). */
class HalfChangedTest {
    private static final int BLOCKS = 1000;

    private final SimulatedDisk disk = new SimulatedDisk(4 << 20);
    private final SimulatedDisk data = new SimulatedDisk(4096L * (64 << 10));
    private final IoBufferPool buffers = new IoBufferPool(1 << 20);
    private final FailingReads metadataDisk = new FailingReads(disk);

    /** Reads fail from the n-th on. */
    private static final class FailingReads extends ForwardingDevice {
        int readsLeft = Integer.MAX_VALUE;

        FailingReads(BlockDevice disk) {
            super(disk);
        }

        @Override
        public void submit(BlockRequest request) {
            if (request.operation() == BlockOperation.READ && --readsLeft < 0) {
                request.complete(Errno.EIO);
            } else {
                super.submit(request);
            }
        }
    }

    @AfterEach
    void close() {
        buffers.close();
    }

    @Test
    void itIsNotCommitted() throws StorageException {
        aVolume();
        int halves = 0;
        for (int reads = 0; ; reads++) {
            try (PoolMetadata metadata = open()) {
                metadataDisk.readsLeft = reads;
                if (deletes(metadata)) {
                    break;
                }
                metadataDisk.readsLeft = Integer.MAX_VALUE;
                if (metadata.isHalfChanged()) {
                    halves++;
                    assertThrows(AssertionError.class, metadata::freeze, reads + " reads");
                    metadata.abort();
                }
                assertFalse(metadata.isHalfChanged());
                assertTrue(deletes(metadata));
                metadata.freeze();
            }
        }
        assertTrue(halves > 0, "every read came before the first change");
    }

    private void aVolume() throws StorageException {
        PoolFormat.format(io(), data, 64 << 10);
        try (PoolMetadata metadata = open()) {
            metadata.life().createDevice(1);
            for (int block = 0; block < BLOCKS; block++) {
                metadata.insert(1, block, metadata.reserveDataBlock());
            }
            CommitNow.commit(metadata);
        }
    }

    private boolean deletes(PoolMetadata metadata) {
        try {
            metadata.life().deleteDevice(1);
            return true;
        } catch (StorageException e) {
            return false;
        }
    }

    private PoolMetadata open() throws StorageException {
        return PoolMetadata.open(io(), data, 64);
    }

    private BlockingIo io() {
        return new BlockingIo(metadataDisk, new InlineLoop(null, buffers));
    }
}
