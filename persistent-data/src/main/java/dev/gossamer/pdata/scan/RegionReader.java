package dev.gossamer.pdata.scan;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.block.MetadataBlock;

/** Reads and visits in turn, on the caller's thread. */
public final class RegionReader implements BlockFeed, AutoCloseable {
    private final BlockingIo io;
    private final long blocks;
    private final IoBuffer large;
    private final IoBuffer small;
    private final Region region;
    private final Region single;

    /** @param io with room for a mebibyte and a block in its loop's buffers */
    public RegionReader(BlockingIo io, long blocks) {
        this.io = io;
        this.blocks = blocks;
        large = io.loop().buffers().acquire(RegionPlan.MAX_BLOCKS * MetadataBlock.BYTES);
        small = io.loop().buffers().acquire(MetadataBlock.BYTES);
        region = new Region(large);
        single = new Region(small);
    }

    @Override
    public long blocks() {
        return blocks;
    }

    @Override
    public void feed(WantedBlocks wanted, Visitor visitor) {
        RegionPlan plan = new RegionPlan(wanted);
        while (plan.advance()) {
            region.read(io, plan.first(), plan.count());
            region.visit(wanted, visitor);
        }
    }

    @Override
    public void feed(long location, Visitor visitor) {
        single.read(io, location, 1);
        single.visitAll(visitor);
    }

    @Override
    public void close() {
        large.release();
        small.release();
    }
}
