package dev.gossamer.thin.offline;

import java.io.IOException;
import java.util.SplittableRandom;

/**
 * Makes up pools: devices with mappings, snapshots that share most of theirs, in order or scattered over the data. The
 * same numbers make the same pool.
 *
 * @param dataBlocks of the pool
 * @param devices that are no snapshots, ids from 1 on
 * @param mappings of each of them
 * @param snapshots of each of them; nine tenths of the mappings are shared, the rest is each one's own
 * @param fragmented no two blocks next to each other are so in the data, and one in four is not mapped
 */
public record PoolGenerator(
        long blockSectors, long dataBlocks, int devices, long mappings, int snapshots, boolean fragmented, long seed) {
    private static final int SHARED_TENTHS = 9;

    /** Data blocks that it needs. */
    public long neededBlocks() {
        long shared = mappings / 10 * SHARED_TENTHS;
        long own = mappings - (snapshots == 0 ? 0 : shared);
        return devices * (snapshots == 0 ? mappings : shared + own * (1 + snapshots));
    }

    /** Tells a sink the pool, which has {@link #neededBlocks}. */
    public void tell(PoolSink sink) throws IOException {
        new Run(sink).tell();
    }

    private final class Run {
        private final PoolSink sink;
        private final SplittableRandom random = new SplittableRandom(seed);
        private final long step;
        private long data;

        Run(PoolSink sink) {
            this.sink = sink;
            step = fragmented ? coprime(dataBlocks) : 1;
        }

        void tell() throws IOException {
            long shared = snapshots == 0 ? 0 : mappings / 10 * SHARED_TENTHS;
            sink.beginPool(new PoolSink.Pool(snapshots, 1, false, PoolSuperblock.VERSION, blockSectors, dataBlocks));
            for (int device = 1; device <= devices && shared > 0; device++) {
                sink.beginShared(device);
                map(0, shared, 0);
                sink.endShared();
            }
            for (int device = 1; device <= devices; device++) {
                device(device, device, shared, 0);
            }
            long id = devices;
            for (int device = 1; device <= devices; device++) {
                for (int i = 1; i <= snapshots; i++) {
                    device(++id, device, shared, i);
                }
            }
            sink.endPool();
        }

        private void device(long id, long sharedRun, long shared, int time) throws IOException {
            sink.beginDevice(new PoolSink.Device(id, mappings, 0, time, Math.min(time + 1, snapshots)));
            if (shared > 0) {
                sink.shared(sharedRun);
            }
            map(place(shared), mappings - shared, time);
            sink.endDevice();
        }

        /** Where the n-th mapping is, counting from the device's start. */
        private long place(long mapping) {
            return fragmented ? mapping + mapping / 3 + 1 : mapping;
        }

        private void map(long from, long count, int time) throws IOException {
            if (!fragmented) {
                if (count > 0) {
                    sink.mapping(from, data, count, time);
                }
                data += count;
                return;
            }
            long gap = random.nextInt(3);
            for (long i = 0; i < count; i++) {
                sink.mapping(from + i + (i + gap) / 3, data, 1, time);
                data = (data + step) % dataBlocks;
            }
        }
    }

    /** A step that meets every block once before it meets one again. */
    private static long coprime(long blocks) {
        long step = Math.max(1, (long) (blocks * 0.618));
        while (gcd(step, blocks) != 1) {
            step++;
        }
        return step;
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }
}
