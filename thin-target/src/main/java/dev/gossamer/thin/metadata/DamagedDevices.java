package dev.gossamer.thin.metadata;

import dev.gossamer.pdata.MetadataCorrupt;

/**
 * Told of devices whose mappings cannot be read to the end, by who goes through those of all devices: each is its own
 * matter, and the others are gone through all the same (D-8). What such a device has of a data block is not found, so
 * that the block's count says that not all its owners are known.
 */
public interface DamagedDevices {
    /** Perhaps again for one that is known. */
    void met(int deviceId, MetadataCorrupt damage);
}
