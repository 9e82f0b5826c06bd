package dev.gossamer.thin.offline;

import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockList;
import dev.gossamer.pdata.scan.NodeView;
import dev.gossamer.pdata.scan.TreeKind;
import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * The mappings of one device, one after the other, upwards. Leaves of one parent are read together, by ascending
 * location. The first damage ends it.
 *
 * <p>Memory: a mebibyte.
 */
public final class MappingCursor {
    private static final int MAX_DEPTH = 24;
    private static final int MAX_CHILDREN = 252;

    /** Children of a node that is on the way, and which of them is. */
    private static final class Level {
        final long[] keys;
        final long[] children;
        final long high;
        int index = -1;

        Level(long[] keys, long[] children, long high) {
            this.keys = keys;
            this.children = children;
            this.high = high;
        }

        long low() {
            return keys[index];
        }

        long end() {
            return index + 1 < keys.length ? keys[index + 1] - 1 : high;
        }
    }

    private final BlockFeed feed;
    private final NodeView node = new NodeView();
    private final List<Level> levels = new ArrayList<>();
    private final ByteBuffer block = buffer(1);
    private final ByteBuffer leaves = buffer(MAX_CHILDREN);
    private BlockList inLeaves = new BlockList(new long[0], 0);
    private String[] errors = new String[0];
    private String error;
    private int leafDepth;
    private int entries;
    private int index = -1;

    /** @param root of the device's mapping tree */
    public MappingCursor(BlockFeed feed, long root) throws IOException {
        this.feed = feed;
        leafDepth = heightOf(root);
        push(new long[] {0}, new long[] {root}, -1L);
    }

    private static ByteBuffer buffer(int blocks) {
        return ByteBuffer.allocateDirect(blocks * MetadataBlock.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Goes to the next mapping. False at the end. */
    public boolean next() throws IOException {
        index++;
        while (index >= entries) {
            if (!nextLeaf()) {
                entries = 0;
                return false;
            }
        }
        return true;
    }

    public long virtualBlock() {
        return node.key(index);
    }

    public long dataBlock() {
        return Mapping.dataBlock(node.value(index));
    }

    /** How many mappings of its leaf follow this one, not counting it. */
    public int leftInLeaf() {
        return entries - 1 - index;
    }

    /** Whether this is the first mapping of its leaf, and the other cursor's of the same leaf. */
    public boolean isAtSameLeaf(MappingCursor other) {
        return index == 0 && other.index == 0 && node.location() == other.node.location();
    }

    /** Passes the rest of the leaf; {@link #next} goes behind it. */
    public void passLeaf() {
        index = entries - 1;
    }

    private int heightOf(long root) throws IOException {
        long at = root;
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            read(at);
            if (node.isLeaf()) {
                return depth;
            }
            at = node.value(0);
        }
        throw new MetadataCorrupt("metadata block " + root + " (B-tree node) begins a tree that is too deep");
    }

    private boolean nextLeaf() throws IOException {
        while (!levels.isEmpty()) {
            Level level = levels.getLast();
            level.index++;
            if (level.index >= level.keys.length) {
                levels.removeLast();
            } else if (levels.size() - 1 == leafDepth) {
                loadLeaf(level);
                return true;
            } else {
                descend(level);
            }
        }
        return false;
    }

    private void descend(Level level) throws IOException {
        read(level.children[level.index]);
        if (node.isLeaf()) {
            throw corrupt("is a leaf, where others of its tree are deeper");
        }
        long[] keys = new long[node.entries()];
        long[] children = new long[keys.length];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = node.key(i);
            children[i] = node.value(i);
        }
        checkPlace(level);
        push(keys, children, level.end());
    }

    private void push(long[] keys, long[] children, long high) {
        levels.add(new Level(keys, children, high));
        if (levels.size() - 1 == leafDepth) {
            inLeaves = new BlockList(children, feed.blocks());
            errors = new String[inLeaves.size()];
            feed.feed(inLeaves, new BlockFeed.Visitor() {
                @Override
                public void block(long location, ByteBuffer bytes, int offset) {
                    leaves.put(inLeaves.indexOf(location) * MetadataBlock.BYTES, bytes, offset, MetadataBlock.BYTES);
                }

                @Override
                public void unreadable(long location, String reason) {
                    errors[inLeaves.indexOf(location)] = reason;
                }
            });
        }
    }

    private void loadLeaf(Level level) throws IOException {
        long location = level.children[level.index];
        int slot = inLeaves.indexOf(location);
        if (slot < 0) {
            throw outside(location);
        }
        String fault = errors[slot] != null ? errors[slot] : node.load(leaves, slot * MetadataBlock.BYTES, location);
        if (fault == null) {
            fault = node.isLeaf() ? node.shapeFault(TreeKind.MAPPINGS.leafValueBytes()) : "is no leaf";
        }
        if (fault != null) {
            throw new MetadataCorrupt(fault);
        }
        entries = node.entries();
        index = 0;
        if (entries > 0) {
            checkPlace(level);
        }
    }

    private void read(long location) throws IOException {
        if (location <= 0 || location >= feed.blocks()) {
            throw outside(location);
        }
        feed.feed(location, new BlockFeed.Visitor() {
            @Override
            public void block(long found, ByteBuffer bytes, int offset) {
                block.put(0, bytes, offset, MetadataBlock.BYTES);
                error = null;
            }

            @Override
            public void unreadable(long found, String reason) {
                error = reason;
            }
        });
        String fault = error != null ? error : node.load(block, 0, location);
        if (fault != null) {
            throw new MetadataCorrupt(fault);
        }
    }

    private MetadataCorrupt outside(long location) {
        return new MetadataCorrupt("metadata block " + Long.toUnsignedString(location)
                + " (B-tree node) cannot be: the metadata device has " + feed.blocks());
    }

    /** Without this a damaged tree that leads back to itself would be walked for ever. */
    private void checkPlace(Level level) throws MetadataCorrupt {
        if (Long.compareUnsigned(node.key(0), level.low()) < 0
                || Long.compareUnsigned(node.key(node.entries() - 1), level.end()) > 0) {
            throw corrupt("has keys that belong elsewhere in its tree");
        }
    }

    private MetadataCorrupt corrupt(String what) {
        return new MetadataCorrupt("metadata block " + node.location() + " (B-tree node) " + what);
    }
}
