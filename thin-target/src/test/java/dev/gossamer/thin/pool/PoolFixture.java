package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;

/** A pool on simulated disks that fail as they are told, and a record of what reaches them. */
abstract class PoolFixture {
    static final int BLOCK = SimPool.BLOCK;
    static final long VOLUME = 64L << 20;

    final List<Event> events = new ArrayList<>();
    final SimulatedDisk metadataDisk = new SimulatedDisk(4 << 20);
    final SimulatedDisk dataDisk = new SimulatedDisk(64L * BLOCK);
    final FaultPlan metadataFaults = new FaultPlan();
    final FaultPlan dataFaults = new FaultPlan();
    SimPool sim;

    SimPool open() throws StorageException {
        sim = SimPool.open(
                new Recorder("metadata", new FaultyDevice(metadataDisk, metadataFaults), events),
                new Recorder("data", new FaultyDevice(dataDisk, dataFaults), events),
                1,
                2);
        return sim;
    }

    SimPool fresh() throws StorageException {
        SimPool.format(metadataDisk, dataDisk);
        return open();
    }

    @AfterEach
    void nothingIsLeftInUseAndTheMetadataIsSound() throws StorageException {
        if (sim != null) {
            sim.loops.runUntilIdle();
            assertEquals(0, sim.inUse(), "requests or buffers leaked");
            sim.close();
            SimPool.assertSound(metadataDisk, "after the test");
        }
    }

    StorageException error(CompletableFuture<?> answer) {
        return assertThrows(StorageException.class, () -> sim.await(answer));
    }

    List<Event> on(String device) {
        return events.stream()
                .filter(e -> e.device().equals(device) && e.op() != BlockOperation.READ)
                .toList();
    }

    List<Event> on(String device, BlockOperation operation) {
        return events.stream()
                .filter(e -> e.device().equals(device) && e.op() == operation)
                .toList();
    }
}
