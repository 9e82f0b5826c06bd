package dev.gossamer.pdata.block;

import java.util.List;

/**
 * What one transaction has to write: its changed blocks, frozen, in ascending order, and the superblock that makes them
 * the committed state. A value that can be handed off: nothing changes these blocks any more, so they can be written
 * while the next transaction, which shadows them like any other, runs on.
 */
public final class FrozenTransaction {
    /** Nothing to write. */
    public static final FrozenTransaction EMPTY = new FrozenTransaction(List.of(), null);

    private final List<MetadataBlock> blocks;
    private final MetadataBlock superblock;

    FrozenTransaction(List<MetadataBlock> ascending, MetadataBlock superblock) {
        this.blocks = List.copyOf(ascending);
        this.superblock = superblock;
    }

    public boolean isEmpty() {
        return blocks.isEmpty() && superblock == null;
    }

    /** Number of blocks, the superblock not counted. */
    public int size() {
        return blocks.size();
    }

    List<MetadataBlock> blocks() {
        return blocks;
    }

    /** Null: the blocks are written and flushed, but nothing comes to refer to them. */
    MetadataBlock superblock() {
        return superblock;
    }
}
