package dev.gossamer.thin.offline;

import dev.gossamer.pdata.spacemap.MetadataSpaceMap;
import java.io.IOException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Passes on what it is told as long as it is in order: blocks of a device ascend, what devices share has been told
 * before and once, no device comes twice.
 */
final class AscendingPool extends PassingSink {
    /** Each is a leaf at least, and metadata has no more blocks. */
    private static final long MAX_RUNS = MetadataSpaceMap.MAX_BLOCKS;

    private static final int FIRST = 0;
    private static final int LAST = 1;

    /** First and last block; null: nothing is in it. */
    private final Map<Long, long[]> runs = new HashMap<>();

    private final Set<Long> devices = new HashSet<>();
    private long run;
    private boolean inRun;
    private boolean any;
    private long first;
    private long last;

    AscendingPool(PoolSink sink) {
        super(sink);
    }

    @Override
    public void beginShared(long name) throws IOException {
        if (runs.containsKey(name)) {
            throw new BadPool("def " + name + " is there twice");
        }
        if (runs.size() == MAX_RUNS) {
            throw new BadPool("more than " + MAX_RUNS + " defs: metadata has not so many blocks");
        }
        run = name;
        inRun = true;
        any = false;
        sink.beginShared(name);
    }

    @Override
    public void endShared() throws IOException {
        runs.put(run, any ? new long[] {first, last} : null);
        inRun = false;
        sink.endShared();
    }

    @Override
    public void beginDevice(Device device) throws IOException {
        if (!devices.add(device.id())) {
            throw new BadPool("device " + device.id() + " is there twice");
        }
        any = false;
        sink.beginDevice(device);
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        ascend(virtualBlock, virtualBlock + length - 1);
        sink.mapping(virtualBlock, dataBlock, length, time);
    }

    @Override
    public void shared(long name) throws IOException {
        if (!runs.containsKey(name) || inRun) {
            throw new BadPool("ref to def " + name + ", which is not there");
        }
        long[] found = runs.get(name);
        if (found != null) {
            ascend(found[FIRST], found[LAST]);
        }
        sink.shared(name);
    }

    private void ascend(long from, long to) throws BadPool {
        if (any && from <= last) {
            throw new BadPool("block " + from + " comes after block " + last + ": blocks must ascend");
        }
        first = any ? first : from;
        any = true;
        last = to;
    }
}
