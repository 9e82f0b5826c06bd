package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolMode;
import org.junit.jupiter.api.Test;

/** A plan for which there is too little metadata is refused before anything is changed, with the figures. */
class JobEstimateTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int MAPPED = 12_000;

    private final SimulatedDisk metadata = new SimulatedDisk(150 * 4096);
    private final VoidDisk data = new VoidDisk(30_000L * BLOCK);

    @Test
    void aCopyAndACloneSayWhatTheyTakeAndWhatIsFree() throws StorageException {
        SimPool.format(metadata, data);
        SimPool sim = SimPool.open(metadata, data, 1, 1);
        ThinVolume a = sim.create("a", (long) MAPPED * BLOCK);
        for (int i = 0; i < MAPPED; i++) {
            assertEquals(Errno.OK, sim.write(a, (long) i * BLOCK, new byte[512]), "block " + i);
        }
        a.close();
        sim.snapshot("a", "s").close();
        sim.create("b", (long) MAPPED * BLOCK).close();
        sim.loops.advance(3_000_000_000L);
        long mapped = sim.status().dataBlocksUsed();
        JobRig jobs = new JobRig(sim);
        for (JobInfo job : new JobInfo[] {
            jobs.finish(jobs.start(JobRig.whole("a", "b"))),
            jobs.finish(sim.await(sim.pool.jobs().makeIndependent("s")))
        }) {
            assertEquals(JobInfo.State.FAILED, job.state(), job.toString());
            long needed = MAPPED / 126 * 4096L;
            assertTrue(job.message().contains("about " + needed + " bytes of metadata, "), job.message());
            assertTrue(job.message().contains(" are free; delete snapshots or enlarge"), job.message());
        }
        assertEquals(mapped, sim.status().dataBlocksUsed());
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        sim.shutDown();
        SimPool.assertSound(metadata, "refused");
    }
}
