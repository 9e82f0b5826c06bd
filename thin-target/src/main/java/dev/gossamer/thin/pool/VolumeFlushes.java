package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.thin.commit.Durability;
import dev.gossamer.thin.device.ThinDevice;

/**
 * Makes what had completed on a volume stable, for FLUSH and FUA (rule G-3). On the request's loop.
 *
 * <p>A commit is needed if the volume has changes that no commit covers yet, else a flush of the data device is enough.
 * The worker marks a volume changed before it publishes the mapping. Whoever wrote through that mapping sees the mark,
 * so "unchanged" means that no completed write depends on an uncommitted mapping.
 */
final class VolumeFlushes {
    private final ThinDevice device;
    private final BlockDevice data;
    private final Durability commits;
    private final BlockCompletion afterFuaWrite = this::afterFuaWrite;
    private final BlockCompletion afterCommit = this::afterCommit;
    private final BlockCompletion afterDataFlush = VolumeFlushes::afterDataFlush;

    VolumeFlushes(ThinDevice device, BlockDevice data, Durability commits) {
        this.device = device;
        this.data = data;
        this.commits = commits;
    }

    /** Takes FUA off a request, and sees to it that it completes only when it is stable. */
    void stabilizeWhenDone(BlockRequest request) {
        request.setFlags(request.flags() & ~BlockRequest.FUA);
        request.push(afterFuaWrite);
    }

    /** Completes a request once everything that had completed on this volume is stable. */
    void stabilize(BlockRequest request) {
        // In this order: an abort marks what it loses before it says that nothing is uncommitted any more.
        boolean isUncommitted = commits.isUncommitted(device);
        if (device.hasLostChanges()) {
            request.complete(Errno.EIO);
        } else if (isUncommitted) {
            request.push(afterCommit);
            commits.waitForCommit(request);
        } else if (request.operation() == BlockOperation.FLUSH) {
            data.start(request);
        } else {
            BlockRequest flush = request.companion().command(BlockOperation.FLUSH, 0, 0, 0);
            flush.push(afterDataFlush);
            data.start(flush);
        }
    }

    private void afterFuaWrite(BlockRequest request, int errno) {
        if (errno == Errno.OK) {
            stabilize(request);
        } else {
            request.complete(errno);
        }
    }

    /** A commit after an abort covers nothing of what the abort has lost (G-6). */
    private void afterCommit(BlockRequest request, int errno) {
        request.complete(errno == Errno.OK && device.hasLostChanges() ? Errno.EIO : errno);
    }

    private static void afterDataFlush(BlockRequest flush, int errno) {
        BlockRequest request = flush.companionOf();
        flush.recycle();
        request.complete(errno);
    }
}
