package dev.gossamer.thin;

import java.time.Instant;

/**
 * Something that the owner of a pool should know.
 *
 * @param number counts from 1 since the pool was opened: who knows the last one knows how many he has missed
 * @param text one line
 */
public record PoolEvent(long number, Instant at, Kind kind, String text) {
    /** What it is about. */
    public enum Kind {
        /** Another mode, with its cause (rule M-6). */
        MODE,
        /** Free data blocks are down to the low-water mark, or to a half, a quarter, ... of it (W-1). */
        DATA_LOW,
        /** Likewise metadata blocks (W-2). */
        METADATA_LOW,
        /** Writes have waited for space in vain (S-2). */
        NO_SPACE_TIMEOUT,
        /** A device has got larger (RS-1, S-7). */
        GROWN,
        /** A volume's metadata is damaged: what would need or change it fails, other volumes are served. */
        DAMAGED,
        /** Parts of volumes could not be read, and were given up, as somebody has asked for. */
        RANGES_LOST
    }
}
