package dev.gossamer.thin.catalog;

import dev.gossamer.thin.metadata.DeviceDetails;
import java.nio.ByteBuffer;

/**
 * The two halves of a {@link CatalogSlot} as they are on the device, and which of them counts.
 *
 * <p>Halves are written in place, before the commit that makes them true; a power cut in between must leave the other
 * half in force, and for good. So each names the generation of the catalog that it was written for. The catalog's
 * generation is part of its record in the metadata and grows with each transaction that writes a half: a half comes
 * into force with its commit, and one whose commit never came stays behind as an <em>orphan</em>. Orphans are taken
 * away before the generation grows again.
 *
 * @param first at the lower address; null if there is no valid half
 * @param second likewise
 */
record SlotHalves(Half first, Half second) {

    /**
     * A valid half.
     *
     * @param old written before generations were counted: in force once the device's snapshotted time has come
     */
    record Half(CatalogSlot slot, boolean old) {
        boolean isInForce(DeviceDetails details, int generation) {
            return old
                    ? slot.inForceFrom() <= details.snapshottedTime()
                    : Integer.compareUnsigned(slot.inForceFrom(), generation) <= 0;
        }
    }

    /** Decodes the slot at {@code offset}. */
    static SlotHalves decode(ByteBuffer source, int offset, int expectedId) {
        return new SlotHalves(
                CatalogSlot.decode(source, offset, expectedId),
                CatalogSlot.decode(source, offset + CatalogSlot.HALF_BYTES, expectedId));
    }

    /**
     * What counts for a device with these details, in a catalog of this generation; null if neither half speaks of it.
     */
    CatalogSlot inForce(DeviceDetails details, int generation) {
        Half half = halfInForce(details, generation);
        return half != null && half.slot.matches(details) ? half.slot : null;
    }

    /** Whether there is a half that no commit has made true. */
    boolean hasOrphan(DeviceDetails details, int generation) {
        return isOrphan(first, details, generation) || isOrphan(second, details, generation);
    }

    static boolean isOrphan(Half half, DeviceDetails details, int generation) {
        return half != null && !half.isInForce(details, generation);
    }

    /**
     * The sequence of the next half to be written, which goes by its lowest bit: never over the one that is in force.
     *
     * @param committed details of the device as of the last commit; null if there was no such device then
     * @param generation of the last commit
     */
    long nextSequence(DeviceDetails committed, int generation) {
        Half newest = newer(first, second);
        if (newest == null) {
            return 1;
        }
        Half inForce = committed == null ? null : halfInForce(committed, generation);
        long next = newest.slot.sequence() + 1;
        boolean over = inForce != null && (inForce.slot.sequence() & 1) == (next & 1);
        return over ? next + 1 : next;
    }

    private Half halfInForce(DeviceDetails details, int generation) {
        return newer(
                isOrphan(first, details, generation) ? null : first,
                isOrphan(second, details, generation) ? null : second);
    }

    private static Half newer(Half a, Half b) {
        if (a == null || b == null) {
            return a == null ? b : a;
        }
        // Whatever a half says of itself, the one that is written next is newer.
        return a.slot.sequence() - b.slot.sequence() > 0 ? a : b;
    }
}
