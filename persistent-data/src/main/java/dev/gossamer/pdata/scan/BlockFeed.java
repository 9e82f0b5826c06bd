package dev.gossamer.pdata.scan;

import java.nio.ByteBuffer;

/**
 * A metadata device that is read in bulk. {@link RegionReader} is one on the caller's thread; a program may bring one
 * that reads on a thread of its own. Visits happen on the caller's thread always.
 */
public interface BlockFeed {

    /** What is done with a block. */
    interface Visitor {
        /**
         * A wanted block.
         *
         * @param bytes little-endian, lent during the call
         * @param offset where in them the block begins
         */
        void block(long location, ByteBuffer bytes, int offset);

        /** A wanted block that the device does not give, after a second try. */
        void unreadable(long location, String reason);
    }

    /** Whole blocks of the device. */
    long blocks();

    /** Visits all members, by ascending location. */
    void feed(WantedBlocks wanted, Visitor visitor);

    /** Visits one block; nothing at or beyond {@link #blocks} is asked for. */
    void feed(long location, Visitor visitor);
}
