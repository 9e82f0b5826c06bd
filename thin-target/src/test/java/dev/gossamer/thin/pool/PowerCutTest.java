package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/**
 * Power fails after every single device operation of a workload; unflushed sectors of both devices are lost, reordered
 * and torn by a seed. The pool must open again without repair, the checker must find nothing, and every sector must
 * hold its last stable contents or something written later (rules I-6, I-7, G-7).
 */
class PowerCutTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int SEEDS = 3;

    private static final long VOLUME = PowerCutWorkload.VOLUME;

    @Test
    void everyCutPointReopensCleanWithAllThatWasFlushed() throws StorageException {
        cutEverywhere(null);
    }

    /** Copies from the origin, its tail, TRIM that shows it again, zeros that do not (X-1, X-2, X-5, 4.4). */
    @Test
    void everyCutPointOverAnExternalOriginReopensCleanWithAllThatWasFlushed() throws StorageException {
        SimulatedDisk origin = new SimulatedDisk(10 * BLOCK + 4096);
        origin.writeNow(0, ThinPoolTest.bytes(99, 10 * BLOCK + 4096));
        origin.setReadOnly(true);
        cutEverywhere(origin);
    }

    private static void cutEverywhere(SimulatedDisk origin) throws StorageException {
        long operations = run(Long.MAX_VALUE, 1, origin);
        assertTrue(operations > 150, "the workload has " + operations + " operations only");
        for (long cut = 0; cut < operations; cut++) {
            for (long seed = 1; seed <= SEEDS; seed++) {
                run(cut, seed, origin);
            }
        }
    }

    private static SimPool open(SimulatedDisk metadata, SimulatedDisk data, long seed, int loops, SimulatedDisk origin)
            throws StorageException {
        return SimPool.open(metadata, data, seed, loops, SimPool.OPTIONS, location -> origin);
    }

    /** Runs the workload with a cut after so many operations, then the survivors' check. @return operations done */
    private static long run(long cut, long seed, SimulatedDisk origin) throws StorageException {
        String where = "cut after operation " + cut + ", seed " + seed;
        PowerSupply power = new PowerSupply();
        SimulatedDisk metadata = new SimulatedDisk(1 << 20, 512, power);
        SimulatedDisk data = new SimulatedDisk(48L * BLOCK, 512, power);
        // What earlier owners left there must never show.
        byte[] foreign = new byte[48 * BLOCK];
        java.util.Arrays.fill(foreign, (byte) 0xEE);
        data.writeNow(0, foreign);
        SimPool.format(metadata, data);
        long before = power.operations();

        PowerCutWorkload workload;
        try (SimPool sim = open(metadata, data, seed, 2, origin)) {
            if (cut != Long.MAX_VALUE) {
                power.cutAfter(cut);
            }
            workload = new PowerCutWorkload(sim, origin);
            workload.run();
        }
        long operations = power.operations() - before;
        RandomGenerator random = Seeds.splittable(seed * 1000 + cut);
        metadata.crash(random);
        data.crash(random);
        power.restore();

        SimPool.assertSound(metadata, where);
        try (SimPool sim = open(metadata, data, seed, 1, origin)) {
            assertEquals(PoolMode.WRITE, sim.pool.mode(), where);
            ThinVolume v = sim.pool.openVolume("v");
            assertTrue(v != null || !workload.volumeAnswered, where + ": the volume is gone");
            if (v != null) {
                assertTrue(workload.sizes.contains(v.info().sizeBytes()), where + ", size " + v.info());
                assertEquals(origin != null, v.info().externalOrigin() != null, where);
                assertNull(v.info().externalOriginFailure(), where);
                // What a smaller size has hidden must not come back.
                sim.await(sim.pool.resizeVolume("v", VOLUME, true));
                workload.model.check(sim.read(v, 0, (int) VOLUME), where + ", volume");
            }
            ThinVolume s = sim.pool.openVolume("s");
            assertTrue(s != null || !workload.snapshotAnswered, where + ": the snapshot is gone");
            if (s != null) {
                workload.snapshot.check(sim.read(s, 0, (int) VOLUME), where + ", snapshot");
            }
            // And it goes on: the pool takes new writes and commits them.
            ThinVolume again = sim.create("again", VOLUME);
            assertEquals(Errno.OK, sim.write(again, 100, new byte[5000], BlockRequest.FUA), where);
            sim.shutDown();
        }
        SimPool.assertSound(metadata, where + ", after going on");
        return operations;
    }
}
