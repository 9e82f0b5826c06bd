package dev.gossamer.thin.message;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.catalog.ExternalOrigin;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.DeviceIds;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.map.MapPublisher;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.PromiseChecks;
import dev.gossamer.thin.status.Lineage;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;

/**
 * Snapshots of volumes in use, one or several at one instant (D-3, MSG-6, MSG-7), and rollback to them (S-M8). Each is
 * one transaction, done when the future completes, and costs the same whatever the volumes hold. Worker's thread.
 */
public final class SnapshotMessages {
    private final MetadataChange change;
    private final PoolMetadata metadata;
    private final Catalog catalog;
    private final PoolDevices devices;
    private final DeviceIds deviceIds;
    private final MapPublisher maps;
    private final VolumeMessages messages;
    private final WriteBarrier barrier;
    private final PromiseChecks promises;

    public SnapshotMessages(
            MetadataChange change,
            PoolMetadata metadata,
            Catalog catalog,
            PoolDevices devices,
            DeviceIds deviceIds,
            MapPublisher maps,
            VolumeMessages messages,
            WriteBarrier barrier,
            PromiseChecks promises) {
        this.change = change;
        this.metadata = metadata;
        this.catalog = catalog;
        this.devices = devices;
        this.deviceIds = deviceIds;
        this.maps = maps;
        this.messages = messages;
        this.barrier = barrier;
        this.promises = promises;
    }

    /**
     * Takes snapshots of volumes that may be in use, all at one instant. Writes that had not been answered when this
     * began are in them or not; answered ones are. If one cannot be taken, none is.
     */
    public void create(List<SnapshotSpec> specs, CompletableFuture<List<VolumeInfo>> answer) {
        try {
            List<ThinDevice> origins = new ArrayList<>();
            Set<String> names = new HashSet<>();
            change.checkWritable(specs.size());
            for (SnapshotSpec spec : specs) {
                VolumeSpec.checkName(spec.name());
                ThinDevice origin = messages.find(spec.origin());
                messages.checkNameIsFree(spec.name());
                if (!names.add(spec.name())) {
                    throw new StorageException(Errno.EINVAL, "the name '" + spec.name() + "' is given twice");
                }
                if (origins.contains(origin)) {
                    throw new StorageException(Errno.EINVAL, "volume " + spec.origin() + " is given twice");
                }
                VolumeMessages.checkNoBarrier(origin);
                origins.add(origin);
            }
            checkTime(specs.size());
            barrier.whenAtRest(origins, () -> {}, answer, () -> cloneAll(specs, origins));
        } catch (StorageException e) {
            answer.completeExceptionally(e);
        }
    }

    /**
     * Gives a volume that nobody has open the contents and the size of a relative, mostly a snapshot of it, which may
     * be in use. What it held until now becomes a new snapshot of it.
     *
     * @param only the volume that is meant; null: whoever has the name
     * @param keepAs name of that snapshot; null to make one up
     */
    public void rollBack(String name, UUID only, String source, String keepAs, CompletableFuture<VolumeInfo> answer) {
        try {
            change.checkWritable();
            ThinDevice device = messages.find(name, only);
            ThinDevice from = messages.find(source);
            String keptName = keepAs == null ? freeName(name) : keepAs;
            VolumeSpec.checkName(keptName);
            messages.checkNameIsFree(keptName);
            if (!new Lineage(devices, device).includes(from)) {
                throw new StorageException(
                        Errno.EINVAL,
                        source + " is no snapshot of " + name
                                + " or of a relative; 'gossamer snapshot list' shows all");
            }
            if (device.isReadOnly()) {
                throw new StorageException(Errno.EROFS, "volume " + name + " is read-only; roll back a writable one");
            }
            VolumeMessages.checkNoBarrier(device);
            VolumeMessages.checkNoBarrier(from);
            checkTime(1);
            if (!device.closeForDeletion()) {
                throw new StorageException(Errno.EBUSY, VolumeMessages.inUse(device));
            }
            barrier.whenAtRest(List.of(device, from), device::reopen, answer, () -> exchange(device, from, keptName));
        } catch (StorageException e) {
            answer.completeExceptionally(e);
        }
    }

