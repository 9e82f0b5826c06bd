package dev.gossamer.daemon.cow;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.pool.ThinPool;
import java.util.HashMap;
import java.util.List;
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
    // Names of volumes that are being made, and how often: as many as requests that make some.
    private final Map<String, Integer> claimed = new HashMap<>();
    // What an origin or a snapshot is being entered under; null: nothing. Guarded by the above.
    private String entering;

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
                throw taken(name);
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

    /** Whether a volume holds a snapshot's store, or is about to. */
    public boolean isStore(String volume) {
        return storeVolumes.contains(volume);
    }

    /**
     * Has names for volumes that are being made, until the claim is closed: no origin, snapshot or store gets one of
     * them meanwhile.
     */
    public Claim claim(List<String> names) throws StorageException {
        synchronized (claimed) {
            for (String name : names) {
                if (name.equals(entering)) {
                    throw taken(name);
                }
                requireFree(name);
            }
            names.forEach(name -> claimed.merge(name, 1, Integer::sum));
        }
        return () -> {
            synchronized (claimed) {
                names.forEach(name -> claimed.computeIfPresent(name, (its, count) -> count == 1 ? null : count - 1));
            }
        };
    }

    /** Names that are kept for somebody. */
    @FunctionalInterface
    public interface Claim extends AutoCloseable {
        @Override
        void close();
    }

    /** Enters an origin or a snapshot under this name, if no volume has it or gets it meanwhile. One at a time. */
    void enter(String name, CowSteps.Entry entry) throws StorageException {
        synchronized (claimed) {
            requireUnclaimed(name);
            entering = name;
        }
        try {
            requireUnused(name);
            entry.enter();
        } finally {
            synchronized (claimed) {
                entering = null;
            }
        }
    }

    private void requireUnclaimed(String name) throws StorageException {
        if (claimed.containsKey(name)) {
            throw new StorageException(
                    Errno.EEXIST, "a volume is called " + name + ", or will be in a moment; choose another name");
        }
    }

    private static StorageException taken(String name) {
        return new StorageException(
                Errno.EEXIST, "an origin or snapshot is called " + name + " already; choose another name");
    }

    /** What undoing or a start take away must be ours. */
    void reserveStore(String volume) throws StorageException {
        boolean isFree;
        synchronized (claimed) {
            requireUnclaimed(volume);
            isFree = storeVolumes.add(volume);
        }
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
