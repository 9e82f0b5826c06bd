package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.job.Stepping;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Range clones at the ends of volumes that get other sizes meanwhile (CL-1). */
class CloneTailTest {
    private static final int BLOCK = SimPool.BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(2 << 20);
    private final SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
    private SimPool sim;
    private JobRig jobs;

    @BeforeEach
    void open() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2);
        jobs = new JobRig(sim);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    /** What a volume's last block holds behind its end was cut off, and shows in no other volume. */
    @Test
    void cl1APartOfABlockIsClonedOnlyWhileItIsTheLastOfBoth() throws StorageException {
        byte[] bytes = ThinPoolTest.bytes(1, 2 * BLOCK);
        long cut = BLOCK + 4096L;
        for (String grown : new String[] {"d1", "s2"}) {
            String source = grown.equals("s2") ? "s2" : "s1";
            String target = grown.equals("s2") ? "d2" : "d1";
            ThinVolume s = sim.create(source, 2L * BLOCK);
            assertEquals(Errno.OK, sim.write(s, 0, bytes));
            s.close();
            sim.await(sim.pool.resizeVolume(source, cut, false));
            sim.create(target, cut).close();
            JobInfo job = jobs.start(JobRig.whole(source, target), JobRig.steps(1));
            sim.await(sim.pool.jobs().pause(job.id()));
            sim.await(sim.pool.resizeVolume(grown, 2L * BLOCK, false));
            sim.await(sim.pool.jobs().resume(job.id()));
            JobInfo over = jobs.finish(job);
            assertEquals(JobInfo.State.FAILED, over.state(), over.message());
            assertTrue(over.message().contains("volume " + grown + " has got another size"), over.message());
            if (target.equals("d2")) {
                sim.await(sim.pool.resizeVolume(target, 2L * BLOCK, false));
            }
            ThinVolume d = sim.pool.openVolume(target);
            assertArrayEquals(new byte[BLOCK - 4096], sim.read(d, cut, BLOCK - 4096), target);
            d.close();
        }
    }

    @Test
    void cl1WhatIsCutOffWhileTheSourceIsHeldOrBeforeIsNotCloned() throws StorageException {
        ThinVolume s = sim.create("s", 2L * BLOCK);
        assertEquals(Errno.OK, sim.write(s, 0, ThinPoolTest.bytes(1, 2 * BLOCK)));
        s.close();
        sim.create("d", 2L * BLOCK).close();
        JobInfo job = jobs.start(JobRig.whole("s", "d"), JobRig.steps(1));
        sim.await(sim.pool.jobs().pause(job.id()));
        sim.await(sim.pool.resizeVolume("s", BLOCK + 4096L, true));
        sim.await(sim.pool.jobs().resume(job.id()));
        JobInfo over = jobs.finish(job);
        assertTrue(over.message().contains("volume s has become smaller"), over.message());
        ThinVolume d = sim.pool.openVolume("d");
        assertArrayEquals(new byte[BLOCK - 4096], sim.read(d, BLOCK + 4096L, BLOCK - 4096));
        d.close();
        // The target grows between the look at the source's mappings and the change.
        sim.create("e", BLOCK + 4096L).close();
        List<Runnable> held = new ArrayList<>();
        job = jobs.start(JobRig.whole("s", "e"), new Stepping() {
            @Override
            public void between(Runnable next) {
                held.add(next);
            }

            @Override
            public int stepBlocks() {
                return 8;
            }
        });
        sim.loops.advance(100_000_000L);
        sim.await(sim.pool.resizeVolume("e", 2L * BLOCK, false));
        sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            held.forEach(Runnable::run);
            return null;
        }));
        over = jobs.finish(job);
        assertTrue(over.message().contains("volume e has got another size"), over.message());
        ThinVolume e = sim.pool.openVolume("e");
        assertArrayEquals(new byte[2 * BLOCK], sim.read(e, 0, 2 * BLOCK));
        e.close();
    }
}
