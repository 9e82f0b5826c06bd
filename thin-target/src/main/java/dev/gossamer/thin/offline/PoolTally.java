package dev.gossamer.thin.offline;

import java.util.HashMap;
import java.util.Map;

/** Counts what it is told: mappings of each device, the highest data block, the latest time, the size of it all. */
final class PoolTally implements PoolSink {
    private final PoolSizing sizing = new PoolSizing();
    private final Map<Long, long[]> runs = new HashMap<>();
    private final Map<Long, Long> devices = new HashMap<>();
    private long[] count;
    private long device;
    private long mappings;
    private long maxTime;
    private long highest = -1;

    @Override
    public void beginPool(Pool pool) {
        sizing.beginPool(pool);
    }

    @Override
    public void beginShared(long name) {
        count = runs.computeIfAbsent(name, key -> new long[1]);
        sizing.beginShared(name);
    }

    @Override
    public void endShared() {
        sizing.endShared();
    }

    @Override
    public void beginDevice(Device next) throws BadPool {
        count = new long[1];
        device = next.id();
        sizing.beginDevice(next);
    }

    @Override
    public void endDevice() {
        devices.put(device, count[0]);
        mappings += count[0];
        sizing.endDevice();
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws BadPool {
        count[0] += length;
        maxTime = Math.max(maxTime, time);
        highest = Math.max(highest, dataBlock + length - 1);
        sizing.mapping(virtualBlock, dataBlock, length, time);
    }

    @Override
    public void shared(long name) throws BadPool {
        count[0] += runs.get(name)[0];
        sizing.shared(name);
    }

    @Override
    public void endPool() {
        sizing.endPool();
    }

    /** Of all devices, what they share counted for each. */
    long mappings() {
        return mappings;
    }

    long mappings(long id) {
        return devices.getOrDefault(id, 0L);
    }

    long maxTime() {
        return maxTime;
    }

    /** -1: there are no mappings. */
    long highestDataBlock() {
        return highest;
    }

    /** Of mappings alone, with as many data blocks as there can be. */
    PoolSizing sizing() {
        return sizing;
    }
}
