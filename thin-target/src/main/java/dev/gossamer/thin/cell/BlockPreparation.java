package dev.gossamer.thin.cell;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.device.Cell;
import dev.gossamer.thin.device.ThinDevice;

/**
 * Fills a newly allocated data block and then maps it: provisioning (rule Z-1) and breaking of sharing (B-1).
 *
 * <ol>
 *   <li>The worker has reserved the block, free both in the committed and in the running state (D-2). The reservation
 *       is in memory only, so a crash leaks nothing.
 *   <li>Slice by slice, the new contents are put together in memory: zeros, the external origin's bytes or the old
 *       block, and over them the writes that have {@linkplain #join joined}. What the writes cover is neither zeroed
 *       nor read (Z-4, B-3). Each slice is one write to the data device. In a block that is known to hold zeros only
 *       the sectors that the writes cover are written: whatever of them a crash loses, the block is free then and no
 *       longer known to be zero.
 *   <li>When all slices have arrived the mapping is inserted (Z-2) and the joined writes are complete.
 * </ol>
 *
 * <p>If we crash before the next commit, the committed mapping still names the old block, which nobody has touched, or
 * none; the new block is free there. If we crash after it, the commit's data flush came before its superblock (G-2), so
 * the block holds what was prepared. The two can not be mixed.
 */
public final class BlockPreparation extends Cell {
    /** No old block: the rest of the new one is the external origin's, or zero. */
    static final long NO_SOURCE = -1;

    /** Work proceeds in pieces of at most this, so that a 1 GiB block needs no 1 GiB of memory. */
    private static final int SLICE_BYTES = 1 << 20;

    /** Told, once, when a block is filled or cannot be. */
    interface Owner {
        void prepared(BlockPreparation cell, int errno);

        /** Told in place of that when filling it has thrown. */
        void broken(BlockPreparation cell, Throwable bug);
    }

    private final Owner owner;
    private final CellIo io;
    final long dataBlock;
    private final long sourceBlock;
    private final boolean zeroed;
    private final RequestQueue joined = new RequestQueue();
    private final BlockCompletion afterWrite = step(this::afterWrite);

    private boolean started;
    private boolean readFailed;
    private int sliceOffsetBytes;
    private int sliceBytes;
    private IoBuffer slice;

    /** @param zeroed the new block is known to hold zeros, so that only what the writes cover needs writing */
    BlockPreparation(
            Owner owner,
            CellIo io,
            ThinDevice device,
            long virtualBlock,
            long incarnation,
            long dataBlock,
            long sourceBlock,
            boolean zeroed) {
        super(device, virtualBlock, incarnation);
        this.owner = owner;
        this.io = io;
        this.dataBlock = dataBlock;
        this.sourceBlock = sourceBlock;
        this.zeroed = zeroed;
    }

    @Override
    public boolean join(BlockRequest request) {
        BlockOperation operation = request.operation();
        if (started || (operation != BlockOperation.WRITE && operation != BlockOperation.WRITE_ZEROES)) {
            return false;
        }
        joined.add(request);
        return true;
    }

    @Override
    protected void start() {
        started = true;
        nextSlice();
    }

    @Override
    protected void broken(Throwable bug) {
        releaseSlice();
        owner.broken(this, bug);
    }

    /** Whether the block replaces one that a snapshot shares. */
    boolean breaksSharing() {
        return sourceBlock != NO_SOURCE;
    }

    /** What has failed, if anything has: an operator looks for the bad sector where this says. */
    String failedStep() {
        if (!readFailed) {
            return "writing data block " + dataBlock;
        }
        return sourceBlock == NO_SOURCE ? "reading its external origin" : "reading data block " + sourceBlock;
    }

    /** Whether no zeros had to be written. */
    boolean isZeroed() {
        return zeroed;
    }

    /** The writes to complete, once the block is mapped or given up. */
    RequestQueue joined() {
        return joined;
    }

