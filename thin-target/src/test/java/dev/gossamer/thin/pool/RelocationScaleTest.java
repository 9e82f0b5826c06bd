package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolOptions;
import org.junit.jupiter.api.Test;

/**
 * RL-2: blocks that a thousand snapshots share are moved with each node written once, whoever has it. Rewriting the way
 * of each snapshot by itself would take three nodes for each.
 */
class RelocationScaleTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int MAPPED = 400;
    private static final int SNAPSHOTS = 1000;

    /** Metadata blocks more than before, of a pool whose snapshots have so many nodes each. */
    private static final int BOUND = 20;

    @Test
    void rl2AThousandSnapshotsTakeNoMoreMetadataThanBefore() throws StorageException {
        SimulatedDisk metadata = new SimulatedDisk(16 << 20);
        SimulatedDisk data = new SimulatedDisk(1000L * BLOCK);
        SimPool.format(metadata, data);
        PoolOptions options = SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(metadata, data), 0);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1, options)) {
            ThinVolume v = sim.create("v", (long) MAPPED * BLOCK);
            for (int i = 0; i < MAPPED; i += 50) {
                assertEquals(Errno.OK, sim.write(v, (long) i * BLOCK, ThinPoolTest.bytes(i, 50 * BLOCK)));
            }
            for (int i = 0; i < SNAPSHOTS; i++) {
                sim.await(sim.pool.createSnapshot("v", "s" + i, false));
                if (i % 4 == 0) {
                    // So that roots differ, and leaves are shared by several.
                    assertEquals(Errno.OK, sim.write(v, (long) (i / 4) * BLOCK, ThinPoolTest.bytes(i, 512)));
                }
            }
            sim.flush(v);
            sim.loops.advance(3_000_000_000L);
            final long before = sim.status().metadataBlocksUsed();
            final long used = sim.status().dataBlocksUsed();
            final byte[] first = sim.read(sim.pool.openVolume("s0"), 20L * BLOCK, 100 * BLOCK);
            JobRig jobs = new JobRig(sim);
            // From behind the catalog on: most of what the snapshots share.
            long most = 0;
            JobInfo job = sim.await(sim.pool.jobs().evacuate(20L * BLOCK, 300L * BLOCK, false));
            while (!job.state().isFinal()) {
                sim.loops.advance(2_000_000L);
                most = Math.max(most, sim.status().metadataBlocksUsed());
                job = jobs.show(job.id());
            }
            assertEquals(JobInfo.State.DONE, job.state(), job.message());
            sim.loops.advance(3_000_000_000L);
            long after = sim.status().metadataBlocksUsed();
            System.out.printf(
                    "metadata blocks before %d, after %d, at most %d; bound %d, rewritten for each of"
                            + " %d snapshots %d%n",
                    before, after, most, before + BOUND, SNAPSHOTS, before + 3 * SNAPSHOTS);
            assertTrue(after <= before + BOUND, "metadata blocks: " + before + " before, " + after + " after");
            assertTrue(most <= before + BOUND, "metadata blocks: " + before + " before, " + most + " meanwhile");
            assertEquals(used, sim.status().dataBlocksUsed(), "sharing was kept");
            assertArrayEquals(first, sim.read(sim.pool.openVolume("s0"), 20L * BLOCK, 100 * BLOCK));
        }
        SimPool.assertSound(metadata, "after the move");
    }
}
