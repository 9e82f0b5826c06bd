package dev.gossamer.pdata.scan;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.block.MetadataBlock;

/** A piece of the device in memory. Filled by one thread, visited by another after it was handed over. */
public final class Region {
    private final IoBuffer buffer;
    private final String[] errors = new String[RegionPlan.MAX_BLOCKS];
    private long first;
    private int count;
    private boolean hasErrors;

    /** @param buffer room for {@link RegionPlan#MAX_BLOCKS} blocks, the caller's */
    public Region(IoBuffer buffer) {
        this.buffer = buffer;
    }

    /** Reads blocks; what the device does not give is tried once more, each alone, and then remembered. */
    public void read(BlockingIo io, long newFirst, int newCount) {
        first = newFirst;
        count = newCount;
        hasErrors = false;
        try {
            io.read(first * MetadataBlock.BYTES, buffer, 0, count * MetadataBlock.BYTES);
        } catch (StorageException e) {
            hasErrors = true;
            for (int i = 0; i < count; i++) {
                errors[i] = readOne(io, i);
            }
        }
    }

    private String readOne(BlockingIo io, int index) {
        long offsetBytes = (first + index) * MetadataBlock.BYTES;
        try {
            io.read(offsetBytes, buffer, index * MetadataBlock.BYTES, MetadataBlock.BYTES);
            return null;
        } catch (StorageException e) {
            return "metadata block " + (first + index) + " cannot be read, at byte " + offsetBytes + ": "
                    + e.getMessage();
        }
    }

    /** Visits those of its blocks that are wanted. */
    public void visit(WantedBlocks wanted, BlockFeed.Visitor visitor) {
        for (int i = 0; i < count; i++) {
            if (wanted.contains(first + i)) {
                visit(i, visitor);
            }
        }
    }

    /** Visits all of its blocks. */
    public void visitAll(BlockFeed.Visitor visitor) {
        for (int i = 0; i < count; i++) {
            visit(i, visitor);
        }
    }

    /** Blocks in it. */
    public int count() {
        return count;
    }

    private void visit(int index, BlockFeed.Visitor visitor) {
        if (hasErrors && errors[index] != null) {
            visitor.unreadable(first + index, errors[index]);
        } else {
            visitor.block(first + index, buffer.bytes(), index * MetadataBlock.BYTES);
        }
    }
}
