package dev.gossamer.thin;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Random writes, reads, trims, zeroes, flushes, snapshots, rollbacks, deletions and reopenings, several requests at a time on several
 * loops, against a naive model: one byte array per volume. Run more with {@code -Dstorm.steps=N -Dstorm.seed=S}.
 */
class PoolStormTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int AREA = 4 * BLOCK;
    private static final int AREAS = 8;
    private static final int VOLUME = AREA * AREAS;
    private static final int MAX_VOLUMES = 6;

    private static final class Modelled {
        final String name;
        final byte[] contents;
        ThinVolume volume;
        final TrimmedSectors trimmed = new TrimmedSectors();
        /** What it is a snapshot of, for rolling that back. */
        Modelled parent;

        Modelled(String name, byte[] contents, ThinVolume volume) {
            this.name = name;
            this.contents = contents;
            this.volume = volume;
        }
    }

    private static final class Pending {
        final SimPool.Result result;
        /** What a READ must find; null for others. */
        final byte[] expected;

        final String what;

        Pending(SimPool.Result result, byte[] expected, String what) {
            this.result = result;
            this.expected = expected;
            this.what = what;
        }
    }

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SimulatedDisk data = new SimulatedDisk(400L * BLOCK);
    private final List<Modelled> volumes = new ArrayList<>();
    private SplittableRandom random = new SplittableRandom();
    private SimPool sim;
    private int names;
    private int versions;

    @Test
    void seedOne() throws StorageException {
        storm(Long.getLong("storm.seed", 1));
    }

    @Test
    void seedTwo() throws StorageException {
        storm(2);
    }

    @Test
    void seedThree() throws StorageException {
        storm(3);
    }

    private void storm(long seed) throws StorageException {
        random = new SplittableRandom(seed);
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, seed, 3);
        create();
        int steps = Integer.getInteger("storm.steps", 600);
        for (int step = 0; step < steps; step++) {
            String where = "seed " + seed + " step " + step;
            try {
                step(where);
            } catch (StorageException | RuntimeException e) {
                throw new AssertionError(where + ": " + e, e);
            }
        }
        verifyAll("seed " + seed + " at the end");
        sim.shutDown();
        SimPool.assertSound(metadata, "seed " + seed);
    }

    private void step(String where) throws StorageException {
        switch (random.nextInt(40)) {
            case 0 -> create();
            case 1, 2 -> snapshot();
            case 3 -> delete();
            case 4 -> reopen(where);
            case 5 -> verifyAll(where);
            case 6 -> rollBack();
            case 7 -> snapshotGroup();
            default -> batch(where);
        }
    }

    private void create() throws StorageException {
        if (volumes.size() < MAX_VOLUMES) {
            String name = "v" + names++;
            volumes.add(new Modelled(name, new byte[VOLUME], sim.create(name, VOLUME)));
        }
    }

    private void snapshot() throws StorageException {
        if (volumes.size() < MAX_VOLUMES) {
            Modelled origin = any();
            String name = "s" + names++;
            Modelled snapshot = new Modelled(name, origin.contents.clone(), sim.snapshot(origin.name, name));
            snapshot.parent = origin;
            volumes.add(snapshot);
        }
    }

    private void snapshotGroup() throws StorageException {
        if (volumes.size() > 1 && volumes.size() + 2 <= MAX_VOLUMES) {
            List<Modelled> origins = List.of(volumes.get(0), volumes.get(1 + random.nextInt(volumes.size() - 1)));
            List<SnapshotSpec> specs = new ArrayList<>();
            origins.forEach(origin -> specs.add(new SnapshotSpec(origin.name, "g" + names++, false)));
            sim.await(sim.pool.createSnapshots(specs));
            for (int i = 0; i < origins.size(); i++) {
                String name = specs.get(i).name();
                volumes.add(new Modelled(name, origins.get(i).contents.clone(), sim.pool.openVolume(name)));
            }
        }
    }

    private void rollBack() throws StorageException {
        Modelled target = any();
        if (target.parent != null && volumes.contains(target.parent) && volumes.size() < MAX_VOLUMES) {
            String name = "r" + names++;
            Modelled parent = target.parent;
            parent.volume.close();
            sim.await(sim.pool.rollBack(parent.name, target.name, name));
            volumes.add(new Modelled(name, parent.contents.clone(), sim.pool.openVolume(name)));
            System.arraycopy(target.contents, 0, parent.contents, 0, VOLUME);
            parent.trimmed.clear();
            parent.volume = sim.pool.openVolume(parent.name);
        }
    }

    private void delete() throws StorageException {
        if (volumes.size() > 1) {
            Modelled victim = any();
            victim.volume.close();
            sim.await(sim.pool.deleteVolume(victim.name));
            volumes.remove(victim);
        }
    }

    private void reopen(String where) throws StorageException {
        sim.shutDown();
        SimPool.assertSound(metadata, where);
        sim = SimPool.open(metadata, data, random.nextLong(), 3);
        for (Modelled m : volumes) {
            m.volume = sim.pool.openVolume(m.name);
            m.trimmed.clear();
        }
    }

    /** Several requests at once, each in an area of its own, so that the model knows the outcome. */
    private void batch(String where) {
        List<Pending> pending = new ArrayList<>();
        for (Modelled m : volumes) {
            for (int area = 0; area < AREAS; area++) {
                if (random.nextInt(6) == 0) {
                    pending.add(start(m, area * AREA));
                }
                for (int tasks = random.nextInt(4); tasks > 0; tasks--) {
                    sim.loops.runOne();
                }
            }
            if (random.nextInt(8) == 0) {
                SimPool.Result flush = sim.start(random.nextInt(3), m.volume, BlockOperation.FLUSH, 0, 0, 0, null);
                pending.add(new Pending(flush, null, "flush"));
            }
        }
        sim.loops.runUntilIdle();
        for (Pending p : pending) {
            assertEquals(Errno.OK, p.result.errno, where + ": " + p.what);
            if (p.expected != null) {
                assertArrayEquals(p.expected, p.result.data, where + ": " + p.what);
            }
        }
    }

    private Pending start(Modelled m, int areaStart) {
        int granularity = random.nextBoolean() ? 4096 : random.nextBoolean() ? 512 : 1;
        int offset = areaStart + random.nextInt(AREA / granularity) * granularity;
        int most = areaStart + AREA - offset;
        int length = random.nextInt(4) == 0 ? most : 1 + random.nextInt(Math.min(most, 9000));
        if (granularity > 1) {
            length = Math.max(granularity, length / granularity * granularity);
        }
        if (random.nextInt(5) == 0) {
            offset = areaStart + random.nextInt(4) * BLOCK;
            length = BLOCK;
        }
        int loop = random.nextInt(3);
        int flags = random.nextInt(6) == 0 ? BlockRequest.FUA : 0;
        return switch (random.nextInt(10)) {
            case 0, 1, 2 -> {
                byte[] expected = Arrays.copyOfRange(m.contents, offset, offset + length);
                yield new Pending(
                        sim.start(loop, m.volume, BlockOperation.READ, offset, length, 0, null),
                        expected,
                        "read " + m.name + " " + offset + "+" + length);
            }
            case 3 -> {
                for (int unmapped : m.trimmed.trim(offset, length)) {
                    Arrays.fill(m.contents, unmapped, unmapped + BLOCK, (byte) 0);
                }
                yield command(loop, m, BlockOperation.DISCARD, offset, length, flags);
            }
            case 4 -> {
                Arrays.fill(m.contents, offset, offset + length, (byte) 0);
                m.trimmed.written(offset, length);
                int noUnmap = random.nextBoolean() ? BlockRequest.NO_UNMAP : 0;
                yield command(loop, m, BlockOperation.WRITE_ZEROES, offset, length, flags | noUnmap);
            }
            default -> {
                byte[] bytes = ThinPoolTest.bytes(versions++, length);
                m.trimmed.written(offset, length);
                System.arraycopy(bytes, 0, m.contents, offset, length);
                yield new Pending(
                        sim.start(loop, m.volume, BlockOperation.WRITE, offset, length, flags, bytes),
                        null,
                        "write " + m.name + " " + offset + "+" + length);
            }
        };
    }

    private Pending command(int loop, Modelled m, BlockOperation operation, int offset, int length, int flags) {
        String what = operation + " " + m.name + " " + offset + "+" + length;
        return new Pending(sim.start(loop, m.volume, operation, offset, length, flags, null), null, what);
    }

    private void verifyAll(String where) {
        for (Modelled m : volumes) {
            byte[] found = sim.read(m.volume, 0, VOLUME);
            int difference = Arrays.mismatch(m.contents, found);
            assertEquals(-1, difference, where + ": " + m.name + " differs from the model at this byte");
        }
        assertEquals(0, sim.inUse(), where + ": requests or buffers leaked");
    }

    private Modelled any() {
        return volumes.get(random.nextInt(volumes.size()));
    }
}
