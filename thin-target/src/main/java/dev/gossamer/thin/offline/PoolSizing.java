package dev.gossamer.thin.offline;

/**
 * Says how many metadata blocks a pool needs, and refuses what cannot be a pool, without writing anything. Never less
 * than is needed: what devices share is counted as if leaves next to it had to be copied.
 */
public final class PoolSizing implements PoolSink {
    private static final long BITMAP_ENTRIES = 16320;
    private static final long LEAF_ENTRIES = 126;
    private static final long CHILDREN = 126;
    private static final long SMALL_TREES = 16;

    private final java.util.Map<Long, long[]> runs = new java.util.HashMap<>();
    private final java.util.Set<Long> devices = new java.util.HashSet<>();
    private Pool pool;
    private long[] run;
    private long loose;
    private long leaves;
    private boolean any;
    private long last;

    @Override
    public void beginPool(Pool newPool) {
        pool = newPool;
    }

    @Override
    public void beginShared(long name) {
        run = new long[] {0, 0, 0};
        runs.put(name, run);
        any = false;
    }

    @Override
    public void endShared() {
        run[2] = last;
        leaves += Math.ceilDiv(run[0], LEAF_ENTRIES);
        run = null;
    }

    @Override
    public void beginDevice(Device device) throws BadPool {
        if (!devices.add(device.id())) {
            throw new BadPool("device " + device.id() + " is there twice");
        }
        loose = 0;
        any = false;
    }

    @Override
    public void endDevice() {
        leaves += Math.ceilDiv(loose, LEAF_ENTRIES) + 1;
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws BadPool {
        if (length <= 0 || dataBlock < 0 || length > pool.dataBlocks() || dataBlock > pool.dataBlocks() - length) {
            throw new BadPool("data block " + Long.toUnsignedString(dataBlock) + ": the pool has " + pool.dataBlocks());
        }
        if (any && virtualBlock <= last) {
            throw new BadPool("block " + virtualBlock + " comes after block " + last + ": blocks must ascend");
        }
        if (run != null) {
            run[1] = any ? run[1] : virtualBlock;
            run[0] += length;
        } else {
            loose += length;
        }
        any = true;
        last = virtualBlock + length - 1;
    }

    @Override
    public void shared(long name) throws BadPool {
        long[] found = runs.get(name);
        if (found == null) {
            throw new BadPool("ref to def " + name + ", which is not there");
        }
        if (found[0] > 0 && any && found[1] <= last) {
            throw new BadPool("def " + name + " comes after block " + last + ": blocks must ascend");
        }
        any = found[0] > 0 || any;
        last = found[2];
        // At either end a leaf may have to be copied.
        loose += Math.min(found[0], 4 * LEAF_ENTRIES);
        leaves += Math.ceilDiv(found[0], LEAF_ENTRIES) / CHILDREN + 1;
    }

    @Override
    public void endPool() {}

    /** Metadata blocks, block 0 included. */
    public long blocks() {
        return blocks(pool.dataBlocks());
    }

    /** Likewise, for so many data blocks. */
    long blocks(long dataBlocks) {
        long nodes = leaves;
        for (long level = leaves; level > 1; level = Math.ceilDiv(level, CHILDREN)) {
            nodes += Math.ceilDiv(level, CHILDREN);
        }
        long dataBitmaps = Math.ceilDiv(dataBlocks, BITMAP_ENTRIES);
        long sum = nodes + 2L * devices.size() / 42 + dataBitmaps + dataBitmaps / 56 + SMALL_TREES;
        return sum + Math.ceilDiv(sum, BITMAP_ENTRIES) + 1;
    }
}
