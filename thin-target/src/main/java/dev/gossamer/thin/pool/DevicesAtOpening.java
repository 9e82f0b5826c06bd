package dev.gossamer.thin.pool;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.catalog.CatalogScan;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.device.ExternalOrigins;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.PoolMetadata;

/** Opens all devices that a pool has, while it is being opened. Worker's thread. */
final class DevicesAtOpening {
    private final PoolMetadata metadata;
    private final PoolParts parts;
    private final ExternalOrigins origins;

    DevicesAtOpening(PoolMetadata metadata, PoolParts parts, ExternalOrigins origins) {
        this.metadata = metadata;
        this.parts = parts;
        this.origins = origins;
    }

    /** Makes them known, whatever is wrong with them; those that were deleted go to be reclaimed. */
    void find(Catalog catalog) throws StorageException {
        try (CatalogScan slots = catalog.scan()) {
            for (int id : metadata.deviceIds()) {
                parts.deviceIds.found(id);
                if (id != catalog.deviceId()) {
                    found(id, slots);
                }
            }
        }
    }

    /** A device of the pool that is to be opened. What is wrong with it fails its requests, and not the pool. */
    private void found(int id, CatalogScan slots) throws StorageException {
        ThinDevice device;
        try {
            DeviceDetails details = metadata.details(id);
            if (details.isRetired()) {
                parts.reclaimer.found(id, details);
                return;
            }
            device = load(id, details, slots.get(id, details));
            if (metadata.damageOf(id) != null) {
                device.bar();
                parts.faults.failed(device, new MetadataCorrupt(metadata.damageOf(id)));
            }
        } catch (MetadataCorrupt e) {
            device = new ThinDevice(id, metadata.blockBytes(), 0, null);
            device.bar();
            parts.faults.failed(device, e);
        }
        parts.devices.add(device);
    }

    private ThinDevice load(int id, DeviceDetails details, CatalogSlot slot) throws StorageException {
        if (slot != null && !VolumeSpec.isPossibleSize(slot.sizeBytes())) {
            throw new MetadataCorrupt(
                    "the catalog says that thin device " + id + " has " + slot.sizeBytes() + " bytes");
        }
        long sizeBytes =
                slot != null ? slot.sizeBytes() : (metadata.highestMappedBlock(id) + 1) * metadata.blockBytes();
        ThinDevice device = new ThinDevice(id, metadata.blockBytes(), sizeBytes, slot);
        device.refresh(details, metadata.dataBlocks());
        device.putOver(origins.of(slot));
        return device;
    }
}
