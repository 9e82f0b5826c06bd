package dev.gossamer.thin.offline;

import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.BlockProof;
import dev.gossamer.pdata.scan.BlockSet;
import dev.gossamer.pdata.scan.NodeView;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Tries every block of a device as what it could be, whatever refers to it: nodes, and copies of a superblock. Reads
 * the whole device once.
 *
 * <p>Memory: a byte and a bit for each block.
 */
final class NodeCensus {
    /** Roots of one kind that are looked at. The newest may be anywhere, and none costs more than a few reads. */
    private static final int MAX_ROOTS = 1 << 20;

    private static final int MAX_DEPTH = 24;
    private static final byte INTERNAL = 1;
    /** A leaf of words that cannot all be blocks of this device: mappings. */
    private static final byte MAPPINGS = 2;
    /** A leaf of words that could all be blocks of this device: devices, or mappings. */
    private static final byte DEVICES = 3;

    private static final byte DETAILS = 4;
    private static final byte OTHER = 5;
    private static final int WORD_BYTES = 8;
    private static final int DETAILS_BYTES = 24;

    private final BlockFeed feed;
    private final byte[] kinds;
    private final BlockSet referenced;
    private final List<PoolSuperblock> superblocks = new ArrayList<>();
    private final NodeView node = new NodeView();
    private final BlockProof proof = new BlockProof();

    NodeCensus(BlockFeed feed) {
        this.feed = feed;
        kinds = new byte[(int) feed.blocks()];
        referenced = new BlockSet(feed.blocks());
        BlockSet all = new BlockSet(feed.blocks());
        for (long block = 0; block < feed.blocks(); block++) {
            all.add(block);
        }
        feed.feed(all, new BlockFeed.Visitor() {
            @Override
            public void block(long location, ByteBuffer bytes, int offset) {
                look(location, bytes, offset);
            }

            @Override
            public void unreadable(long location, String reason) {}
        });
    }

    private void look(long location, ByteBuffer bytes, int offset) {
        if (proof.fault(bytes, offset, location, BlockValidator.SUPERBLOCK) == null) {
            PoolSuperblock found = PoolSuperblock.read(bytes, offset);
            if (bytes.getLong(offset + PoolSuperblock.MAGIC) == PoolSuperblock.MAGIC_VALUE
                    && MetadataSource.isBlockSize(found.dataBlockSectors())) {
                superblocks.add(found);
            }
            return;
        }
        if (location == 0 || node.load(bytes, offset, location) != null) {
            return;
        }
        if (!node.isLeaf()) {
            kinds[(int) location] = INTERNAL;
            for (int i = 0; i < node.entries(); i++) {
                referenced.add(node.value(i));
            }
        } else if (node.shapeFault(WORD_BYTES) == null) {
            kinds[(int) location] = isListOfBlocks() ? DEVICES : MAPPINGS;
        } else {
            kinds[(int) location] = node.shapeFault(DETAILS_BYTES) == null ? DETAILS : OTHER;
        }
    }

    private boolean isListOfBlocks() {
        for (int i = 0; i < node.entries(); i++) {
            if (node.value(i) <= 0 || node.value(i) >= feed.blocks()) {
                return false;
            }
        }
        return true;
    }

    /** Whether a block is a sound node. */
    boolean isNode(long location) {
        return location > 0 && location < kinds.length && kinds[(int) location] != 0;
    }

    /** Whether a block is a sound leaf of mappings. */
    boolean isMappings(long location) {
        return isNode(location) && kinds[(int) location] == MAPPINGS;
    }

    /** Intact superblocks, of the pool or of its metadata snapshots. */
    List<PoolSuperblock> superblocks() {
        return superblocks;
    }

    /** Nodes that no other node refers to, and that could be the root of a tree of devices. */
    List<Long> deviceRoots() {
        return roots(DEVICES);
    }

    /** Likewise of device details. */
    List<Long> detailsRoots() {
        return roots(DETAILS);
    }

    private List<Long> roots(byte leafKind) {
        List<Long> roots = new ArrayList<>();
        for (int location = 1; location < kinds.length && roots.size() < MAX_ROOTS; location++) {
            boolean possible = kinds[location] == leafKind || kinds[location] == INTERNAL;
            if (possible && !referenced.contains(location) && leafKind(location) == leafKind) {
                roots.add((long) location);
            }
        }
        return roots;
    }

    /** What the first leaf below a node is; 0: there is no way to it. */
    private byte leafKind(long root) {
        long[] location = {root};
        for (int depth = 0; depth < MAX_DEPTH; depth++) {
            if (!isNode(location[0])) {
                return 0;
            }
            byte kind = kinds[(int) location[0]];
            if (kind != INTERNAL) {
                return kind;
            }
            feed.feed(location[0], new BlockFeed.Visitor() {
                @Override
                public void block(long block, ByteBuffer bytes, int offset) {
                    location[0] = node.look(bytes, offset, block) == null ? node.value(0) : 0;
                }

                @Override
                public void unreadable(long block, String reason) {
                    location[0] = 0;
                }
            });
        }
        return 0;
    }
}
