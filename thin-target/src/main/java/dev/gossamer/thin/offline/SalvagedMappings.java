package dev.gossamer.thin.offline;

import java.io.IOException;
import java.util.Iterator;
import java.util.Map;
import java.util.NavigableMap;

/** Passes on devices, with salvaged mappings in their places. Not for what devices share: each has its own. */
final class SalvagedMappings extends PassingSink {
    /** A salvaged leaf. */
    @SuppressWarnings("ArrayRecordComponent") // compared by nobody
    record Leaf(long location, long time, long[] keys, long[] values) {
        long last() {
            return keys[keys.length - 1];
        }
    }

    private final Map<Long, ? extends NavigableMap<Long, Leaf>> salvaged;
    private final RunMerger runs;
    private Iterator<Leaf> leaves;
    private Leaf leaf;
    private int at;

    SalvagedMappings(PoolSink sink, Map<Long, ? extends NavigableMap<Long, Leaf>> salvaged) {
        super(sink);
        this.salvaged = salvaged;
        runs = new RunMerger(sink);
    }

    @Override
    public void beginDevice(Device device) throws IOException {
        NavigableMap<Long, Leaf> own = salvaged.get(device.id());
        leaves = own == null ? null : own.values().iterator();
        nextLeaf();
        sink.beginDevice(device);
    }

    private void nextLeaf() {
        leaf = leaves != null && leaves.hasNext() ? leaves.next() : null;
        at = 0;
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        tellUpTo(virtualBlock);
        sink.mapping(virtualBlock, dataBlock, length, time);
    }

    /** Tells what comes before a block. */
    private void tellUpTo(long virtualBlock) throws IOException {
        while (leaf != null && Long.compareUnsigned(leaf.keys[at], virtualBlock) < 0) {
            tellOne();
        }
        runs.flush();
    }

    private void tellOne() throws IOException {
        runs.add(leaf.keys[at], leaf.values[at]);
        at++;
        if (at == leaf.keys.length) {
            nextLeaf();
        }
    }

    @Override
    public void endDevice() throws IOException {
        while (leaf != null) {
            tellOne();
        }
        runs.flush();
        sink.endDevice();
    }
}
