package dev.gossamer.thin.map;

import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.device.HeldRange;
import dev.gossamer.thin.device.PartialTrims;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.extent.Region;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * Writes what loops read: the extent maps of all devices. Nothing published is ever changed; every change publishes a
 * new region (rule EM-1). Worker's thread.
 */
public final class MapPublisher {
    private final PoolMetadata metadata;
    private final PartialTrims partialTrims;
    private final RegionCache regionCache;
    private final Region.Builder regionBuilder = new Region.Builder();

    /** @param cacheWords longs that the extent maps of all devices together may take */
    public MapPublisher(PoolMetadata metadata, PartialTrims partialTrims, long cacheWords, PoolCounters counters) {
        this.metadata = metadata;
        this.partialTrims = partialTrims;
        this.regionCache = new RegionCache(cacheWords, counters.extentMapBytes);
    }

    /** Reads a region of a device from the mapping tree and publishes it, blocks that a cell locks as locked. */
    void load(ThinDevice device, long regionNumber) throws StorageException {
        long first = regionNumber * Region.BLOCKS;
        regionBuilder.clear(); // of what the last load may have left that met damage half way
        BTreeCursor cursor = metadata.cursor(device.id(), first).upTo(first + Region.BLOCKS);
        while (cursor.next()) {
            long packed = cursor.value(0);
            int kind = partialTrims.contains(device, cursor.key()) ? Region.TRIMMED : Region.MAPPED;
            regionBuilder.add((int) (cursor.key() - first), kind, Mapping.dataBlock(packed), Mapping.time(packed));
        }
        long[] region = device.cells().shownIn(regionNumber, regionBuilder.build());
        boolean isNew = device.extents().region(regionNumber) == null;
        put(device, regionNumber, region);
        if (isNew) {
            regionCache.loaded(device.extents(), regionNumber);
        }
    }

    /** Publishes one block's extent, if its region is loaded. */
    public void publish(ThinDevice device, long block, int kind, int time, long dataBlock) {
        long number = ExtentMap.regionOf(block);
        long[] region = device.extents().region(number);
        if (region != null) {
            int inRegion = ExtentMap.blockInRegion(block);
            put(device, number, Region.with(region, inRegion, 1, kind, time, dataBlock));
        }
    }

    /**
     * A block has been mapped, to a data block with contents of its own: publishes that, and forgets what TRIMs have
     * covered of what was there before.
     */
    public void mapped(ThinDevice device, long block, int time, long dataBlock) {
        partialTrims.forget(device, block, block + 1);
        publish(device, block, Region.MAPPED, time, dataBlock);
    }

    /** Publishes a mapped block as another kind, if its region is loaded. */
    public void publishKind(ThinDevice device, long block, int kind) {
        long[] region = device.extents().region(ExtentMap.regionOf(block));
        int inRegion = ExtentMap.blockInRegion(block);
        int index = region == null ? -1 : Region.find(region, inRegion);
        if (index >= 0 && Region.kind(region, index) != kind) {
            long dataBlock = Region.dataBlock(region, index, inRegion);
            publish(device, block, kind, Region.time(region, index), dataBlock);
        }
    }

    /**
     * Publishes the blocks from {@code from} up to {@code to}, exclusive, as unmapped, where their regions are loaded.
     */
    public void withdraw(ThinDevice device, long from, long to) {
        long first = ExtentMap.regionOf(from);
        long last = ExtentMap.regionOf(to - 1);
        for (long number = first; number <= last; number++) {
            long[] region = device.extents().region(number);
            if (region != null) {
                long base = number * Region.BLOCKS;
                int start = (int) Math.max(0, from - base);
                int end = (int) Math.min(Region.BLOCKS, to - base);
                put(device, number, Region.without(region, start, end - start));
            }
        }
    }

    /** Publishes what is mapped of a range that a job holds as such, where its regions are loaded. */
    public void hold(HeldRange range) {
        for (long number = ExtentMap.regionOf(range.from); number <= ExtentMap.regionOf(range.to - 1); number++) {
            long[] region = range.device.extents().region(number);
            if (region != null) {
                put(range.device, number, range.shownIn(number, region));
            }
        }
    }

    /**
     * Publishes blocks {@code [from, to)} anew, as the mapping tree has them, where their regions are loaded. A region
     * that cannot be read is withdrawn: who wants it next meets what is wrong.
     */
    public void reload(ThinDevice device, long from, long to) {
        for (long number = ExtentMap.regionOf(from); number <= ExtentMap.regionOf(to - 1); number++) {
            if (device.extents().region(number) != null) {
                try {
                    load(device, number);
                } catch (StorageException | OutOfMemoryError e) {
                    put(device, number, null);
                }
            }
        }
    }

    /** Withdraws a region: loops ask the worker for it. */
    public void forget(ThinDevice device, long block) {
        put(device, ExtentMap.regionOf(block), null);
    }

    /** Withdraws all regions of a device, whose size may have changed. */
    public void forget(ThinDevice device) {
        long before = device.extents().words();
        device.extents().reset(device.blocks());
        regionCache.changed(device.extents().words() - before);
    }

    /**
     * The device is gone, or has got other contents or another size: withdraws its regions, forgets what TRIMs have
     * covered.
     */
    public void forgetContents(ThinDevice device) {
        partialTrims.forget(device);
        forget(device);
    }

    private void put(ThinDevice device, long regionNumber, long[] region) {
        long before = device.extents().words();
        device.extents().publish(regionNumber, region);
        regionCache.changed(device.extents().words() - before);
    }
}
