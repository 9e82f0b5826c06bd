package dev.gossamer.pdata.block;

import java.util.List;

/**
 * The changed blocks of one transaction, frozen, in ascending order. A value that can be handed off: nothing changes
 * these blocks any more, so they can be written while the next transaction, which shadows them like any other, runs on.
 */
public final class DirtySet {
    private final List<MetadataBlock> blocks;

    DirtySet(List<MetadataBlock> ascending) {
        blocks = List.copyOf(ascending);
    }

    public boolean isEmpty() {
        return blocks.isEmpty();
    }

    public int size() {
        return blocks.size();
    }

    List<MetadataBlock> blocks() {
        return blocks;
    }
}
