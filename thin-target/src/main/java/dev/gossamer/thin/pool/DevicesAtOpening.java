package dev.gossamer.thin.pool;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.catalog.CatalogScan;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.device.DeviceIds;
import dev.gossamer.thin.device.ExternalOrigins;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.Reclaimer;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens all devices that a pool has, while it is being opened. Worker's thread. */
final class DevicesAtOpening {
    private static final Logger LOG = LoggerFactory.getLogger(DevicesAtOpening.class);

    private final PoolMetadata metadata;
    private final ExternalOrigins origins;
    private final PoolDevices devices;
    private final DeviceIds deviceIds;
    private final Reclaimer reclaimer;
    private final PoolFaults faults;
    private final SlotClaims claims = new SlotClaims();

    DevicesAtOpening(PoolMetadata metadata, PoolParts parts, ExternalOrigins origins) {
        this.metadata = metadata;
        this.origins = origins;
        devices = parts.devices;
        deviceIds = parts.deviceIds;
        reclaimer = parts.reclaimer;
        faults = parts.faults;
    }

    /**
     * A device that is no catalog and was not deleted.
     *
     * @param slot what the catalog says of it; null: nothing that is known
     * @param damage why neither its record nor its slot can be told; null: they can
     */
    private record Found(int id, DeviceDetails details, CatalogSlot slot, MetadataCorrupt damage) {}

    /** Makes them known, whatever is wrong with them; those that were deleted go to be reclaimed. */
    void find(Catalog catalog) throws StorageException {
        List<Found> all = new ArrayList<>();
        try (CatalogScan slots = catalog.scan()) {
            for (int id : metadata.deviceIds()) {
                deviceIds.found(id);
                Found found = id == catalog.deviceId() ? null : look(id, slots);
                if (found != null) {
                    all.add(found);
                    claims.add(id, found.slot);
                }
            }
        }
        claims.disputed().forEach(devices::dispute);
        List<ThinDevice> invented = new ArrayList<>();
        for (Found found : all) {
            ThinDevice device = opened(found);
            if (claims.isNamed(found.id)) {
                devices.add(device);
            } else {
                invented.add(device);
            }
        }
        // No name that is made up for a device is another's.
        invented.forEach(devices::add);
    }

    private Found look(int id, CatalogScan slots) throws StorageException {
        DeviceDetails details = null;
        try {
            details = metadata.details(id);
            if (details.isRetired()) {
                reclaimer.found(id, details);
                return null;
            }
            return new Found(id, details, slots.get(id, details), null);
        } catch (MetadataCorrupt e) {
            return new Found(id, details, null, e);
        }
    }

    /** What is wrong with a device fails its requests, and not the pool. */
    private ThinDevice opened(Found found) throws StorageException {
        if (found.damage != null) {
            return barred(new ThinDevice(found.id, metadata.blockBytes(), 0, null), found.damage);
        }
        try {
            ThinDevice device = load(found);
            String why = claims.damageOf(found.id);
            why = why == null ? metadata.damageOf(found.id) : why;
            return why == null ? device : barred(device, new MetadataCorrupt(why));
        } catch (MetadataCorrupt e) {
            return barred(new ThinDevice(found.id, metadata.blockBytes(), 0, null), e);
        }
    }

    private ThinDevice barred(ThinDevice device, MetadataCorrupt why) {
        device.bar();
        faults.failed(device, why);
        return device;
    }

    private ThinDevice load(Found found) throws StorageException {
        CatalogSlot slot = found.slot;
        long sizeBytes = slot != null && VolumeSpec.isPossibleSize(slot.sizeBytes())
                ? slot.sizeBytes()
                : (metadata.highestMappedBlock(found.id) + 1) * metadata.blockBytes();
        if (slot != null && claims.damageOf(found.id) != null) {
            // As it is known until somebody names it anew, which stores the slot, with what can be left of it.
            slot = slot.withName("thin-" + found.id)
                    .withLimits(VolumeLimits.NONE)
                    .withRates(IoRates.NONE)
                    .withSize(sizeBytes);
            slot = SlotClaims.isOriginPossible(slot) ? slot : slot.withExternalOrigin(null);
        } else if (slot != null) {
            slot = withPossibleReserve(slot);
        }
        ThinDevice device = new ThinDevice(found.id, metadata.blockBytes(), sizeBytes, slot);
        device.refresh(found.details, metadata.dataBlocks());
        device.putOver(origins.of(slot));
        return device;
    }

    /** What the pool does not have, as after it was made smaller, nobody can hold back from others. */
    private CatalogSlot withPossibleReserve(CatalogSlot slot) {
        VolumeLimits limits = slot.limits();
        long promised = limits.thick() ? slot.sizeBytes() : limits.reserveBytes();
        if (promised / metadata.blockBytes() <= metadata.dataBlocks()) {
            return slot;
        }
        LOG.warn(
                "volume {} has more reserved than the pool has, so nothing is held back for it; 'gossamer volume set"
                        + " --reserve' changes that",
                slot.name());
        return slot.withLimits(limits.withoutPromise());
    }
}
