package dev.gossamer.thin.offline;

import dev.gossamer.thin.metadata.Mapping;
import java.io.IOException;

/** Passes on what it is told unless that cannot be a pool (OT-38): the one place that says so. */
public final class PoolRules extends PassingSink {
    private static final long MAX_DEVICE_ID = (1 << 24) - 1;

    private Pool pool;

    private PoolRules(PoolSink sink) {
        super(sink);
    }

    /** What tells a sink a pool that can be one; its methods throw {@link BadPool} else. */
    public static PoolSink before(PoolSink sink) {
        return new PoolRules(new AscendingPool(sink));
    }

    @Override
    public void beginPool(Pool newPool) throws IOException {
        pool = newPool;
        if (Long.compareUnsigned(newPool.version(), PoolSuperblock.VERSION) > 0) {
            throw new BadPool("version " + Long.toUnsignedString(newPool.version()) + ": this program writes version "
                    + PoolSuperblock.VERSION + "; use a newer one");
        }
        if (newPool.dataBlockSectors() > Integer.MAX_VALUE
                || !MetadataSource.isBlockSize((int) newPool.dataBlockSectors())) {
            throw new BadPool("data blocks of " + Long.toUnsignedString(newPool.dataBlockSectors())
                    + " sectors: use a multiple of 128 up to 2097152");
        }
        if (newPool.dataBlocks() < 0 || newPool.dataBlocks() > Mapping.DATA_BLOCK_LIMIT) {
            throw new BadPool(Long.toUnsignedString(newPool.dataBlocks()) + " data blocks: there can be 2^40");
        }
        if (newPool.time() < 0 || newPool.time() >= Mapping.TIME_LIMIT) {
            throw new BadPool("time " + Long.toUnsignedString(newPool.time()) + ": it must be below 2^24");
        }
        sink.beginPool(newPool);
    }

    @Override
    public void beginDevice(Device device) throws IOException {
        long id = device.id();
        if (id < 0 || id > MAX_DEVICE_ID) {
            throw new BadPool("device " + Long.toUnsignedString(id) + ": ids go up to " + MAX_DEVICE_ID);
        }
        if (isNoTime(device.creationTime()) || isNoTime(device.snapshottedTime())) {
            throw new BadPool("device " + id + " has a time that does not fit into 32 bits");
        }
        sink.beginDevice(device);
    }

    private static boolean isNoTime(long time) {
        return time < 0 || time > 0xffff_ffffL;
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        if (length <= 0 || virtualBlock < 0 || virtualBlock > Long.MAX_VALUE - length) {
            throw new BadPool("a run of " + Long.toUnsignedString(length) + " blocks at block "
                    + Long.toUnsignedString(virtualBlock) + " does not fit");
        }
        if (dataBlock < 0 || length > pool.dataBlocks() || dataBlock > pool.dataBlocks() - length) {
            throw new BadPool("data block " + Long.toUnsignedString(dataBlock) + (length == 1 ? "" : " and following")
                    + ": the pool has " + pool.dataBlocks());
        }
        if (time < 0 || time >= Mapping.TIME_LIMIT) {
            throw new BadPool("time " + Long.toUnsignedString(time) + " of a mapping: it must be below 2^24");
        }
        sink.mapping(virtualBlock, dataBlock, length, time);
    }
}
