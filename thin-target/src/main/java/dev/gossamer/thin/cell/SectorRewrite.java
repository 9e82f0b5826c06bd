package dev.gossamer.thin.cell;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.device.Cell;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.extent.Region;

/**
 * A write, smaller than the data device's sectors, to a block that may be written in place: read, change, write back
 * (NBD T47).
 *
 * <p>Any other write to the same sectors in between would be lost, also one from another connection. So the worker has
 * published the block as LOCKED and drained the loops before this starts: nothing is in flight on the block, and what
 * comes goes to the worker and waits.
 */
public final class SectorRewrite extends Cell {
    /** Told, once, when a write is done or cannot be. */
    interface Owner {
        void rewritten(SectorRewrite cell, int errno);

        /** Told in place of that when a step has thrown. */
        void broken(SectorRewrite cell, Throwable bug);
    }

    private final CellIo io;
    private final Owner owner;
    private final long dataBlock;
    private final int time;
    private final BlockRequest request;
    private final long fromBytes;
    private final int coveringBytes;
    private final BlockCompletion afterRead = step(this::afterRead);
    private final BlockCompletion afterWrite = step(this::afterWrite);
    private IoBuffer covering;

    SectorRewrite(
            CellIo io,
            ThinDevice device,
            long virtualBlock,
            long incarnation,
            long dataBlock,
            int time,
            BlockRequest request,
            Owner owner) {
        super(device, virtualBlock, incarnation);
        this.io = io;
        this.owner = owner;
        this.dataBlock = dataBlock;
        this.time = time;
        this.request = request;
        int alignment = io.alignmentBytes();
        long blockStart = virtualBlock * device.blockBytes();
        fromBytes = (request.offsetBytes() - blockStart) & -(long) alignment;
        long to = request.offsetBytes() + request.lengthBytes() - blockStart;
        coveringBytes = (int) (((to + alignment - 1) & -(long) alignment) - fromBytes);
    }

    @Override
    protected long[] shownIn(long[] region) {
        return Region.with(region, ExtentMap.blockInRegion(virtualBlock), 1, Region.LOCKED, time, dataBlock);
    }

    @Override
    public boolean join(BlockRequest other) {
        return false;
    }

    @Override
    protected void start() {
        covering = io.buffers().tryAcquire(coveringBytes);
        if (covering == null) {
            io.buffers().whenReleased(step(this::start));
            return;
        }
        io.submit(BlockOperation.READ, dataBlock, (int) fromBytes, coveringBytes, covering, 0, afterRead);
    }

    @Override
    protected void broken(Throwable bug) {
        if (covering != null) {
            covering.release();
            covering = null;
        }
        owner.broken(this, bug);
    }

    /** The data block that the virtual block is mapped to, before and after. */
    long dataBlock() {
        return dataBlock;
    }

    /** The time of that mapping. */
    int time() {
        return time;
    }

    /** The write this is for. */
    BlockRequest request() {
        return request;
    }

    private void afterRead(BlockRequest read, int errno) {
        read.recycle();
        if (errno != Errno.OK) {
            end(errno);
            return;
        }
        Overlay.copy(request, covering, virtualBlock * device.blockBytes() + fromBytes, coveringBytes);
        io.submit(BlockOperation.WRITE, dataBlock, (int) fromBytes, coveringBytes, covering, 0, afterWrite);
    }

    private void afterWrite(BlockRequest write, int errno) {
        write.recycle();
        end(errno);
    }

    private void end(int errno) {
        covering.release();
        covering = null;
        owner.rewritten(this, errno);
    }
}
