package dev.gossamer.daemon.cow;

import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.StorageIdentity;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.snapshot.SnapshotSet;
import dev.gossamer.snapshot.StoreGrowth;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.pool.ThinPool;
import dev.gossamer.thin.pool.ThinVolume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where origins and stores come from: devices named by path or URI, opened so that nobody else has them, and volumes of
 * the pool. Blocks; not on a loop.
 *
 * @param opener opens what is recorded
 * @param worker the loop of all sets' workers, one of those that the pool takes requests from
 * @param ioLoops the loops that clients' requests come from
 * @param threads for what may wait
 */
record CowDevices(
        NamedDevices opener,
        OpenOptions options,
        ThinPool pool,
        IoLoop worker,
        List<IoLoop> ioLoops,
        CowThreads threads) {
    private static final Logger LOG = LoggerFactory.getLogger(CowDevices.class);

    /** What a store in the pool begins with; it takes no space before it is written, and doubles when it gets full. */
    private static final long FIRST_STORE_BYTES = 16L << 20;

    /** And at least so many chunks, if those are large. */
    private static final int FIRST_STORE_CHUNKS = 8;

    /**
     * Opens the device of an origin.
     *
     * @param as for whom
     * @param known what it was, if snapshots of it will be loaded; null otherwise
     */
    SnapshotSet openOrigin(NamedDevices as, CowConfig.Origin origin, StorageIdentity known) throws StorageException {
        BlockDevice device = as.open(origin.device(), options);
        boolean done = false;
        try {
            SnapshotSet set = SnapshotSet.over(device, known, worker, ioLoops);
            done = true;
            return set;
        } catch (StorageException e) {
            throw new StorageException(
                    e.errno(),
                    origin.name() + ": " + e.getMessage() + "; bring the right one back, or if this is the same data,"
                            + " take the line 'identity' of " + origin.name() + " from cow.yaml",
                    e);
        } finally {
            if (!done) {
                device.close();
            }
        }
    }

    BlockDevice openStore(RecordedSnapshot snapshot) throws StorageException {
        if (!snapshot.inPool()) {
            return opener.open(snapshot.store(), options);
        }
        if (pool.mode().isFinal()) {
            // A copy that finds no block there would cost the snapshot.
            throw new StorageException(
                    Errno.EROFS,
                    "its store lies in the pool, which takes no changes ("
                            + pool.mode().word() + "); 'gossamer status' says why");
        }
        ThinVolume volume = pool.openVolume(snapshot.store());
        if (volume == null) {
            throw new StorageException(
                    Errno.ENODEV, "volume " + snapshot.store() + " of this pool, which is its store, is gone");
        }
        // Who waits in the pool holds up whoever deletes, closes or leaves, for as long as the pool says: perhaps for
        // ever. A snapshot's writes wait for a store that is full by rules of their own.
        volume.neverWaitForSpace();
        return volume;
    }

    /** Makes and opens one in the pool. */
    BlockDevice makeStore(RecordedSnapshot snapshot, long chunkBytes) throws StorageException {
        long sizeBytes = Math.max(FIRST_STORE_BYTES, FIRST_STORE_CHUNKS * chunkBytes);
        ThinPool.join(pool.createVolume(new VolumeSpec(snapshot.store(), sizeBytes)));
        return openStore(snapshot);
    }

    /**
     * Wipes a store outside the pool, if it is there and still this snapshot's, so that it can be used again; a crash
     * may have come before. What is away stays as it is, and is found out by its id.
     */
    void eraseStore(RecordedSnapshot snapshot) {
        if (snapshot.inPool() || snapshot.id() == null) {
            return;
        }
        try {
            SnapshotSet.join(SnapshotSet.erase(openedAsBefore(snapshot), snapshot.name(), snapshot.id(), worker));
        } catch (StorageException e) {
            LOG.warn("store={} of snapshot={} is left as it is: {}", snapshot.store(), snapshot.name(), e.getMessage());
        }
    }

    private BlockDevice openedAsBefore(RecordedSnapshot snapshot) throws StorageException {
        BlockDevice store = openStore(snapshot);
        boolean done = false;
        try {
            StorageIdentity found = StorageIdentity.of(store);
            if (!snapshot.identity().isEmpty()
                    && !StorageIdentity.parse(snapshot.identity()).admits(found)) {
                throw new StorageException(Errno.EINVAL, "it is another device (" + found + ")");
            }
            done = true;
            return store;
        } finally {
            if (!done) {
                store.close();
            }
        }
    }

    void deleteStoreVolume(String name) throws StorageException {
        ThinPool.join(pool.deleteVolume(name));
    }

    /** Doubles a store that is a volume (rule S-V5): it is asked for growth only when seven eighths are in use. */
    StoreGrowth growthOf(String volume) {
        return new VolumeGrowth(pool, volume);
    }

    /**
     * Whether two names lead to one device; links are looked through. What cannot be looked at is for opening to
     * refuse.
     */
    static boolean isSame(String one, String other) {
        if (one.equals(other)) {
            return true;
        }
        try {
            return !DeviceOpener.isUri(one)
                    && !DeviceOpener.isUri(other)
                    && Files.isSameFile(Path.of(one), Path.of(other));
        } catch (IOException e) {
            return false;
        }
    }
}
