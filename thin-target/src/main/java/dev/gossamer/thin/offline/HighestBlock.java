package dev.gossamer.thin.offline;

import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.NodeView;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Where a device's mappings end: the way down the right edge of its tree. */
public final class HighestBlock {
    private static final int MAX_DEPTH = 24;

    private HighestBlock() {}

    /** The last virtual block that is mapped; -1 if none is. */
    public static long of(BlockFeed feed, long root) throws IOException {
        NodeView node = new NodeView();
        long[] at = {root, -1};
        String[] fault = new String[1];
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            if (at[0] <= 0 || at[0] >= feed.blocks()) {
                throw new MetadataCorrupt("metadata block " + Long.toUnsignedString(at[0])
                        + " (B-tree node) cannot be: the metadata device has " + feed.blocks());
            }
            feed.feed(at[0], new BlockFeed.Visitor() {
                @Override
                public void block(long location, ByteBuffer bytes, int offset) {
                    fault[0] = node.load(bytes, offset, location);
                    int last = fault[0] == null ? node.entries() - 1 : -1;
                    at[0] = last < 0 || node.isLeaf() ? 0 : node.value(last);
                    at[1] = last < 0 || !node.isLeaf() ? -1 : node.key(last);
                }

                @Override
                public void unreadable(long location, String reason) {
                    fault[0] = reason;
                }
            });
            if (fault[0] != null) {
                throw new MetadataCorrupt(fault[0]);
            }
            if (at[0] == 0) {
                return at[1];
            }
        }
        throw new MetadataCorrupt("metadata block " + root + " (B-tree node) begins a tree that is too deep");
    }
}
