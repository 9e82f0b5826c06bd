package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.device.HeldRange;
import dev.gossamer.thin.job.RangeLocks;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Btrfs' race of clone and relocation, step by step: a clone has read a mapping, relocation moves the block, the clone
 * adds a reference to the block that is free now. Here relocation waits for the clone's range; without that the wrong
 * reference is noticed before it is made.
 */
class RelocationSeedTest {
    private static final int BLOCK = SimPool.BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(32L * BLOCK);
    private final Runnable[] rest = new Runnable[1];
    private final byte[] contents = ThinPoolTest.bytes(1, 4 * BLOCK);
    private SimPool sim;
    private JobRig jobs;

    @BeforeEach
    void twoVolumes() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 1);
        jobs = new JobRig(sim);
        for (String name : List.of("a", "b")) {
            ThinVolume volume = sim.create(name, 8L * BLOCK);
            if (name.equals("a")) {
                sim.write(volume, 0, contents);
            }
            volume.close();
        }
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private JobInfo cloneThatHasReadItsMappings(RangeLocks locks) throws StorageException {
        JobInfo clone = jobs.start(new CloneSpec("a", 0, 4L * BLOCK, "b", 0, false), next -> rest[0] = next, locks);
        sim.loops.advance(100_000_000L);
        assertTrue(rest[0] != null, "the clone has read its mappings");
        return clone;
    }

    private JobInfo relocation() throws StorageException {
        return sim.await(sim.pool.jobs().evacuate(2L * BLOCK, 12L * BLOCK, false));
    }

    @Test
    void rl1RelocationWaitsForTheRangeOfAClone() throws StorageException {
        JobInfo clone = cloneThatHasReadItsMappings(sim.pool.parts.rangeLocks);
        JobInfo move = relocation();
        sim.loops.advance(10_000_000_000L);
        move = jobs.show(move.id());
        assertEquals(JobInfo.State.RUNNING, move.state());
        assertEquals(0, move.doneBytes(), "nothing has moved");
        sim.loops.enter(1, rest[0]);
        assertEquals(JobInfo.State.DONE, jobs.finish(clone).state());
        move = jobs.finish(move);
        assertEquals(JobInfo.State.DONE, move.state(), move.message());
        for (String name : List.of("a", "b")) {
            ThinVolume volume = sim.pool.openVolume(name);
            assertArrayEquals(contents, sim.read(volume, 0, 4 * BLOCK), name);
            volume.close();
        }
        assertEquals(4 + 2, sim.status().dataBlocksUsed(), "shared, with the catalog");
    }

    @Test
    void withoutTheLockTheReferenceToAFreeBlockIsNoticed() throws StorageException {
        JobInfo clone = cloneThatHasReadItsMappings(new NoLocks(sim.pool.parts));
        JobInfo move = jobs.finish(relocation());
        assertEquals(JobInfo.State.DONE, move.state(), "relocation did not wait");
        sim.loops.enter(1, rest[0]);
        clone = jobs.finish(clone);
        assertEquals(JobInfo.State.FAILED, clone.state());
        assertTrue(clone.message().matches("data block [0-9]+ is free, and cannot get another owner"), clone.message());
        ThinVolume b = sim.pool.openVolume("b");
        assertFalse(Arrays.equals(contents, sim.read(b, 0, 4 * BLOCK)));
        b.close();
    }

    /** Grants everything at once and keeps nobody off. */
    private static final class NoLocks extends RangeLocks {
        NoLocks(PoolParts parts) {
            super(parts.loop, parts.cells, parts.maps, parts.inFlight);
        }

        @Override
        public void acquire(List<HeldRange> ranges, Runnable whenHeld) {
            whenHeld.run();
        }

        @Override
        public void release(List<HeldRange> ranges) {
            // Nothing is held.
        }
    }
}
