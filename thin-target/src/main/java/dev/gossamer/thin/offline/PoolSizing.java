package dev.gossamer.thin.offline;

/**
 * Says how many metadata blocks a pool needs, without writing anything. Never less than is needed: what devices share
 * is counted as if leaves next to it had to be copied.
 */
public final class PoolSizing implements PoolSink {
    private static final long BITMAP_ENTRIES = 16320;
    private static final long LEAF_ENTRIES = 126;
    private static final long CHILDREN = 126;
    private static final long SMALL_TREES = 16;

    private final java.util.Map<Long, long[]> runs = new java.util.HashMap<>();
    private Pool pool;
    private long[] run;
    private long loose;
    private long leaves;
    private long devices;

    @Override
    public void beginPool(Pool newPool) {
        pool = newPool;
    }

    @Override
    public void beginShared(long name) {
        run = new long[1];
        runs.put(name, run);
    }

    @Override
    public void endShared() {
        leaves += Math.ceilDiv(run[0], LEAF_ENTRIES);
        run = null;
    }

    @Override
    public void beginDevice(Device device) {
        devices++;
        loose = 0;
    }

    @Override
    public void endDevice() {
        leaves += Math.ceilDiv(loose, LEAF_ENTRIES) + 1;
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) {
        if (run != null) {
            run[0] += length;
        } else {
            loose += length;
        }
    }

    @Override
    public void shared(long name) {
        long entries = runs.get(name)[0];
        // At either end a leaf may have to be copied.
        loose += Math.min(entries, 4 * LEAF_ENTRIES);
        leaves += Math.ceilDiv(entries, LEAF_ENTRIES) / CHILDREN + 1;
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
        long sum = nodes + 2 * devices / 42 + dataBitmaps + dataBitmaps / 56 + SMALL_TREES;
        return sum + Math.ceilDiv(sum, BITMAP_ENTRIES) + 1;
    }
}
