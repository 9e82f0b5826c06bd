package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * An origin and three snapshots with chunks of 4, 16 and 64 KiB, taken one after the other, written and read at random
 * from several loops at once, closed and opened again, against one byte array each. Run more with {@code
 * -Dstorm.steps=N}.
 */
class StormTest {
    /**
     * Requests under way together keep to areas of their own, so that the model knows the outcome; chunks are shared.
     */
    private static final int AREA = 24 << 10;

    private static final int AREAS = 40;
    private static final int SIZE = AREA * AREAS;
    private static final int[] CHUNKS = {4 << 10, 16 << 10, 64 << 10};

    private static final class Modelled {
        final String name;
        final byte[] contents;
        BlockDevice device;

        Modelled(String name, byte[] contents) {
            this.name = name;
            this.contents = contents;
        }
    }

    private static final class Pending {
        final SimHarness.Result result;
        /** What a READ must find; null for others. */
        final byte[] expected;

        final String what;

        Pending(SimHarness.Result result, byte[] expected, String what) {
            this.result = result;
            this.expected = expected;
            this.what = what;
        }
    }

    private final SimulatedDisk origin = new SimulatedDisk(SIZE);
    private final List<SimulatedDisk> stores = new ArrayList<>();
    private final List<Modelled> all = new ArrayList<>();
    private SplittableRandom random;
    private SimSet sim;
    private byte version;

    /** S-O1 to S-O5, S-S1 to S-S4, S-I2: contents of all four. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void storm(long seed) throws StorageException {
        random = Seeds.splittable(seed);
        sim = new SimSet(origin, seed, 3);
        all.add(new Modelled("origin", new byte[SIZE]));
        all.get(0).device = sim.set.openOrigin();
        int steps = Integer.getInteger("storm.steps", 240);
        for (int step = 0; step < steps; step++) {
            String where = "seed " + seed + " step " + step;
            if (step % (steps / 4) == steps / 8 && stores.size() < CHUNKS.length) {
                create(where);
            } else if (step % 60 == 59) {
                reopen(where);
            } else {
                finish(batch(), where);
            }
        }
        verify("seed " + seed + " at the end");
        closeAll();
        assertEquals(CHUNKS.length, stores.size());
    }

    private void create(String where) throws StorageException {
        int chunk = CHUNKS[stores.size()];
        SimulatedDisk store = new SimulatedDisk(SIZE * 2L);
        stores.add(store);
        SnapshotSpec spec = SnapshotSpec.of("s" + chunk, StoreType.PERSISTENT).withChunkBytes(chunk);
        Modelled made = new Modelled(spec.name(), all.get(0).contents.clone());
        made.device = sim.createAndOpen(spec, store);
        all.add(made);
        verify(where);
    }

    private void reopen(String where) throws StorageException {
        closeAll();
        sim = new SimSet(origin, random.nextLong(), 3);
        for (int i = 0; i < stores.size(); i++) {
            SnapshotSpec spec = SnapshotSpec.of("s" + CHUNKS[i], StoreType.PERSISTENT);
            SnapshotStatus status = sim.await(sim.set.load(spec, stores.get(i)));
            assertEquals(CHUNKS[i], status.chunkBytes(), where);
            all.get(i + 1).device = sim.set.openSnapshot(spec.name());
        }
        all.get(0).device = sim.set.openOrigin();
        verify(where);
    }

    private void closeAll() throws StorageException {
        all.forEach(m -> m.device.close());
        sim.shutDown();
    }

    private List<Pending> batch() {
        List<Pending> pending = new ArrayList<>();
        for (Modelled m : all) {
            for (int area = 0; area < AREAS; area++) {
                if (random.nextInt(6) == 0) {
                    pending.add(start(m, area * AREA));
                }
                for (int tasks = random.nextInt(4); tasks > 0; tasks--) {
                    sim.loops.runOne();
                }
            }
            if (random.nextInt(4) == 0) {
                pending.add(new Pending(
                        sim.start(random.nextInt(3), m.device, BlockOperation.FLUSH, 0, 0, 0, null), null, "flush"));
            }
        }
        return pending;
    }

    private Pending start(Modelled m, int areaStart) {
        int offset = areaStart + random.nextInt(AREA / 512) * 512;
        int most = areaStart + AREA - offset;
        int length = random.nextInt(3) == 0 ? most : Math.min(most, (1 + random.nextInt(16)) * 512);
        if (random.nextInt(3) == 0) {
            offset = areaStart + random.nextInt(AREA / 4096) * 4096;
            length = 4096;
        }
        int loop = random.nextInt(3);
        int flags = random.nextInt(6) == 0 ? BlockRequest.FUA : 0;
        String what = m.name + " " + offset + "+" + length;
        return switch (random.nextInt(8)) {
            case 0, 1, 2 -> {
                byte[] expected = Arrays.copyOfRange(m.contents, offset, offset + length);
                yield new Pending(
                        sim.start(loop, m.device, BlockOperation.READ, offset, length, 0, null),
                        expected,
                        "read " + what);
            }
            case 3 -> {
                Arrays.fill(m.contents, offset, offset + length, (byte) 0);
                boolean discard = m.name.equals("origin") && random.nextBoolean();
                BlockOperation operation = discard ? BlockOperation.DISCARD : BlockOperation.WRITE_ZEROES;
                yield new Pending(
                        sim.start(loop, m.device, operation, offset, length, discard ? 0 : flags, null),
                        null,
                        "zero " + what);
            }
            default -> {
                byte[] bytes = new byte[length];
                Arrays.fill(bytes, ++version);
                bytes[0] = (byte) (offset >> 9);
                System.arraycopy(bytes, 0, m.contents, offset, length);
                yield new Pending(
                        sim.start(loop, m.device, BlockOperation.WRITE, offset, length, flags, bytes),
                        null,
                        "write " + what);
            }
        };
    }

    private void finish(List<Pending> pending, String where) {
        sim.loops.runUntilIdle();
        for (Pending p : pending) {
            assertEquals(Errno.OK, p.result.errno, where + ": " + p.what);
            if (p.expected != null) {
                assertArrayEquals(p.expected, p.result.data, where + ": " + p.what);
            }
        }
    }

    private void verify(String where) {
        for (Modelled m : all) {
            for (int at = 0; at < SIZE; at += SIZE / 2) {
                byte[] found = sim.read(m.device, at, SIZE / 2);
                int difference = Arrays.mismatch(Arrays.copyOfRange(m.contents, at, at + SIZE / 2), found);
                assertEquals(-1, difference, where + ": " + m.name + " differs from the model at this byte");
            }
        }
        assertEquals(0, sim.inUse(), where + ": requests or buffers leaked");
    }
}
