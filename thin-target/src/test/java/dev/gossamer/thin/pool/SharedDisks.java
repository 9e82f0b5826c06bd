package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.owner.OwnerPlace;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A pool on disks that several machines reach, with one volume; for tests of who of them has it. */
abstract class SharedDisks {
    static final long STEP_NANOS = 10_000_000;
    static final long SECOND_NANOS = 1_000_000_000;
    static final int BLOCKS = 8;

    final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    final SimulatedDisk data = new SimulatedDisk(64L << 20);
    final List<SimOwner> owners = new ArrayList<>();
    /** Of the daemon that was started last, to metadata and data. */
    final List<SimNetwork.Way> ways = new ArrayList<>();
    /** Who changed anything but the owner block, one entry for each time this was somebody else than before. */
    final List<Integer> writers = new ArrayList<>();

    final SimOwner.Machine alpha = new SimOwner.Machine("alpha");
    final SimOwner.Machine beta = new SimOwner.Machine("beta");
    final SplittableRandom random = Seeds.splittable(1);
    final SimNetwork network = new SimNetwork(random.split());

    @BeforeEach
    void makePool() throws Exception {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.create("vol", (long) BLOCKS * SimPool.BLOCK).close();
            sim.shutDown();
        }
    }

    @AfterEach
    void end() {
        owners.forEach(SimOwner::close);
        network.close();
    }

    SimNetwork.Way way(SimulatedDisk disk, int number, boolean ofData) {
        return network.wayTo(disk, offset -> {
            if (!ofData || !isOwnerBlock(offset)) {
                if (writers.isEmpty() || writers.getLast() != number) {
                    assertFalse(writers.contains(number), () -> "machine " + number + " writes again: " + writers);
                    writers.add(number);
                }
            }
        });
    }

    long ownerBlock = -1;

    boolean isOwnerBlock(long offset) {
        return ownerBlock >= 0 && offset >= ownerBlock && offset < ownerBlock + Catalog.OWNER_BYTES;
    }

    SimOwner start(SimOwner.Machine machine, boolean force) throws StorageException {
        OwnerPlace place = SimOwner.look(metadata, data);
        ownerBlock = place.offsetBytes();
        int number = owners.size();
        ways.clear();
        ways.add(way(metadata, number, false));
        ways.add(way(data, number, true));
        SimOwner owner = new SimOwner(machine, ways.get(0), ways.get(1), random.split(), force);
        owners.add(owner);
        return owner;
    }

    void run(long nanos, SimOwner... running) {
        for (long passed = 0; passed < nanos; passed += STEP_NANOS) {
            network.advance(STEP_NANOS);
            for (SimOwner owner : running) {
                owner.advance(STEP_NANOS);
            }
        }
    }

    void shutDown(SimOwner owner) throws StorageException {
        CompletableFuture<Void> closed = owner.shutDown();
        run(20 * SECOND_NANOS, owner);
        assertTrue(closed.isDone(), "the pool does not close");
        ThinPool.join(closed);
    }

    SimOwner open(SimOwner.Machine machine) throws StorageException {
        SimOwner owner = start(machine, false);
        run(30 * SECOND_NANOS, owner);
        assertNull(owner.refused);
        assertTrue(owner.isOpen());
        return owner;
    }
}
