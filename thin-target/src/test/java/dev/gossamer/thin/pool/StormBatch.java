package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.SimHarness;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Random requests under way at the same time, each in an area of its own, so that the model knows the outcome. */
final class StormBatch {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int AREA = 4 * BLOCK;

    /** A request under way. */
    private static final class Pending {
        final StormVolume volume;
        final SimHarness.Result result;
        final int offset;
        /** What its range held, for a request that may find no space; else null. */
        final byte[] before;
        /** What a READ must find; null for others. */
        final byte[] expected;

        final String what;

        Pending(StormVolume volume, SimHarness.Result result, int offset, byte[] before, byte[] expected, String what) {
            this.volume = volume;
            this.result = result;
            this.offset = offset;
            this.before = before;
            this.expected = expected;
            this.what = what;
        }
    }

    private final SimPool sim;
    private final SplittableRandom random;
    private final List<Pending> pending = new ArrayList<>();
    private int noSpace;

    StormBatch(SimPool sim, SplittableRandom random) {
        this.sim = sim;
        this.random = random;
    }

    /** Runs a batch over these volumes. @return requests served */
    int run(List<StormVolume> volumes, String where) {
        for (StormVolume volume : volumes) {
            for (int area = 0; area < volume.size; area += AREA) {
                if (random.nextInt(3) == 0) {
                    start(volume, area, Math.min(area + AREA, volume.size));
                }
                for (int tasks = random.nextInt(4); tasks > 0; tasks--) {
                    sim.loops.runOne();
                }
            }
            if (random.nextInt(8) == 0) {
                submit(volume, BlockOperation.FLUSH, 0, 0, 0, null, null, null);
            }
        }
        sim.loops.runUntilIdle();
        pending.forEach(each -> finish(each, where));
        return pending.size();
    }

    /** Requests that found no space. */
    int noSpace() {
        return noSpace;
    }

    private void finish(Pending each, String where) {
        String what = where + ": " + each.what;
        assertTrue(each.result.isDone(), what + " hangs");
        if (each.result.errno == Errno.ENOSPC && each.before != null) {
            noSpace++;
            byte[] found = sim.read(each.volume.handle, each.offset, each.before.length);
            each.volume.settle(each.offset, each.before, found, what);
            return;
        }
        assertEquals(Errno.OK, each.result.errno, what);
        if (each.expected != null) {
            assertArrayEquals(each.expected, each.result.data, what);
        }
    }

    private void start(StormVolume volume, int from, int to) {
        int granularity = random.nextBoolean() ? 4096 : random.nextBoolean() ? 512 : 1;
        int offset = from + random.nextInt((to - from) / granularity) * granularity;
        int most = to - offset;
        int length = random.nextInt(4) == 0 ? most : 1 + random.nextInt(Math.min(most, 9000));
        if (granularity > 1) {
            length = Math.max(granularity, length / granularity * granularity);
        }
        if (random.nextInt(5) == 0 && to - from >= BLOCK) {
            offset = from + random.nextInt((to - from) / BLOCK) * BLOCK;
            length = BLOCK;
        }
        int flags = random.nextInt(6) == 0 ? BlockRequest.FUA : 0;
        byte[] before = volume.range(offset, length);
        switch (random.nextInt(10)) {
            case 0, 1, 2 -> submit(volume, BlockOperation.READ, offset, length, 0, null, null, before);
            case 3 -> {
                if (sim.pool.volume(volume.name).limits().reserveBytes() > 0) {
                    // A TRIM may have no effect then, of which the model knows nothing.
                    volume.zero(offset, length);
                    submit(volume, BlockOperation.WRITE_ZEROES, offset, length, flags, null, before, null);
                    return;
                }
                volume.trim(offset, length);
                submit(volume, BlockOperation.DISCARD, offset, length, flags, null, null, null);
            }
            case 4 -> {
                volume.zero(offset, length);
                int noUnmap = random.nextBoolean() ? BlockRequest.NO_UNMAP : 0;
                submit(volume, BlockOperation.WRITE_ZEROES, offset, length, flags | noUnmap, null, before, null);
            }
            default -> {
                byte[] bytes = ThinPoolTest.bytes(random.nextInt(1 << 20), length);
                volume.write(offset, bytes);
                submit(volume, BlockOperation.WRITE, offset, length, flags, bytes, before, null);
            }
        }
    }

    private void submit(
            StormVolume volume,
            BlockOperation operation,
            int offset,
            int length,
            int flags,
            byte[] data,
            byte[] before,
            byte[] expected) {
        int loop = random.nextInt(sim.loops.count() - 1);
        SimHarness.Result result = sim.start(loop, volume.handle, operation, offset, length, flags, data);
        String what = operation + " " + volume.name + " " + offset + "+" + length;
        pending.add(new Pending(volume, result, offset, before, expected, what));
    }
}
