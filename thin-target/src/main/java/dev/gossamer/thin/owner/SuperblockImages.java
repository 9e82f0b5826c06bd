package dev.gossamer.thin.owner;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The superblocks that may be on the metadata device if nobody else writes to it: the last one that is known to be
 * there, and those whose writes are under way or have failed, of which nobody knows. Told by the worker, asked by the
 * ownership's loop.
 */
final class SuperblockImages {
    /** Byte for byte what block 0 of the metadata device holds. */
    static final int BYTES = 4096;

    // The first is the last one that is known to be there. The others are few: a write that fails ends the pool's
    // commits.
    private final List<byte[]> possible = new ArrayList<>();

    /** This is there now. */
    synchronized void found(byte[] image) {
        possible.clear();
        possible.add(image);
    }

    /** A write of this begins. */
    synchronized void writing(byte[] image) {
        possible.add(image);
    }

    /** A write has ended; if it failed, what is there may be as before or not. */
    synchronized void written(byte[] image, boolean stable) {
        if (stable) {
            found(image);
        }
    }

    synchronized List<byte[]> possible() {
        return List.copyOf(possible);
    }

    static boolean isAmong(List<byte[]> images, byte[] found) {
        return images.stream().anyMatch(image -> Arrays.equals(image, found));
    }
}
