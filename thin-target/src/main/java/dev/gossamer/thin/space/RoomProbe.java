package dev.gossamer.thin.space;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.function.IntConsumer;

/**
 * Finds out whether there is room below the data device again while no write waits that could: writes the first sectors
 * of a free data block, which is set aside meanwhile as for a mapping that fails. Nobody reads what is in a free block;
 * zeros keep one that holds zeros as it is. Worker's thread.
 */
public final class RoomProbe {
    /** A page of a file: less would not tell more. */
    private static final int BYTES = 4096;

    private final IoLoop loop;
    private final BlockDevice data;
    private final PoolMetadata metadata;
    private final PoolFaults faults;
    private final int lengthBytes;
    private boolean underWay;
    private boolean closed;
    private Runnable whenIdle;

    public RoomProbe(IoLoop loop, BlockDevice data, PoolMetadata metadata, PoolFaults faults) {
        this.loop = loop;
        this.data = data;
        this.metadata = metadata;
        this.faults = faults;
        this.lengthBytes = Math.max(BYTES, data.geometry().alignmentBytes());
    }

    /** Begins unless one is under way, or there is no block or no memory for it. {@code outcome}: an errno. */
    void start(IntConsumer outcome) throws StorageException {
        if (underWay || closed || metadata.dataBlocksFree() == 0) {
            return;
        }
        IoBuffer zeros = loop.buffers().tryAcquire(lengthBytes);
        if (zeros == null) {
            return;
        }
        long block;
        BlockRequest write = null;
        try {
            write = loop.requests().acquire();
            block = metadata.reserveDataBlock();
        } catch (StorageException | RuntimeException | Error fault) {
            zeros.release();
            if (write != null) {
                write.recycle();
            }
            throw fault;
        }
        zeros.zero(0, lengthBytes);
        long incarnation = faults.incarnation();
        write.transfer(BlockOperation.WRITE, block * metadata.blockBytes(), lengthBytes, 0, zeros, 0);
        write.push((done, errno) -> {
            done.recycle();
            zeros.release();
            try {
                if (incarnation == faults.incarnation()) {
                    metadata.unreserveDataBlock(block);
                }
                outcome.accept(errno);
            } finally {
                ended(); // the last of all: who waits for it takes down what the outcome is told to
            }
        });
        underWay = true;
        data.start(write);
    }

    private void ended() {
        underWay = false;
        if (whenIdle != null) {
            whenIdle.run();
        }
    }

    /** Calls back when none is under way; none begins after that. */
    public void close(Runnable whenClosed) {
        closed = true;
        if (underWay) {
            whenIdle = whenClosed;
        } else {
            whenClosed.run();
        }
    }
}
