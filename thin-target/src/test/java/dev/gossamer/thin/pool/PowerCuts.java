package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolOptions;

/**
 * Has a pool do something while power fails after its n-th device operation, or the n-th operation of one device fails,
 * for every n, each time on copies of the same two disks.
 *
 * @param <T> what clients were told
 */
abstract class PowerCuts<T> {
    private final SimulatedDisk metadataBase;
    private final SimulatedDisk dataBase;

    PowerCuts(SimulatedDisk metadataBase, SimulatedDisk dataBase) {
        this.metadataBase = metadataBase;
        this.dataBase = dataBase;
    }

    /** What is done, to its end or as far as it goes. */
    abstract T act(SimPool sim, PoolOptions options) throws StorageException;

    /** An operation of the metadata device has failed; the pool is still open. */
    void failed(SimPool sim, T outcome, BlockOperation operation) {}

    /** Looks at what is left on the disks. */
    abstract void check(SimulatedDisk metadata, SimulatedDisk data, T outcome, String where) throws StorageException;

    /** @param least operations that there are, at least */
    final void cutEach(int least) throws StorageException {
        long operations = cut(Long.MAX_VALUE, 1);
        assertTrue(operations > least, operations + " operations only");
        for (long cut = 0; cut < operations; cut++) {
            for (long seed = 1; seed <= 3; seed++) {
                cut(cut, seed);
            }
        }
    }

    private long cut(long cut, long seed) throws StorageException {
        PowerSupply power = new PowerSupply();
        SimulatedDisk metadata = metadataBase.copy(power);
        SimulatedDisk data = dataBase.copy(power);
        PoolOptions options = SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(metadata, data), 0);
        long before;
        T outcome;
        try (SimPool sim = SimPool.open(metadata, data, seed, 2, options)) {
            before = power.operations();
            if (cut != Long.MAX_VALUE) {
                power.cutAfter(cut);
            }
            outcome = act(sim, options);
        }
        final long operations = power.operations() - before;
        metadata.crash(Seeds.splittable(seed * 1000 + cut));
        data.crash(Seeds.splittable(seed * 1000 + cut));
        power.restore();
        check(metadata, data, outcome, "cut after operation " + cut + ", seed " + seed);
        return operations;
    }

    /** @param least operations of this kind that there are, at least */
    final void failEach(BlockOperation operation, boolean ofMetadata, int least) throws StorageException {
        long n = 1;
        boolean hit = true;
        while (hit) {
            String where = operation + " " + n + " of the " + (ofMetadata ? "metadata" : "data") + " fails";
            SimulatedDisk metadata = metadataBase.copy(new PowerSupply());
            SimulatedDisk data = dataBase.copy(new PowerSupply());
            PoolOptions options = SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(metadata, data), 0);
            FaultPlan faults = new FaultPlan();
            T outcome;
            try (SimPool sim = SimPool.open(
                    ofMetadata ? new FaultyDevice(metadata, faults) : metadata,
                    ofMetadata ? data : new FaultyDevice(data, faults),
                    n,
                    2,
                    options)) {
                faults.failDuring(operation, n, n, Errno.EIO);
                outcome = act(sim, options);
                hit = faults.failures() > 0;
                assertEquals(0, sim.inUse(), where + ": requests leaked");
                if (ofMetadata) {
                    failed(sim, outcome, operation);
                }
            }
            metadata.crashLosingAll();
            data.crashLosingAll();
            check(metadata, data, outcome, where);
            n++;
        }
        assertTrue(n > least, "only " + n + " operations of this kind");
    }
}
