package dev.gossamer.io.lvm;

import java.util.List;

/** A stretch of a logical volume, in extents of its group. What it is made of is not looked for before it is used. */
sealed interface Segment {
    /** Extents of the volume that it is. */
    long extents();

    /** Where a stripe begins: a physical volume, or a logical one, and an extent of it. */
    record Stripe(String name, long extent) {}

    /** One stripe, or several in turn, {@code stripeSectors} of each at a time. */
    record Striped(long extents, long stripeSectors, List<Stripe> stripes) implements Segment {
        public Striped {
            stripes = List.copyOf(stripes);
        }
    }

    /** An image of a mirror: the volume that has its bytes, and the one that tells whether they are good. */
    record Image(String meta, String data) {}

    /** The same bytes on each image, of which some may not be up to date. */
    record Raid1(long extents, List<Image> images) implements Segment {
        public Raid1 {
            images = List.copyOf(images);
        }
    }

    /**
     * A thin pool.
     *
     * @param metadata logical volume with the pool's metadata
     * @param data logical volume with its data
     * @param queued whether LVM has written down changes that the pool has not been told yet
     */
    record ThinPool(long extents, String metadata, String data, long transactionId, long chunkSectors, boolean queued)
            implements Segment {}

    /**
     * A volume in a thin pool.
     *
     * @param deviceId its id there
     * @param origin volume that it is a snapshot of; empty if none, or it has gone
     * @param externalOrigin volume that shows where nothing is written; empty if there is none
     */
    record Thin(long extents, String pool, long deviceId, String origin, String externalOrigin) implements Segment {}

    /** A type that this program does not put together. */
    record Unsupported(long extents, String type) implements Segment {}
}
