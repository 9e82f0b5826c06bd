package dev.gossamer.pdata.tx;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;

/** What the owner of a kind of block does when such a block gets a second parent's worth of children. */
@FunctionalInterface
public interface ChildReferences {
    /** For blocks that refer to nothing that is counted. */
    ChildReferences NONE = copy -> {};

    /**
     * Adds one reference to everything that the block refers to. Called when a shared block was copied: its children
     * now have one more parent.
     */
    void increment(MetadataBlock copy) throws StorageException;
}
