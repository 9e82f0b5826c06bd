package dev.gossamer.thin.message;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.catalog.ExternalOrigin;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.DeviceIds;
import dev.gossamer.thin.device.ExternalOrigins;
import dev.gossamer.thin.device.OriginImage;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.map.MapPublisher;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.OwnCounter;
import dev.gossamer.thin.space.PromiseChecks;
import dev.gossamer.thin.space.Reclaimer;
import dev.gossamer.thin.space.SpaceQuotas;
import dev.gossamer.thin.space.SpaceWaiters;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The management operations that change metadata (dm-thin's messages). Each ends with a commit before it answers
 * (MSG-2) and is refused once the metadata is frozen (MSG-3). Worker's thread.
 */
public final class VolumeMessages {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeMessages.class);

    private final MetadataChange change;
    private final PoolMetadata metadata;
    private final Catalog catalog;
    private final PoolDevices devices;
    private final DeviceIds deviceIds;
    private final ExternalOrigins origins;
    private final RequestsInFlight inFlight;
    private final MapPublisher maps;
    private final Reclaimer reclaimer;
    private final SpaceQuotas quotas;
    private final PromiseChecks promises;
    private final OwnCounter counter;
    private final SpaceWaiters spaceWaiters;

    public VolumeMessages(
            MetadataChange change,
            PoolMetadata metadata,
            Catalog catalog,
            PoolDevices devices,
            DeviceIds deviceIds,
            ExternalOrigins origins,
            RequestsInFlight inFlight,
            MapPublisher maps,
            Reclaimer reclaimer,
            SpaceQuotas quotas,
            PromiseChecks promises,
            OwnCounter counter,
            SpaceWaiters spaceWaiters) {
        this.change = change;
        this.metadata = metadata;
        this.catalog = catalog;
        this.devices = devices;
        this.deviceIds = deviceIds;
        this.origins = origins;
        this.inFlight = inFlight;
        this.maps = maps;
        this.reclaimer = reclaimer;
        this.quotas = quotas;
        this.promises = promises;
        this.counter = counter;
        this.spaceWaiters = spaceWaiters;
    }

    /**
     * Makes a volume over an external origin, which is open, and is closed if that is refused.
     *
     * @param found what the origin turned out to be
     */
    public VolumeInfo createVolumeOver(VolumeSpec spec, ExternalOrigin found, BlockDevice origin)
            throws StorageException {
        OriginImage image;
        try {
            change.checkWritable();
            checkNameIsFree(spec.name());
            image = origins.add(found, origin);
        } catch (StorageException e) {
            origin.close();
            throw e;
        }
        try {
            return createVolume(spec, image);
        } catch (StorageException e) {
            closeOrigins();
            throw e;
        }
    }

    /**
     * Makes an empty volume.
     *
     * @param origin null: what is not mapped is zero
     */
    public VolumeInfo createVolume(VolumeSpec spec, OriginImage origin) throws StorageException {
        VolumeSpec.checkName(spec.name());
        VolumeSpec.checkSize(spec.sizeBytes());
        change.checkWritable();
        checkNameIsFree(spec.name());
        spec.limits().check();
        int id = deviceIds.free(1).getFirst();
        checkCatalogRoom(List.of(id));
        ThinDevice device = new ThinDevice(id, metadata.blockBytes(), spec.sizeBytes(), null);
        promises.checkPromise(null, spec.name(), device.promiseOf(spec.limits()));
        change.commit(() -> {
            metadata.life().createDevice(id);
            device.recorded(catalog.put(slotFor(id, -1, false, spec.sizeBytes(), spec.name())
                    .withLimits(spec.limits())
                    .withExternalOrigin(origin == null ? null : origin.record())));
        });
        return present(device);
    }

    /**
     * Deletes a volume in one transaction (MSG-8): name and id are free at once. What it alone has mapped is reclaimed
     * in the background, if it is more than a few blocks.
     */
    public void deleteVolume(String name, UUID only) throws StorageException {
        change.checkAllowed();
        ThinDevice device = find(name, only);
        checkNoBarrier(device);
        if (!device.closeForDeletion()) {
            throw new StorageException(Errno.EBUSY, inUse(device));
        }
        int[] retired = {Reclaimer.NONE};
        try {
            change.checkSound(device);
            change.checkDeletable(device);
            change.commit(device, () -> retired[0] = reclaimer.delete(device.id()));
        } catch (StorageException e) {
            device.reopen();
            throw e;
        }
        devices.remove(device);
        maps.forgetContents(device);
        deviceIds.freed(device.id());
        if (retired[0] != Reclaimer.NONE) {
            reclaimer.retired(retired[0]);
        }
        if (device.externalOrigin() != null) {
            closeOrigins();
        }
        CatalogSlot slot = device.slot();
        if (slot != null) {
            try {
                catalog.erase(slot);
            } catch (StorageException e) {
                // The device is gone; a stale slot only matters if another program makes a device of the same id.
                LOG.warn("catalog slot of deleted volume {} not cleared: {}", name, e.getMessage());
            }
        }
    }

    /** Of devices that have none. */
    public VolumeNaming naming() {
        return new VolumeNaming(this, change, catalog, devices, origins, maps);
    }

    public VolumeInfo renameVolume(String name, String newName) throws StorageException {
        VolumeSpec.checkName(newName);
        change.checkWritable();
        ThinDevice device = find(name);
        checkNameIsFree(newName);
        CatalogSlot slot = slotOf(device).withName(newName);
        store(device, slot);
        devices.renamed(device, name);
        return device.info();
    }

    /**
     * Takes a volume off its external origin, of which nothing shows through any more. A loop may have found a block
     * unmapped before its copy was published, and go to the origin for it: that stays until all loops have drained. It
     * is closed once no volume is over it and no request is on its way to it.
     */
    public void detach(ThinDevice device, Runnable detached) throws StorageException {
        change.checkWritable();
        store(device, slotOf(device).withExternalOrigin(null));
        inFlight.drain(() -> {
            device.putOver(null);
            closeOrigins();
            detached.run();
        });
    }

    /** A request may be on its way to one. */
    void closeOrigins() {
        inFlight.drain(() -> origins.closeUnused(devices.all()));
    }

    /** Changes what a volume may take of the pool's space (S-6). A limit below what is mapped stops growth, no more. */
    public VolumeInfo limitVolume(String name, VolumeLimits limits) throws StorageException {
        change.checkWritable();
        ThinDevice device = find(name);
        limits.check();
        checkCatalogRoom(List.of(device.id()));
        promises.checkPromise(device, limits);
        store(device, slotOf(device).withLimits(limits));
        counter.promised(device);
        // Space that was reserved may be free for others now, or a waiting write may be allowed.
        spaceWaiters.spaceReleased();
        return device.info();
    }

    /** Changes what clients may do with a volume in a second; holds for those that wait already. */
    public VolumeInfo rateVolume(String name, IoRates rates) throws StorageException {
        change.checkWritable();
        rates.check();
        ThinDevice device = find(name);
        store(device, slotOf(device).withRates(rates));
        return device.info();
    }

    /** A volume may have such a size, as far as what is promised goes by that. */
    void checkPromise(ThinDevice device, long sizeBytes) throws StorageException {
        promises.checkPromise(device, device.name(), device.promiseOf(device.limits(), sizeBytes));
    }

    /** Blocks of a volume may be unmapped, as far as what is promised to it allows. */
    void checkCut(ThinDevice device, long blocks) throws StorageException {
        if (blocks > 0 && promises.unmappable(device, blocks) < blocks) {
            throw new StorageException(
                    Errno.ENOSPC,
                    "cannot make " + device.name() + " smaller: space is promised to it, and what is cut off does"
                            + " not come free while there is a metadata snapshot, a deletion or a job that empties a"
                            + " part of the pool; try again after that, or lower its reserve");
        }
    }

    /** Writes a device's changed slot. Memory follows when it is durable. */
    void store(ThinDevice device, CatalogSlot slot) throws StorageException {
        slot.checkRoom();
        checkCatalogRoom(List.of(device.id()));
        CatalogSlot[] written = new CatalogSlot[1];
        change.commit(() -> written[0] = catalog.put(slot));
        device.recorded(written[0]);
    }

    VolumeInfo present(ThinDevice device) throws StorageException {
        DeviceDetails details = metadata.details(device.id());
        device.refresh(details, metadata.dataBlocks());
        device.putOver(origins.of(device.slot()));
        devices.add(device);
        return device.info();
    }

    /** EBUSY while writes to the device are held back. */
    static void checkNoBarrier(ThinDevice device) throws StorageException {
        if (device.cells().isBehindBarrier()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "a snapshot of " + device.name()
                            + " is being taken, or a rollback is under way, at this moment; try again");
        }
        if (device.isResizing()) {
            throw new StorageException(
                    Errno.EBUSY, "volume " + device.name() + " is getting another size at this moment; try again");
        }
    }

    static String inUse(ThinDevice device) {
        int comparing = device.baseCount();
        if (device.jobCount() > 0) {
            return "volume " + device.name() + " is in use by a job; 'gossamer job list' shows it, wait or cancel it";
        }
        String how = comparing == 0 ? "" : " (" + comparing + " of them, as the base of a changed-block context)";
        return "volume " + device.name() + " is in use by " + device.openCount() + " connection(s)" + how
                + "; disconnect them first";
    }

    CatalogSlot slotOf(ThinDevice device) throws StorageException {
        CatalogSlot known = device.slot();
        if (known == null && device.isBarred()) {
            change.checkSound(device); // what is not known of it cannot be stored
        }
        return known != null ? known : slotFor(device.id(), -1, false, device.sizeBytes(), device.name());
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
                VolumeLimits.NONE,
                IoRates.NONE);
    }

    /** The slots of devices can be written; in a pool without a free data block, too, if none is needed (MSG-4). */
    void checkCatalogRoom(List<Integer> ids) throws StorageException {
        int needed = catalog.blocksNeeded(ids);
        if (needed > 0 && needed > quotas.spareForPool()) {
            throw new StorageException(
                    Errno.ENOSPC,
                    "the pool has no free data block for its catalog that is not promised to a volume; trim or delete"
                            + " volumes first");
        }
        if (needed > 0) {
            change.begin(() -> catalog.prepare(ids));
        }
    }

    /** As the other, if that is the volume which is meant: names change hands while clients are waited for. */
    ThinDevice find(String name, UUID only) throws StorageException {
        ThinDevice device = find(name);
        if (only != null && !only.equals(device.info().uuid())) {
            throw new StorageException(
                    Errno.ENOENT,
                    "volume '" + name
                            + "' is another one by now; 'gossamer volume list' shows all, nothing was changed");
        }
        return device;
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
        if (devices.isTaken(name)) {
            throw new StorageException(Errno.EEXIST, "a volume '" + name + "' exists already; choose another name");
        }
    }
}