    private void nextSlice() {
        if (zeroed) {
            skipZeros();
        }
        if (sliceOffsetBytes == device.blockBytes()) {
            owner.prepared(this, Errno.OK);
            return;
        }
        sliceBytes = Math.min(SLICE_BYTES, sliceEndBytes() - sliceOffsetBytes);
        BlockRequest only = joined.peek();
        if (joined.hasOne() && only.operation() == BlockOperation.WRITE && covers(only) && io.isAligned(only)) {
            int from = (int) (sliceStart() - only.offsetBytes());
            write(only.buffer(), only.bufferOffsetBytes() + from);
            return;
        }
        slice = io.buffers().tryAcquire(sliceBytes);
        if (slice == null) {
            io.buffers().whenReleased(step(this::nextSlice));
        } else if (isCovered()) {
            overlayAndWrite();
        } else if (sourceBlock == NO_SOURCE && device.isOverExternalOrigin(sliceStart())) {
            io.readOrigin(device.externalOrigin(), sliceStart(), sliceBytes, slice, step(this::afterRead));
        } else if (sourceBlock == NO_SOURCE) {
            slice.zero(0, sliceBytes);
            overlayAndWrite();
        } else {
            io.submit(BlockOperation.READ, sourceBlock, sliceOffsetBytes, sliceBytes, slice, 0, step(this::afterRead));
        }
    }

    private void afterRead(BlockRequest read, int errno) {
        read.recycle();
        if (errno == Errno.OK) {
            overlayAndWrite();
        } else {
            readFailed = true;
            giveUp(errno);
        }
    }

    private void overlayAndWrite() {
        for (BlockRequest r = joined.peek(); r != null; r = joined.after(r)) {
            Overlay.copy(r, slice, sliceStart(), sliceBytes);
        }
        write(slice, 0);
    }

    private void write(IoBuffer source, int sourceOffsetBytes) {
        io.submit(BlockOperation.WRITE, dataBlock, sliceOffsetBytes, sliceBytes, source, sourceOffsetBytes, afterWrite);
    }

    private void afterWrite(BlockRequest write, int errno) {
        write.recycle();
        if (errno != Errno.OK) {
            giveUp(errno);
            return;
        }
        releaseSlice();
        sliceOffsetBytes += sliceBytes;
        nextSlice();
    }

    private void giveUp(int errno) {
        releaseSlice();
        owner.prepared(this, errno);
    }

    private void releaseSlice() {
        if (slice != null) {
            slice.release();
            slice = null;
        }
    }

    /** Goes on to the first byte of a sector that a write covers, or to the end of the block. */
    private void skipZeros() {
        int alignment = io.alignmentBytes();
        long from = sliceStart();
        long first = from + device.blockBytes() - sliceOffsetBytes;
        for (BlockRequest r = joined.peek(); r != null; r = joined.after(r)) {
            if (r.offsetBytes() + r.lengthBytes() > from) {
                first = Math.min(first, Math.max(from, r.offsetBytes() & -(long) alignment));
            }
        }
        sliceOffsetBytes += (int) (first - from);
    }

    /**
     * In a block of zeros, where the sectors end that one or several writes cover without a gap; else the block's end.
     */
    private int sliceEndBytes() {
        if (!zeroed) {
            return device.blockBytes();
        }
        int alignment = io.alignmentBytes();
        long blockStart = virtualBlock * device.blockBytes();
        long end = sliceStart();
        boolean grown = true;
        while (grown) {
            grown = false;
            for (BlockRequest r = joined.peek(); r != null; r = joined.after(r)) {
                long to = (r.offsetBytes() + r.lengthBytes() + alignment - 1) & -(long) alignment;
                if (to > end && (r.offsetBytes() & -(long) alignment) <= end) {
                    end = to;
                    grown = true;
                }
            }
        }
        return (int) (end - blockStart);
    }

    /** Where the slice begins in the volume. */
    private long sliceStart() {
        return virtualBlock * device.blockBytes() + sliceOffsetBytes;
    }

    private boolean isCovered() {
        for (BlockRequest r = joined.peek(); r != null; r = joined.after(r)) {
            if (covers(r)) {
                return true;
            }
        }
        return false;
    }

    private boolean covers(BlockRequest request) {
        return request.offsetBytes() <= sliceStart()
                && request.offsetBytes() + request.lengthBytes() >= sliceStart() + sliceBytes;
    }
}