    private List<VolumeInfo> cloneAll(List<SnapshotSpec> specs, List<ThinDevice> origins) throws StorageException {
        // Much can have happened while writes came to rest.
        change.checkWritable(specs.size());
        checkTime(specs.size());
        for (SnapshotSpec spec : specs) {
            messages.checkNameIsFree(spec.name());
        }
        List<Integer> ids = deviceIds.free(specs.size());
        messages.checkCatalogRoom(ids);
        for (ThinDevice origin : origins) {
            change.checkSound(origin);
        }
        promises.checkSharing("cannot snapshot " + names(origins), origins);
        List<ThinDevice> snapshots = new ArrayList<>();
        change.commit(() -> {
            for (int i = 0; i < specs.size(); i++) {
                ThinDevice origin = origins.get(i);
                ThinDevice snapshot = new ThinDevice(ids.get(i), metadata.blockBytes(), origin.sizeBytes(), null);
                metadata.life().createSnapshot(snapshot.id(), origin.id());
                snapshot.recorded(catalog.put(messages.slotFor(
                                snapshot.id(),
                                origin.id(),
                                specs.get(i).readOnly(),
                                origin.sizeBytes(),
                                specs.get(i).name())
                        .withExternalOrigin(externalOrigin(origin))));
                snapshots.add(snapshot);
            }
        });
        List<VolumeInfo> infos = new ArrayList<>();
        for (ThinDevice snapshot : snapshots) {
            infos.add(messages.present(snapshot));
        }
        return infos;
    }

    private VolumeInfo exchange(ThinDevice device, ThinDevice source, String keptName) throws StorageException {
        change.checkWritable(2);
        change.checkSound(device);
        change.checkSound(source);
        messages.checkNameIsFree(keptName);
        checkTime(1);
        ThinDevice kept = new ThinDevice(deviceIds.free(1).getFirst(), metadata.blockBytes(), device.sizeBytes(), null);
        messages.checkCatalogRoom(List.of(kept.id(), device.id()));
        // A thick volume has all of its size promised, and gets the source's.
        long promisedMore = device.promiseOf(device.limits(), source.sizeBytes()) - device.promiseOf(device.limits());
        promises.checkSharing(
                "cannot roll " + device.name() + " back to " + source.name(),
                List.of(device, source),
                Math.max(0, promisedMore));
        CatalogSlot before = messages.slotOf(device);
        CatalogSlot after = before.withSize(source.sizeBytes()).withExternalOrigin(externalOrigin(source));
        after.checkRoom();
        try {
            change.commit(() -> {
                metadata.life().rollBack(device.id(), source.id(), kept.id());
                kept.recorded(catalog.put(messages.slotFor(kept.id(), device.id(), false, device.sizeBytes(), keptName)
                        .withExternalOrigin(externalOrigin(device))));
                // Like any slot in force from the commit on: the size changes with the contents, or not at all.
                device.recorded(catalog.put(after));
            });
        } catch (StorageException e) {
            device.recorded(before);
            throw e;
        }
        device.resized(source.sizeBytes());
        maps.forgetContents(device);
        device.putOver(source.externalOrigin());
        DeviceDetails details = metadata.details(device.id());
        device.countMapped(details.mappedBlocks());
        return messages.present(kept);
    }

    private static ExternalOrigin externalOrigin(ThinDevice device) {
        CatalogSlot slot = device.slot();
        return slot == null ? null : slot.externalOrigin();
    }

    private static String names(List<ThinDevice> devices) {
        return devices.stream().map(ThinDevice::name).collect(Collectors.joining(", "));
    }

    private String freeName(String name) {
        String base = name + "-replaced-";
        int number = 1;
        while (devices.named(base + number) != null) {
            number++;
        }
        return base + number;
    }

    private void checkTime(int snapshots) throws StorageException {
        if (!metadata.life().canSnapshot(snapshots)) {
            throw new StorageException(
                    Errno.ENOSPC, "the pool has seen as many snapshots as its format allows; copy it to a new one");
        }
    }
}
