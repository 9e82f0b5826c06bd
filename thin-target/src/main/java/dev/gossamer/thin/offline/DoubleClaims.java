package dev.gossamer.thin.offline;

import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockSet;
import dev.gossamer.pdata.scan.LongMap;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.OrderedWalk;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.pdata.spacemap.BitmapLayout;
import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;
import java.util.BitSet;
import java.util.List;

/**
 * Counts data blocks that are mapped at two different places (OT-31): what a snapshot shares is at the same place in
 * every device that has it. Such a block is either deduplicated or, in damaged metadata, two volumes' data in one.
 *
 * <p>Memory: three bits for each data block that the metadata device can count, and 32 bytes for each that several
 * leaves claim.
 */
final class DoubleClaims {
    /** Claimed blocks that are looked at; whoever has so many need not know the last of them. */
    private static final int MAX_LOOKED_AT = 1 << 20;

    private static final long NOWHERE = -1;

    private final BlockFeed feed;
    private final long dataBlocks;
    private final List<Long> roots;

    private DoubleClaims(BlockFeed feed, long dataBlocks, List<Long> roots) {
        this.feed = feed;
        this.dataBlocks = Math.min(Math.min(dataBlocks, feed.blocks() * BitmapLayout.ENTRIES), Integer.MAX_VALUE - 1L);
        this.roots = roots;
    }

    /** How many there are below the roots of devices, as far as their trees can be read. */
    static long count(BlockFeed feed, long dataBlocks, List<Long> roots) throws IOException {
        DoubleClaims claims = new DoubleClaims(feed, dataBlocks, roots);
        BitSet several = claims.claimedBySeveral();
        return several.isEmpty() ? 0 : claims.atTwoPlaces(several);
    }

    private BitSet claimedBySeveral() throws IOException {
        BitSet claimed = new BitSet();
        BitSet several = new BitSet();
        walk((virtualBlock, dataBlock) -> {
            if (claimed.get(dataBlock)) {
                several.set(dataBlock);
            }
            claimed.set(dataBlock);
        });
        return several;
    }

    private long atTwoPlaces(BitSet several) throws IOException {
        LongMap places = new LongMap();
        BitSet doubled = new BitSet();
        walk((virtualBlock, dataBlock) -> {
            if (!several.get(dataBlock)) {
                return;
            }
            long place = places.get(dataBlock, NOWHERE);
            if (place == NOWHERE && places.size() < MAX_LOOKED_AT) {
                places.put(dataBlock, virtualBlock);
            } else if (place != NOWHERE && place != virtualBlock) {
                doubled.set(dataBlock);
            }
        });
        return doubled.cardinality();
    }

    private interface Claims {
        void claim(long virtualBlock, int dataBlock);
    }

    /** Every leaf once. */
    private void walk(Claims claims) throws IOException {
        BlockSet seen = new BlockSet(feed.blocks());
        OrderedWalk walk = new OrderedWalk(feed, TreeKind.MAPPINGS);
        for (long root : roots) {
            walk.walk(root, new OrderedWalk.Visitor() {
                @Override
                public boolean wants(long leaf) {
                    return seen.add(leaf);
                }

                @Override
                public void leaf(NodeView leaf, long low, long high) {
                    for (int i = 0; i < leaf.entries(); i++) {
                        long dataBlock = Mapping.dataBlock(leaf.value(i));
                        if (dataBlock < dataBlocks) {
                            claims.claim(leaf.key(i), (int) dataBlock);
                        }
                    }
                }

                @Override
                public void lost(long location, long low, long high, String reason) {}
            });
        }
    }
}
