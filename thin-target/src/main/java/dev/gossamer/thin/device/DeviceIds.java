package dev.gossamer.thin.device;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Finds ids for new devices: the lowest that no device has, also right after a deletion (MSG-5), or the highest where
 * somebody else takes the lowest (OT-58). Costs the same however many devices there are. Worker's thread.
 */
public final class DeviceIds {
    private final PoolMetadata metadata;
    // Ids that have been seen in use: a bit each, 2 MiB if the pool is as full as its format allows. An id may be in
    // use and
    // not be here: the metadata has the last word.
    private final BitSet inUse = new BitSet();
    private final boolean fromTop;

    /** @param fromTop the highest free ids, below the one that the catalog has or will have */
    public DeviceIds(PoolMetadata metadata, boolean fromTop) {
        this.metadata = metadata;
        this.fromTop = fromTop;
    }

    /** The device was found when the pool was opened. */
    public void found(int id) {
        inUse.set(id);
    }

    /** The device has gone, and a commit has made that durable. */
    public void freed(int id) {
        inUse.clear(id);
    }

    /** The transaction is gone, and with it the devices it made: what is in use is found out again. */
    public void aborted() {
        inUse.clear();
    }

    /**
     * Ids for so many new devices, in the order in which they are taken. They are not set aside: the caller makes the
     * devices before it asks again.
     */
    public List<Integer> free(int count) throws StorageException {
        List<Integer> free = new ArrayList<>(count);
        int id = fromTop ? inUse.previousClearBit(Catalog.PREFERRED_ID - 1) : inUse.nextClearBit(0);
        while (id >= 0 && id < DeviceDetails.MAX_DEVICES && free.size() < count) {
            if (metadata.life().isFreeId(id)) {
                free.add(id);
            } else {
                inUse.set(id);
            }
            id = fromTop ? inUse.previousClearBit(id - 1) : inUse.nextClearBit(id + 1);
        }
        if (free.size() < count) {
            throw new StorageException(Errno.ENOSPC, "all device ids are in use; delete a volume first");
        }
        return free;
    }
}
