package dev.gossamer.thin.offline;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;

/**
 * Counts what it is told: mappings of each device, the highest data block, the latest time, the size of it all. Throws
 * {@link BadPool} at what is out of order.
 */
final class PoolTally implements PoolSink {
    private final PoolSizing sizing = new PoolSizing();
    private final PoolSink ordered = new AscendingPool(sizing);
    private final Map<Long, long[]> runs = new HashMap<>();
    private final Map<Long, Long> devices = new HashMap<>();
    private long[] count;
    private long device;
    private long mappings;
    private long maxTime;
    private long highest = -1;

    @Override
    public void beginPool(Pool pool) throws IOException {
        ordered.beginPool(pool);
    }

    @Override
    public void beginShared(long name) throws IOException {
        count = runs.computeIfAbsent(name, key -> new long[1]);
        ordered.beginShared(name);
    }

    @Override
    public void endShared() throws IOException {
        ordered.endShared();
    }

    @Override
    public void beginDevice(Device next) throws IOException {
        count = new long[1];
        device = next.id();
        ordered.beginDevice(next);
    }

    @Override
    public void endDevice() throws IOException {
        devices.put(device, count[0]);
        mappings += count[0];
        ordered.endDevice();
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        count[0] += length;
        maxTime = Math.max(maxTime, time);
        highest = Math.max(highest, dataBlock + length - 1);
        ordered.mapping(virtualBlock, dataBlock, length, time);
    }

    @Override
    public void shared(long name) throws IOException {
        ordered.shared(name);
        count[0] += runs.get(name)[0];
    }

    @Override
    public void endPool() throws IOException {
        ordered.endPool();
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
