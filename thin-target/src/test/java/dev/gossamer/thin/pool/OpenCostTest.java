package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.VolumeInfo;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What opening a pool costs, in metadata blocks looked at and in device operations: it grows with the volumes ({@link
 * PoolScaleTest}), and not with what they have mapped.
 */
class OpenCostTest {
    private static final int VOLUMES = 20;
    private static final long VOLUME = 1L << 30;
    private static final long VOLUME_BLOCKS = VOLUME / SimPool.BLOCK;

    private record Cost(long visits, long operations) {}

    @Test
    void itIsTheSameForFewMappingsAndForMany() throws StorageException {
        Cost few = openWith(1);
        // Two levels of leaves more, and space maps that are in use from end to end.
        Cost many = openWith(3000);
        assertEquals(few, many);
        assertTrue(few.visits > 0 && few.operations > 0, "nothing was counted");
    }

    private static Cost openWith(int blocksOfEach) throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(64 << 20);
        VoidDisk data = new VoidDisk(2L * VOLUMES * 3000 * SimPool.BLOCK);
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            for (int i = 0; i < VOLUMES; i++) {
                ThinVolume volume = sim.create("v" + i, VOLUME);
                for (int block = 0; block < blocksOfEach; block++) {
                    // Every fifth: no two are in a run.
                    sim.write(volume, 5L * block % VOLUME_BLOCKS * SimPool.BLOCK, new byte[512]);
                }
                volume.close();
            }
            sim.shutDown();
        }
        SimPool.assertSound(metadata, blocksOfEach + " blocks of each volume");
        List<Event> events = new ArrayList<>();
        Recorder metadataBelow = new Recorder("metadata", metadata, events);
        try (SimPool sim = SimPool.open(metadataBelow, new Recorder("data", data, events), 1, 1)) {
            final Cost cost = new Cost(sim.pool.metadataVisits(), events.size());
            long mapped = sim.pool.volumes().stream()
                    .mapToLong(VolumeInfo::mappedBytes)
                    .sum();
            assertEquals((long) VOLUMES * blocksOfEach * SimPool.BLOCK, mapped);
            System.out.printf("%d mappings: %s%n", VOLUMES * blocksOfEach, cost);
            sim.shutDown();
            return cost;
        }
    }
}
