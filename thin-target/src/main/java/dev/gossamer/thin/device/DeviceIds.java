package dev.gossamer.thin.device;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * Finds ids for new devices: the lowest that no device has, also right after a deletion (MSG-5). Costs the same however
 * many devices there are. Worker's thread.
 */
public final class DeviceIds {
    private final PoolMetadata metadata;
    // Ids that have been seen in use: a bit each, 2 MiB if the pool is as full as its format allows. An id may be in
    // use and
    // not be here: the metadata has the last word.
    private final BitSet inUse = new BitSet();

    public DeviceIds(PoolMetadata metadata) {
        this.metadata = metadata;
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
     * Ids for so many new devices, ascending. They are not set aside: the caller makes the devices before it asks
     * again.
     */
    public List<Integer> lowestFree(int count) throws StorageException {
        List<Integer> free = new ArrayList<>(count);
        for (int id = inUse.nextClearBit(0);
                id < PoolMetadata.MAX_DEVICES && free.size() < count;
                id = inUse.nextClearBit(id + 1)) {
            if (metadata.life().isFreeId(id)) {
                free.add(id);
            } else {
                inUse.set(id);
            }
        }
        if (free.size() < count) {
            throw new StorageException(Errno.ENOSPC, "all device ids are in use; delete a volume first");
        }
        return free;
    }
}
