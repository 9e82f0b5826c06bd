package dev.gossamer.thin.offline;

import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.pdata.scan.BlockSet;
import dev.gossamer.pdata.scan.DeviceTrees;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.OrderedWalk;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.pdata.spacemap.BitmapLayout;
import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which data blocks a pool uses: what a mapping refers to, and what has a count all the same (OT-41, OT-42). The first
 * damage ends it.
 *
 * <p>Memory: a bit for each data block, twice.
 */
public final class DataBlockUse {
    private static final int HEADER_BYTES = 16;

    private final BlockFeed feed;
    private final long dataBlocks;
    private final BitSet mapped = new BitSet();
    private final BitSet counted = new BitSet();

    private DataBlockUse(BlockFeed feed, long dataBlocks) {
        this.feed = feed;
        this.dataBlocks = dataBlocks;
    }

    /**
     * Finds out.
     *
     * @param roots of all mapping trees, a metadata snapshot's too
     */
    public static DataBlockUse of(BlockFeed feed, PoolSuperblock pool, List<Long> roots) throws IOException {
        long dataBlocks = pool.dataMap().blocks();
        long countable = Math.min(feed.blocks() * BitmapLayout.ENTRIES, Integer.MAX_VALUE - 1L);
        if (dataBlocks < 0 || dataBlocks > countable) {
            throw new MetadataCorrupt("a pool of " + Long.toUnsignedString(dataBlocks)
                    + " data blocks: the metadata device can count " + countable);
        }
        DataBlockUse use = new DataBlockUse(feed, dataBlocks);
        use.walk(roots);
        use.readBitmaps(pool.dataMap().bitmapRoot());
        return use;
    }

    private void walk(List<Long> roots) throws IOException {
        BlockSet seen = new BlockSet(feed.blocks());
        OrderedWalk walk = new OrderedWalk(feed, TreeKind.MAPPINGS);
        for (long root : roots) {
            walk.walk(root, new OrderedWalk.Visitor() {
                @Override
                public boolean wants(long leaf) {
                    return seen.add(leaf);
                }

                @Override
                public void leaf(NodeView leaf, long low, long high) throws IOException {
                    for (int i = 0; i < leaf.entries(); i++) {
                        long block = Mapping.dataBlock(leaf.value(i));
                        if (block >= dataBlocks) {
                            throw new MetadataCorrupt("metadata block " + leaf.location() + " maps data block " + block
                                    + " of " + dataBlocks);
                        }
                        mapped.set((int) block);
                    }
                }

                @Override
                public void lost(long location, long low, long high, String reason) throws IOException {
                    throw new MetadataCorrupt(reason);
                }
            });
        }
    }

    private void readBitmaps(long root) throws IOException {
        BlockSet wanted = new BlockSet(feed.blocks());
        Map<Long, Long> numbers = new HashMap<>();
        DeviceTrees.forEach(
                feed,
                TreeKind.DATA_BITMAPS,
                root,
                (number, leaf, i) -> {
                    wanted.add(leaf.value(i));
                    numbers.put(leaf.value(i), number);
                },
                (location, low, high, reason) -> {
                    throw new MetadataCorrupt(reason);
                });
        BlockProof proof = new BlockProof();
        String[] fault = new String[1];
        int[] read = {0};
        feed.feed(wanted, new BlockFeed.Visitor() {
            @Override
            public void block(long location, ByteBuffer bytes, int offset) {
                String wrong = proof.fault(bytes, offset, location, BlockValidator.BITMAP);
                fault[0] = fault[0] == null ? wrong : fault[0];
                if (wrong == null) {
                    readBitmap(numbers.get(location), bytes, offset + HEADER_BYTES);
                    read[0]++;
                }
            }

            @Override
            public void unreadable(long location, String reason) {
                fault[0] = reason;
            }
        });
        if (fault[0] != null || read[0] < Math.ceilDiv(dataBlocks, BitmapLayout.ENTRIES)) {
            throw new MetadataCorrupt(fault[0] == null ? "data bitmaps are missing" : fault[0]);
        }
    }

    private void readBitmap(long number, ByteBuffer bytes, int offset) {
        long first = number * BitmapLayout.ENTRIES;
        for (int i = 0; i < BitmapLayout.ENTRIES && first + i < dataBlocks; i++) {
            if (((bytes.get(offset + i / 4) >>> (2 * (i % 4))) & 3) != 0) {
                counted.set((int) (first + i));
            }
        }
    }

    public long dataBlocks() {
        return dataBlocks;
    }

    /** Blocks that something refers to. */
    public long mappedBlocks() {
        return mapped.cardinality();
    }

    /** The first block from here on that is neither mapped nor counted; {@link #dataBlocks} if there is none. */
    public long nextFree(long from) {
        int at = (int) from;
        while (at < dataBlocks && (mapped.get(at) || counted.get(at))) {
            at = Math.max(mapped.nextClearBit(at), counted.nextClearBit(at));
        }
        return Math.min(at, dataBlocks);
    }

    /** Where the free run ends that begins here. */
    public long endOfFree(long from) {
        int nextMapped = mapped.nextSetBit((int) from);
        int nextCounted = counted.nextSetBit((int) from);
        long end = nextMapped < 0 ? dataBlocks : nextMapped;
        return Math.min(end, nextCounted < 0 ? dataBlocks : nextCounted);
    }

    /** The first block from here on that something refers to; {@link #dataBlocks} if there is none. */
    public long nextMapped(long from) {
        int next = mapped.nextSetBit((int) from);
        return next < 0 ? dataBlocks : next;
    }

    /** Where the run ends that begins here and is referred to. */
    public long endOfMapped(long from) {
        return Math.min(mapped.nextClearBit((int) from), dataBlocks);
    }
}
