package dev.gossamer.daemon.cow;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.pool.ThinPool;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/** Names of volumes, origins, snapshots and stores, none of which may be another's. Any thread. */
public final class CowNames {
    /** Volumes that are stores are called this and the export's name. */
    private static final String STORE_PREFIX = "cow.";

    // Both concurrent.
    private final Map<String, OriginExport> origins;
    private final Set<String> storeVolumes;
    private final ThinPool pool;

    CowNames(Map<String, OriginExport> origins, Set<String> storeVolumes, ThinPool pool) {
        this.origins = origins;
        this.storeVolumes = storeVolumes;
        this.pool = pool;
    }

    static String storeOf(CowName snapshot) {
        return STORE_PREFIX + snapshot;
    }

    /** Refuses a name for a volume that an origin or a snapshot has. */
    public void requireFree(String name) throws StorageException {
        if (storeVolumes.contains(name)) {
            throw new StorageException(Errno.EEXIST, name + " is the store of a snapshot; choose another name");
        }
        for (OriginExport origin : origins.values()) {
            CowConfig.Origin recorded = origin.config();
            boolean taken = recorded.name().equals(name)
                    || recorded.snapshots().stream().anyMatch(each -> CowName.of(recorded.name(), each.name())
                            .equals(name));
            if (taken) {
                throw new StorageException(
                        Errno.EEXIST, "an origin or snapshot is called " + name + " already; choose another name");
            }
        }
    }

    /** Refuses a change to a volume that holds a snapshot's store. */
    public void requireNoStore(String volume) throws StorageException {
        if (storeVolumes.contains(volume)) {
            throw new StorageException(
                    Errno.EBUSY,
                    "volume " + volume + " is the store of a snapshot; it goes with: gossamer cow delete "
                            + volume.substring(STORE_PREFIX.length()));
        }
    }

    /** The same for a change to all volumes. */
    public void requireNoStores() throws StorageException {
        Iterator<String> stores = storeVolumes.iterator();
        if (stores.hasNext()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "volume " + stores.next() + " is the store of a snapshot, as others may be, and must share no"
                            + " blocks; name the volumes that shall");
        }
    }

    /** What undoing or a start take away must be ours. */
    void reserveStore(String volume) throws StorageException {
        boolean isFree = storeVolumes.add(volume);
        if (isFree && pool.volume(volume) != null) {
            storeVolumes.remove(volume);
            isFree = false;
        }
        if (!isFree) {
            throw new StorageException(
                    Errno.EEXIST, "a volume is called " + volume + ", as the store would be; choose another name");
        }
    }

    /** Nothing was made of it. */
    void freeStore(String volume) {
        storeVolumes.remove(volume);
    }

    void requireUnused(String name) throws StorageException {
        requireFree(name);
        if (pool.volume(name) != null) {
            throw new StorageException(Errno.EEXIST, "a volume is called " + name + "; choose another name");
        }
    }
}
