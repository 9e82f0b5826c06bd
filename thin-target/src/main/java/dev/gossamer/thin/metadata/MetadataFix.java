package dev.gossamer.thin.metadata;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockManager;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.check.DeviceSum;
import dev.gossamer.pdata.check.SpaceMapName;
import dev.gossamer.pdata.spacemap.BitmapLayout;
import dev.gossamer.pdata.spacemap.SpaceMap;
import java.util.ArrayList;
import java.util.List;

/**
 * Sets right what a check has found wrong beside the mappings themselves: counts, hints, the number of a device's
 * mappings (OT-24). One copy-on-write transaction like any other, the superblock last: whatever ends it on the way, the
 * metadata is as it was. Waits for its I/O.
 */
public final class MetadataFix implements AutoCloseable {
    private static final int CACHE_BLOCKS = 1024;
    /** Counts have 32 bits without a sign. */
    private static final long MAX_STEP = 1L << 30;

    private final BlockManager blocks;
    private final LoadedPool pool;
    private long changes;

    /** Opens metadata that nobody serves. */
    public MetadataFix(BlockingIo device) throws StorageException {
        blocks = new BlockManager(device, DeviceSizes.usableMetadataBlocks(device.device()), CACHE_BLOCKS);
        boolean loaded = false;
        try {
            pool = LoadedPool.loadAlone(blocks, device.device().toString());
            pool.dataMap.recount();
            loaded = true;
        } finally {
            if (!loaded) {
                blocks.close();
            }
        }
    }

    /** Sets every wrong count, and every wrong hint. Others of the findings are left alone. */
    public void counts(List<Damage> damage) throws StorageException {
        for (Damage one : damage) {
            switch (one) {
                case Damage.Leak leak -> change(leak.spaceMap(), leak.block(), leak.references() - leak.counted());
                case Damage.CountTooLow low -> change(low.spaceMap(), low.block(), low.references() - low.counted());
                case Damage.WrongHint hint -> touch(hint);
                default -> {
                    // not a matter of counts
                }
            }
        }
    }

    /** The first metadata blocks that have a count; no more than some. */
    public List<Long> metadataBlocks(long count, int limit) throws StorageException {
        List<Long> found = new ArrayList<>();
        for (long block = 1; block < pool.metadataMap.blocks() && found.size() < limit; block++) {
            if (pool.metadataMap.count(block) == count) {
                found.add(block);
            }
        }
        return found;
    }

    /** Sets the number of mappings of devices whose details say another. */
    public void mappedBlocks(List<DeviceSum> devices) throws StorageException {
        for (DeviceSum device : devices) {
            if (device.sound()
                    && device.root() != 0
                    && device.stored() != DeviceSum.NO_DETAILS
                    && device.stored() != device.counted()) {
                DeviceDetails details = pool.devices.existing((int) device.id());
                pool.devices.put((int) device.id(), details.withMappedBlocks(device.counted()));
                changes++;
            }
        }
    }

    /**
     * Sets right what devices' records say beside that: of a transaction that has not been, the pool's; of a device
     * that is in one tree alone, a record as if all of it were shared (OT-34), or none.
     */
    public void records(List<Damage> damage, List<DeviceSum> devices) throws StorageException {
        for (Damage one : damage) {
            if (one instanceof Damage.WrongRecord wrong) {
                DeviceDetails details = pool.devices.existing((int) wrong.deviceId());
                pool.devices.put((int) wrong.deviceId(), details.withTransactionId(transactionId()));
                changes++;
            } else if (one instanceof Damage.BadDevice bad && bad.kind() == Damage.BadDevice.Kind.NO_MAPPINGS) {
                pool.devices.remove((int) bad.deviceId());
                changes++;
            } else if (one instanceof Damage.BadDevice bad && bad.kind() == Damage.BadDevice.Kind.NO_DETAILS) {
                int time = pool.superblock().time();
                long mapped = devices.stream()
                        .filter(device -> device.id() == bad.deviceId())
                        .findAny()
                        .orElseThrow()
                        .counted();
                long before = Math.max(0, transactionId() - 1);
                pool.devices.put((int) bad.deviceId(), new DeviceDetails(mapped, before, time, time));
                changes++;
            }
        }
    }

    private long transactionId() {
        return pool.superblock().transactionId();
    }

    private SpaceMap map(SpaceMapName name) {
        return name == SpaceMapName.DATA ? pool.dataMap : pool.metadataMap;
    }

    private void change(SpaceMapName name, long block, long difference) throws StorageException {
        SpaceMap map = map(name);
        for (long left = difference; left != 0; ) {
            int step = (int) Math.clamp(left, -MAX_STEP, MAX_STEP);
            map.adjust(block, step);
            left -= step;
        }
        changes++;
    }

    /** A bitmap that was changed and changed back is counted, and its index entry is written anew. */
    private void touch(Damage.WrongHint hint) throws StorageException {
        changes++;
        if (hint.bitmap() >= 0) {
            SpaceMap map = map(hint.spaceMap());
            map.increment(hint.bitmap() * BitmapLayout.ENTRIES);
            map.decrement(hint.bitmap() * BitmapLayout.ENTRIES);
        }
    }

    /** Things set right so far. */
    public long changes() {
        return changes;
    }

    /**
     * Makes it the pool's state.
     *
     * @param clearNeedsCheck whether the pool may be changed again by who serves it
     */
    public void commit(boolean clearNeedsCheck) throws StorageException {
        pool.devices.flush();
        pool.transaction.preCommit();
        Superblock next = pool.superblock();
        boolean vouched = !pool.isForeign();
        MetadataBlock superblock = pool.transaction.superblockForUpdate();
        (clearNeedsCheck ? next.withoutNeedsCheck() : next).write(superblock, vouched);
        pool.transaction.commit(superblock);
    }

    @Override
    public void close() {
        blocks.close();
    }
}
