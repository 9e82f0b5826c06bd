package dev.gossamer.thin.device;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.RequestQueue;

/**
 * A TRIM that waits for blocks in its range to be let go of (rule L-8). Writes and trims that come later for the range
 * wait behind it in {@link #waiting}, so that writes that keep coming cannot hold it off for ever. At most
 * {@code Unmapper.STEP_BLOCKS} blocks wide (L-4). Worker's thread.
 */
public final class QueuedTrim {
    final BlockRequest request;
    final RequestQueue waiting = new RequestQueue();
    public final long fromBlock;
    public final long toBlock;

    /** @param toBlock exclusive */
    public QueuedTrim(BlockRequest request, long fromBlock, long toBlock) {
        this.request = request;
        this.fromBlock = fromBlock;
        this.toBlock = toBlock;
    }

    boolean contains(long block) {
        return block >= fromBlock && block < toBlock;
    }

    /** Whether a request touches a block of the range. */
    boolean meets(BlockRequest other, int blockBytes) {
        long first = other.offsetBytes() / blockBytes;
        long last = (other.offsetBytes() + other.lengthBytes() - 1) / blockBytes;
        return first < toBlock && last >= fromBlock;
    }
}
