package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * What management costs in a pool of many volumes, with twice as many snapshots: metadata blocks looked at and device
 * operations, which must not grow with the pool, and time, which is only printed. For more volumes: {@code
 * -Dscale.volumes=100,1000,10000}, ascending.
 */
class PoolScaleTest {
    private static final long VOLUME = 1L << 30;

    /** Of each kind of operation, to take the mean. */
    private static final int SAMPLE = 20;

    /** What an operation cost on average. */
    private record Cost(double visits, double deviceOperations, double micros) {}

    private final SimulatedDisk metadata = new SimulatedDisk(256 << 20);
    private final SimulatedDisk data = new SimulatedDisk(1L << 30);
    private final SplittableRandom random = Seeds.splittable(1);
    private final List<Event> events = new ArrayList<>();
    private SimPool sim;
    private int volumes;
    private int snapshots;

    private void open() throws StorageException {
        sim = SimPool.open(new Recorder("metadata", metadata, events), new Recorder("data", data, events), 1, 1);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    @Test
    void createSnapshotRenameAndDeleteCostTheSameInALargePool() throws StorageException {
        SimPool.format(metadata, data);
        open();
        int[] counts = Stream.of(System.getProperty("scale.volumes", "50,500").split(","))
                .mapToInt(Integer::parseInt)
                .toArray();
        List<Map<String, Cost>> costs = new ArrayList<>();
        for (int count : counts) {
            fill(count);
            costs.add(measure(count));
        }
        Map<String, Cost> small = costs.getFirst();
        Map<String, Cost> large = costs.getLast();
        for (String what : small.keySet()) {
            double before = small.get(what).visits;
            double after = large.get(what).visits;
            // One level more in each of the trees is a block or two for each look-up. A walk over all devices would be
            // about one block for every fifty of them.
            assertTrue(after < before * 1.4 + 4, what + ": " + before + " metadata blocks in a small pool, " + after);
            double operations = large.get(what).deviceOperations;
            assertTrue(
                    operations < small.get(what).deviceOperations * 1.4 + 4,
                    what + ": " + small.get(what).deviceOperations + " device operations in a small pool, "
                            + operations);
        }
    }

    @Test
    void openingReadsManySlotsOfTheCatalogAtOnce() throws StorageException {
        SimPool.format(metadata, data);
        open();
        fill(100);
        sim.shutDown();
        events.clear();
        open();
        long reads = events.stream().filter(e -> e.device().equals("data")).count();
        assertTrue(reads <= 300 / 64 + 3, reads + " reads of the catalog for 300 volumes and snapshots");
        assertEquals(300, sim.pool.volumes().size());
        assertEquals(300, sim.status().volumes());
        assertEquals(VOLUME, sim.pool.volume("snapshot-199").sizeBytes());
    }

    @Test
    void msg5TheLowestIdIsUsedAgainHoweverItBecameFree() throws StorageException {
        SimPool.format(metadata, data);
        open();
        fill(20);
        sim.await(sim.pool.deleteVolume("volume-7"));
        theNextIdsAre7And60();
        sim.await(sim.pool.deleteVolume("again"));
        sim.shutDown();
        open();
        theNextIdsAre7And60();
    }

    private void theNextIdsAre7And60() throws StorageException {
        assertEquals(
                7,
                sim.await(sim.pool.createVolume(new VolumeSpec("again", VOLUME)))
                        .id());
        VolumeInfo next = sim.await(sim.pool.createSnapshot("again", "next", false));
        assertEquals(60, next.id());
        sim.await(sim.pool.deleteVolume("next"));
    }

    /** Makes volumes and snapshots of volumes taken at random until there are so many, and twice as many. */
    private void fill(int count) throws StorageException {
        while (volumes < count) {
            sim.await(sim.pool.createVolume(new VolumeSpec("volume-" + volumes++, VOLUME)));
        }
        while (snapshots < 2 * count) {
            String origin = "volume-" + random.nextInt(volumes);
            sim.await(sim.pool.createSnapshot(origin, "snapshot-" + snapshots++, false));
            events.clear();
        }
    }

    private Map<String, Cost> measure(int count) throws StorageException {
        Map<String, Cost> costs = new LinkedHashMap<>();
        costs.put("create", each(i -> sim.await(sim.pool.createVolume(new VolumeSpec("c" + i, VOLUME)))));
        costs.put("snapshot", each(i -> {
            String origin = "volume-" + random.nextInt(volumes);
            sim.await(sim.pool.createSnapshot(origin, "s" + i, false));
        }));
        costs.put("rename", each(i -> sim.await(sim.pool.renameVolume("c" + i, "d" + i))));
        costs.put("delete a snapshot", each(i -> sim.await(sim.pool.deleteVolume("s" + i))));
        costs.put("delete a volume", each(i -> sim.await(sim.pool.deleteVolume("d" + i))));
        long began = System.nanoTime();
        int listed = sim.pool.volumes().size();
        final long listNanos = System.nanoTime() - began;
        assertEquals(3 * count, listed);
        assertEquals(listed, sim.status().volumes());
        sim.shutDown();
        events.clear();
        began = System.nanoTime();
        open();
        final long openNanos = System.nanoTime() - began;
        System.out.printf("%d volumes, %d snapshots%n", count, 2 * count);
        System.out.printf("  %-18s %14s %18s %10s%n", "operation", "blocks visited", "device operations", "us");
        costs.forEach((what, cost) -> System.out.printf(
                "  %-18s %14.1f %18.1f %10.0f%n", what, cost.visits, cost.deviceOperations, cost.micros));
        System.out.printf("  %-18s %14s %18s %10d%n", "list all", "", "", listNanos / 1000);
        System.out.printf("  %-18s %14s %18d %10d%n", "open the pool", "", events.size(), openNanos / 1000);
        assertNotNull(sim.pool.volume("volume-" + (count - 1)));
        return costs;
    }

    /** An operation that is repeated, with a number. */
    private interface Repeated {
        void run(int number) throws StorageException;
    }

    private Cost each(Repeated operation) throws StorageException {
        events.clear();
        long visits = sim.pool.metadataVisits();
        long began = System.nanoTime();
        for (int i = 0; i < SAMPLE; i++) {
            operation.run(i);
        }
        double nanos = System.nanoTime() - began;
        return new Cost(
                (double) (sim.pool.metadataVisits() - visits) / SAMPLE,
                (double) events.size() / SAMPLE,
                nanos / SAMPLE / 1000);
    }
}
