package dev.gossamer.thin;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.catalog.VolumeLimits;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The management operations that change metadata (dm-thin's messages). Each ends with a commit before it answers
 * (MSG-2) and is refused once the metadata is frozen (MSG-3). Worker's thread.
 */
final class PoolMessages {
    private static final Logger LOG = LoggerFactory.getLogger(PoolMessages.class);

    private final PoolWorker worker;
    private final PoolFaults faults;
    private final PoolMetadata metadata;
    private final Catalog catalog;
    private final PoolDevices devices;
    private final ExternalOrigins origins;

    PoolMessages(PoolWorker worker, Catalog catalog, PoolDevices devices, ExternalOrigins origins) {
        this.worker = worker;
        this.faults = worker.faults();
        this.metadata = worker.metadata();
        this.catalog = catalog;
        this.devices = devices;
        this.origins = origins;
    }

    /**
     * Makes a volume over an external origin, which is open, and is closed if that is refused.
     *
     * @param location what the origin was opened as
     */
    VolumeInfo createVolumeOver(VolumeSpec spec, String location, BlockDevice origin) throws StorageException {
        OriginImage image;
        try {
            checkWritable();
            checkNameIsFree(spec.name());
            image = origins.add(location, origin);
        } catch (StorageException e) {
            origin.close();
            throw e;
        }
        try {
            return createVolume(spec, image);
        } catch (StorageException e) {
            origins.closeUnused(devices.all());
            throw e;
        }
    }

    /** @param origin null: what is not mapped is zero */
    VolumeInfo createVolume(VolumeSpec spec, OriginImage origin) throws StorageException {
        VolumeSpec.checkName(spec.name());
        VolumeSpec.checkSize(spec.sizeBytes());
        checkWritable();
        checkNameIsFree(spec.name());
        checkLimits(null, spec.limits());
        int id = worker.deviceIds().lowestFree(1).getFirst();
        checkCatalogRoom(List.of(id));
        ThinDevice device = new ThinDevice(id, metadata.blockBytes(), spec.sizeBytes(), null);
        inTransaction(() -> {
            metadata.createDevice(id);
            device.slot = catalog.put(slotFor(id, -1, false, spec.sizeBytes(), spec.name())
                    .withLimits(spec.limits())
                    .withExternalOrigin(origin == null ? null : origin.record()));
        });
        return present(device);
    }

    /**
     * Deletes a volume in one transaction (MSG-8): name and id are free at once. What it alone has mapped is reclaimed
     * in the background, if it is more than a few blocks.
     */
    void deleteVolume(String name) throws StorageException {
        checkNotFrozen();
        ThinDevice device = find(name);
        if (device.barrier) {
            throw SnapshotMessages.busy(device);
        }
        if (!device.closeForDeletion()) {
            throw new StorageException(Errno.EBUSY, inUse(device));
        }
        int[] retired = {Reclaimer.NONE};
        try {
            inTransaction(() -> retired[0] = worker.reclaimer().delete(device.id));
        } catch (StorageException e) {
            device.reopen();
            throw e;
        }
        devices.remove(device);
        worker.maps().forget(device);
        worker.deviceIds().freed(device.id);
        worker.partialTrims().forget(device);
        if (retired[0] != Reclaimer.NONE) {
            worker.reclaimer().retired(retired[0]);
        }
        if (device.origin != null) {
            origins.closeUnused(devices.all());
        }
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
        store(device, slot);
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
        store(device, slot);
        device.sizeBytes = sizeBytes;
        worker.partialTrims().forget(device);
        worker.maps().forget(device);
        return device.info();
    }

    /** Changes what a volume may take of the pool's space (S-6). A limit below what is mapped stops growth, no more. */
    VolumeInfo limitVolume(String name, VolumeLimits limits) throws StorageException {
        checkWritable();
        ThinDevice device = find(name);
        checkLimits(device, limits);
        store(device, slotOf(device).withLimits(limits));
        devices.limitsChanged(device);
        // Space that was reserved may be free for others now, or a waiting write may be allowed.
        worker.spaceWaiters().spaceReleased();
        return device.info();
    }

    private void checkLimits(ThinDevice device, VolumeLimits limits) throws StorageException {
        limits.check();
        SpaceQuotas quotas = worker.quotas();
        long wanted = device == null
                ? Math.ceilDiv(limits.reserveBytes(), metadata.blockBytes())
                : quotas.reservedBy(device, limits);
        long free = metadata.dataBlocksFree() - quotas.reservedExcept(device);
        if (wanted > 0 && wanted > free) {
            throw new StorageException(
                    Errno.ENOSPC,
                    "cannot reserve " + wanted * metadata.blockBytes() + " bytes more: "
                            + Math.max(0, free) * metadata.blockBytes() + " are free and not reserved; grow the pool");
        }
    }

    /** Writes a device's changed slot. Memory follows when it is durable. */
    private void store(ThinDevice device, CatalogSlot slot) throws StorageException {
        checkCatalogRoom(List.of(device.id));
        CatalogSlot[] written = new CatalogSlot[1];
        inTransaction(() -> written[0] = catalog.put(slot));
        device.slot = written[0];
    }

    VolumeInfo present(ThinDevice device) throws StorageException {
        DeviceDetails details = metadata.details(device.id);
        device.mappedBlocks = details.mappedBlocks();
        device.snapshottedTime = details.snapshottedTime();
        device.origin = origins.of(device.slot);
        devices.add(device);
        return device.info();
    }

    /** A step of a message that changes metadata. */
    interface Change {
        void apply() throws StorageException;
    }

    /** Applies and commits; a failure aborts the transaction, for it may be half done (E-1). */
    void inTransaction(Change change) throws StorageException {
        try {
            change.apply();
        } catch (StorageException e) {
            faults.abort(e);
            throw e;
        }
        worker.committer().commitNow();
    }

    static String inUse(ThinDevice device) {
        int comparing = device.baseCount();
        String how = comparing == 0 ? "" : " (" + comparing + " of them, as the base of a changed-block context)";
        return "volume " + device.name() + " is in use by " + device.openCount() + " connection(s)" + how
                + "; disconnect them first";
    }

    CatalogSlot slotOf(ThinDevice device) throws StorageException {
        CatalogSlot known = device.slot;
        return known != null ? known : slotFor(device.id, -1, false, device.sizeBytes, device.name());
    }

    CatalogSlot slotFor(int id, int originId, boolean readOnly, long sizeBytes, String name) throws StorageException {
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
                name,
                0,
                null,
                VolumeLimits.NONE);
    }

    void checkWritable() throws StorageException {
        checkNotFrozen();
        if (metadata.isNearlyFull() && metadata.isChanged()) {
            // What the open transaction has used up comes back with its commit (S-3).
            worker.committer().commitNow();
            checkNotFrozen();
        }
        // A message must not fail half way for want of space: that would cost the whole transaction.
        if (metadata.isNearlyFull()) {
            throw new StorageException(
                    Errno.ENOSPC, "the metadata device is nearly full; delete volumes or snapshots, or enlarge it");
        }
    }

    /** The slots of devices can be written; in a pool without a free data block, too, if none is needed (MSG-4). */
    void checkCatalogRoom(List<Integer> ids) throws StorageException {
        int needed = catalog.blocksNeeded(ids);
        if (needed > metadata.dataBlocksFree()) {
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

    ThinDevice find(String name) throws StorageException {
        ThinDevice device = devices.named(name);
        if (device == null) {
            throw new StorageException(
                    Errno.ENOENT, "there is no volume '" + name + "'; 'gossamer volume list' shows all");
        }
        return device;
    }

    void checkNameIsFree(String name) throws StorageException {
        if (devices.named(name) != null) {
            throw new StorageException(Errno.EEXIST, "a volume '" + name + "' exists already; choose another name");
        }
    }
}
