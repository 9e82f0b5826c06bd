package dev.gossamer.pdata.scan;

import java.util.Arrays;

/** A few blocks: the children of a node, each once. */
public final class BlockList implements WantedBlocks {
    private static final int NONE = -1;

    private final long[] blocks;
    private final int size;

    /** @param locations in any order, also repeated; those outside {@code [1, limit)} are left out */
    public BlockList(long[] locations, long limit) {
        blocks = Arrays.stream(locations)
                .filter(location -> location > 0 && location < limit)
                .sorted()
                .distinct()
                .toArray();
        size = blocks.length;
    }

    public int size() {
        return size;
    }

    /** Position of a member. */
    public int indexOf(long block) {
        return Arrays.binarySearch(blocks, block);
    }

    @Override
    public long next(long from) {
        int index = indexOf(from);
        int at = index < 0 ? -index - 1 : index;
        return at < size ? blocks[at] : NONE;
    }

    @Override
    public boolean contains(long block) {
        return indexOf(block) >= 0;
    }
}
