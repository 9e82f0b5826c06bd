package dev.gossamer.pdata.scan;

/** Metadata blocks to be read, in ascending order. */
public interface WantedBlocks {
    /** The first member that is not below a block; -1 if there is none. */
    long next(long from);

    boolean contains(long block);
}
