package dev.gossamer.thin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The management operations that change metadata (dm-thin's messages). Each ends with a commit before it answers
 * (MSG-2) and is refused once the metadata is frozen (MSG-3). Worker's thread.
 */
final class PoolMessages {
    private static final Logger LOG = LoggerFactory.getLogger(PoolMessages.class);

    /** A message can need a block for the catalog's own slot and one for the volume's. */
    private static final int CATALOG_NEEDS_BLOCKS = 2;

    private final PoolWorker worker;
    private final PoolMetadata metadata;
    private final Catalog catalog;
    private final PoolDevices devices;

    PoolMessages(PoolWorker worker, Catalog catalog, PoolDevices devices) {
        this.worker = worker;
        this.metadata = worker.metadata();
        this.catalog = catalog;
        this.devices = devices;
    }

    VolumeInfo createVolume(VolumeSpec spec) throws StorageException {
        VolumeSpec.checkName(spec.name());
        VolumeSpec.checkSize(spec.sizeBytes());
        checkWritable();
        checkNameIsFree(spec.name());
        int id = lowestFreeId();
        ThinDevice device = new ThinDevice(id, metadata.blockBytes(), spec.sizeBytes(), null);
        inTransaction(() -> {
            metadata.createDevice(id);
            device.slot = catalog.put(slotFor(id, -1, false, spec.sizeBytes(), spec.name()));
        });
        return present(device);
    }

    /**
     * Takes a snapshot of a volume that may be in use (MSG-6). Writes that had not been answered when this began are in
     * the snapshot or not; answered ones are.
     *
     * <ol>
     *   <li>Raise the barrier: the worker holds writes and trims back, and loops see every block as shared, so all writes
     *       come to the worker.
     *   <li>Wait for blocks in preparation, then for the loops' writes in flight: the contents are at rest.
     *   <li>Clone the mapping root and commit; the commit flushes the data of all these writes first.
     *   <li>Lift the barrier. What was held back breaks sharing as needed.
     * </ol>
     */
    void createSnapshot(String originName, String name, boolean readOnly, CompletableFuture<VolumeInfo> answer) {
        try {
            VolumeSpec.checkName(name);
            checkWritable();
            ThinDevice origin = find(originName);
            checkNameIsFree(name);
            if (!metadata.canSnapshot()) {
                throw new StorageException(
                        Errno.ENOSPC, "the pool has seen as many snapshots as its format allows; copy it to a new one");
            }
            if (origin.barrier) {
                throw new StorageException(
                        Errno.EBUSY, "a snapshot of " + originName + " is being taken at this moment; try again");
            }
            origin.barrier = true;
            origin.snapshottedTime = Integer.MAX_VALUE;
            worker.whenIdle(
                    origin,
                    () -> worker.drain(() -> {
                        try {
                            answer.complete(cloneAtRest(origin, name, readOnly));
                        } catch (StorageException e) {
                            answer.completeExceptionally(e);
                        }
                        liftBarrier(origin);
                    }));
        } catch (StorageException e) {
            answer.completeExceptionally(e);
        }
    }

    void deleteVolume(String name) throws StorageException {
        checkNotFrozen();
        ThinDevice device = find(name);
        if (device.barrier) {
            throw new StorageException(Errno.EBUSY, "a snapshot of " + name + " is being taken; try again");
        }
        if (!device.closeForDeletion()) {
            throw new StorageException(Errno.EBUSY, inUse(device));
        }
        try {
            inTransaction(() -> metadata.deleteDevice(device.id));
        } catch (StorageException e) {
            device.reopen();
            throw e;
        }
        devices.remove(device);
        CatalogSlot slot = device.slot;
        if (slot != null) {
            try {
                catalog.erase(slot);
            } catch (StorageException e) {
                // The device is gone; a stale slot only matters if another program makes a device of the same id.
                LOG.warn("catalog slot of deleted volume {} not cleared: {}", name, e.getMessage());
            }
        }
    }

    VolumeInfo renameVolume(String name, String newName) throws StorageException {
        VolumeSpec.checkName(newName);
        checkWritable();
        ThinDevice device = find(name);
        checkNameIsFree(newName);
        CatalogSlot slot = slotOf(device).withName(newName);
        inTransaction(() -> device.slot = catalog.put(slot));
        devices.renamed(device, name);
        return device.info();
    }

    VolumeInfo resizeVolume(String name, long sizeBytes, boolean force) throws StorageException {
        VolumeSpec.checkSize(sizeBytes);
        checkWritable();
        ThinDevice device = find(name);
        if (sizeBytes < device.sizeBytes && device.openCount() > 0 && !force) {
            throw new StorageException(
                    Errno.EBUSY,
                    "volume " + name + " is in use by " + device.openCount()
                            + " connection(s); disconnect them before shrinking it, or use --force");
        }
        CatalogSlot slot = slotOf(device).withSize(sizeBytes);
        inTransaction(() -> device.slot = catalog.put(slot));
        device.sizeBytes = sizeBytes;
        device.extents.reset(device.blocks());
        return device.info();
    }

    private VolumeInfo cloneAtRest(ThinDevice origin, String name, boolean readOnly) throws StorageException {
        checkWritable();
        checkNameIsFree(name);
        int id = lowestFreeId();
        ThinDevice snapshot = new ThinDevice(id, metadata.blockBytes(), origin.sizeBytes, null);
        inTransaction(() -> {
            metadata.createSnapshot(id, origin.id);
            snapshot.slot = catalog.put(slotFor(id, origin.id, readOnly, origin.sizeBytes, name));
        });
        return present(snapshot);
    }

    private void liftBarrier(ThinDevice origin) {
        DeviceDetails details = metadata.detailsIfReadable(origin.id);
        if (details != null) {
            origin.snapshottedTime = details.snapshottedTime();
        }
        origin.barrier = false;
        worker.readmit(origin.held);
    }

    private VolumeInfo present(ThinDevice device) throws StorageException {
        DeviceDetails details = metadata.details(device.id);
        device.mappedBlocks = details.mappedBlocks();
        device.snapshottedTime = details.snapshottedTime();
        devices.add(device);
        return device.info();
    }

    /** A step of a message that changes metadata. */
    private interface Change {
        void apply() throws StorageException;
    }

    /** Applies and commits; a failure aborts the transaction, for it may be half done (E-1). */
    private void inTransaction(Change change) throws StorageException {
        try {
            change.apply();
        } catch (StorageException e) {
            worker.abort(e);
            throw e;
        }
        worker.committer().commitNow();
    }

    private static String inUse(ThinDevice device) {
        int comparing = device.baseCount();
        String how = comparing == 0 ? "" : " (" + comparing + " of them, as the base of a changed-block context)";
        return "volume " + device.name() + " is in use by " + device.openCount() + " connection(s)" + how
                + "; disconnect them first";
    }

    private CatalogSlot slotOf(ThinDevice device) throws StorageException {
        CatalogSlot known = device.slot;
        return known != null ? known : slotFor(device.id, -1, false, device.sizeBytes, device.name());
    }

    private CatalogSlot slotFor(int id, int originId, boolean readOnly, long sizeBytes, String name)
            throws StorageException {
        DeviceDetails details = metadata.details(id);
        return new CatalogSlot(
                0,
                readOnly,
                false,
                false,
                id,
                originId,
                details.transactionId(),
                details.creationTime(),
                sizeBytes,
                System.currentTimeMillis(),
                UUID.randomUUID(),
                name);
    }

    private void checkWritable() throws StorageException {
        checkNotFrozen();
        // A message must not fail half way for want of space: that would cost the whole transaction.
        if (metadata.isNearlyFull()) {
            throw new StorageException(
                    Errno.ENOSPC, "the metadata device is nearly full; delete volumes or snapshots, or enlarge it");
        }
        if (metadata.dataBlocksFree() < CATALOG_NEEDS_BLOCKS) {
            throw new StorageException(
                    Errno.ENOSPC, "the pool has no free data block for its catalog; trim or delete volumes first");
        }
    }

    private void checkNotFrozen() throws StorageException {
        if (worker.state().isFrozen()) {
            throw new StorageException(
                    Errno.EROFS,
                    "the pool is " + worker.mode().word() + ": "
                            + worker.state().cause());
        }
    }

    private ThinDevice find(String name) throws StorageException {
        ThinDevice device = devices.named(name);
        if (device == null) {
            throw new StorageException(
                    Errno.ENOENT, "there is no volume '" + name + "'; 'gossamer volume list' shows all");
        }
        return device;
    }

    private void checkNameIsFree(String name) throws StorageException {
        if (devices.named(name) != null) {
            throw new StorageException(Errno.EEXIST, "a volume '" + name + "' exists already; choose another name");
        }
    }

    private int lowestFreeId() throws StorageException {
        Set<Integer> used = new HashSet<>(metadata.deviceIds());
        int id = 0;
        while (used.contains(id)) {
            id++;
        }
        if (id >= PoolMetadata.MAX_DEVICES) {
            throw new StorageException(Errno.ENOSPC, "all device ids are in use; delete a volume first");
        }
        return id;
    }
}
