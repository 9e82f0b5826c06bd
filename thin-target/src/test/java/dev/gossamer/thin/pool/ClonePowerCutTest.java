package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Power fails after every device operation of a clone in steps, or the n-th operation of the metadata device fails, for
 * every n: the metadata is sound, the source is whole, and the destination has a prefix of whole steps (CL-6, I-6);
 * all of it once the job has said that it is done (CL-7).
 */
class ClonePowerCutTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 12;
    private static final int STEP = 3;
    private static final long VOLUME = (long) BLOCKS * BLOCK;

    private final SimulatedDisk metadataBase = new SimulatedDisk(1 << 20);
    private final SimulatedDisk dataBase = new SimulatedDisk(48L * BLOCK);
    private final byte[] source = new byte[(int) VOLUME];
    private final byte[] old = new byte[(int) VOLUME];

    /** Both have blocks of their own, holes, and blocks that a snapshot shares. */
    @BeforeEach
    void twoVolumes() throws StorageException {
        SimPool.format(metadataBase, dataBase);
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 1)) {
            ThinVolume a = sim.create("a", VOLUME);
            ThinVolume b = sim.create("b", VOLUME);
            fill(sim, a, source, 1, 0, 5);
            fill(sim, b, old, 2, 3, 6);
            sim.snapshot("a", "s").close();
            sim.snapshot("b", "t").close();
            fill(sim, a, source, 3, 4, 4);
            fill(sim, b, old, 4, 8, 3);
            a.close();
            b.close();
            sim.shutDown();
        }
    }

    private static void fill(SimPool sim, ThinVolume volume, byte[] model, int seed, int from, int blocks) {
        byte[] bytes = ThinPoolTest.bytes(seed, blocks * BLOCK);
        System.arraycopy(bytes, 0, model, from * BLOCK, bytes.length);
        assertEquals(Errno.OK, sim.write(volume, (long) from * BLOCK, bytes));
    }

    private final PowerCuts<Boolean> cuts = new PowerCuts<>(metadataBase, dataBase) {
        @Override
        Boolean act(SimPool sim, PoolOptions options) throws StorageException {
            return cloneWithCommitsBetween(sim);
        }

        // A read that fails before anything is changed ends the job, and nothing else.
        @Override
        void failed(SimPool sim, Boolean done, BlockOperation operation) {
            boolean harmless = done || operation == BlockOperation.READ;
            assertTrue(
                    harmless || sim.pool.mode() == PoolMode.READ_ONLY,
                    sim.pool.mode().toString());
        }

        @Override
        void check(SimulatedDisk metadata, SimulatedDisk data, Boolean done, String where) throws StorageException {
            checkPrefix(metadata, data, done, where);
        }
    };

    @Test
    void everyCutLeavesAPrefixOfWholeSteps() throws StorageException {
        cuts.cutEach(10);
    }

    @ParameterizedTest
    @EnumSource(names = {"READ", "WRITE", "FLUSH"})
    void everyFailureOfTheMetadataLeavesAPrefixOfWholeSteps(BlockOperation operation) throws StorageException {
        cuts.failEach(operation, true, 3);
    }

    /** @return whether it has said that it is done */
    private static boolean cloneWithCommitsBetween(SimPool sim) throws StorageException {
        JobRig jobs = new JobRig(sim);
        ThinVolume b = sim.pool.openVolume("b");
        JobInfo job = null;
        try {
            job = jobs.start(JobRig.whole("a", "b"), JobRig.steps(STEP));
        } catch (StorageException e) {
            return false;
        }
        long seen = 0;
        for (int i = 0; i < 100 && !job.state().isFinal(); i++) {
            sim.loops.advance(500_000L);
            job = jobs.show(job.id());
            if (job.doneBytes() > seen && job.doneBytes() % (2 * STEP * BLOCK) == 0) {
                seen = job.doneBytes();
                sim.start(0, b, BlockOperation.FLUSH, 0, 0, 0, null);
            }
        }
        sim.loops.runUntilIdle();
        assertTrue(job.state().isFinal(), "the job hangs");
        return job.state() == JobInfo.State.DONE;
    }

    private void checkPrefix(SimulatedDisk metadata, SimulatedDisk data, boolean done, String where)
            throws StorageException {
        SimPool.assertSound(metadata, where);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            assertArrayEquals(source, sim.read(sim.pool.openVolume("a"), 0, (int) VOLUME), where + ", source");
            byte[] found = sim.read(sim.pool.openVolume("b"), 0, (int) VOLUME);
            int steps = 0;
            while (steps * STEP < BLOCKS && !Arrays.equals(found, prefix(steps))) {
                steps++;
            }
            assertArrayEquals(prefix(steps), found, where + ", no prefix of whole steps");
            assertTrue(!done || steps * STEP >= BLOCKS, where + ": done, but not there");
        }
    }

    private byte[] prefix(int steps) {
        byte[] expected = old.clone();
        System.arraycopy(source, 0, expected, 0, Math.min(BLOCKS, steps * STEP) * BLOCK);
        return expected;
    }
}
