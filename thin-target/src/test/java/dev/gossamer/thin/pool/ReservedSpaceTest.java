package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What volumes need is kept as a sum, and always what counting it anew gives (rules S-6, AC-1, AC-13). */
class ReservedSpaceTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int VOLUME_BLOCKS = 40;
    private static final int SEEDS = 20;
    private static final int STEPS = 120;

    private final FaultPlan faults = new FaultPlan();
    private final FaultPlan dataFaults = new FaultPlan();
    private SplittableRandom random;
    private SimulatedDisk metadata;
    private SimulatedDisk data;
    private SimPool sim;
    private int named;

    @Test
    void theSumIsWhatARecountFinds() throws StorageException {
        for (int seed = 0; seed < SEEDS; seed++) {
            random = Seeds.splittable(seed);
            metadata = new SimulatedDisk(4 << 20);
            data = new SimulatedDisk(300L * BLOCK);
            SimPool.format(metadata, data);
            sim = open();
            for (int step = 0; step < STEPS; step++) {
                try {
                    step();
                } catch (StorageException e) {
                    boolean expected =
                            e.errno() == Errno.ENOSPC || e.getMessage().contains("is no snapshot of");
                    assertTrue(expected, e.getMessage());
                }
                OwnRecount.check(sim, "seed " + seed + " step " + step);
            }
            abort();
            sim.loops.advance(100 * Committer.PERIOD_NANOS);
            OwnRecount.check(sim, "seed " + seed + " after an abort");
            assertEquals(3, sim.status().space().dataBlocksReserved(), "the block is lost, and counted no more");
            sim.close();
        }
    }

    private SimPool open() throws StorageException {
        return SimPool.open(new FaultyDevice(metadata, faults), new FaultyDevice(data, dataFaults), 1, 1);
    }

    private void step() throws StorageException {
        List<VolumeInfo> volumes = sim.pool.volumes();
        int what = random.nextInt(100);
        if (volumes.isEmpty() || what < 10) {
            VolumeLimits limits = new VolumeLimits(0, someReserve(), null);
            sim.await(sim.pool.createVolume(new VolumeSpec("v" + named++, (long) VOLUME_BLOCKS * BLOCK, limits)));
            return;
        }
        String name = volumes.get(random.nextInt(volumes.size())).name();
        if (what < 60) {
            transfer(name);
        } else if (what < 70) {
            sim.await(sim.pool.limitVolume(name, new VolumeLimits(0, someReserve(), null)));
        } else if (what < 80) {
            sim.await(sim.pool.createSnapshot(name, "s" + named++, false));
        } else if (what < 84) {
            sim.await(sim.pool.resizeVolume(name, (1L + random.nextInt(2 * VOLUME_BLOCKS)) * BLOCK, true));
        } else if (what < 90) {
            sim.await(sim.pool.deleteVolume(name));
        } else if (what < 94) {
            rollBack();
        } else if (what < 97) {
            sim.await(sim.pool.renameVolume(name, "r" + named++));
        } else {
            sim.shutDown();
            sim = open();
            OwnRecount.checkAll(sim, "reopened");
        }
    }

    private void transfer(String name) {
        ThinVolume volume = sim.pool.openVolume(name);
        long blocks = sim.pool.volume(name).sizeBytes() / BLOCK;
        if (random.nextInt(4) == 0) {
            // Blocks in preparation are given back.
            dataFaults.fail(BlockOperation.WRITE, 1 + random.nextInt(4), Errno.EIO);
        }
        for (int i = 0; i < 8; i++) {
            long at = random.nextLong(blocks) * BLOCK;
            boolean trim = random.nextInt(3) == 0;
            sim.start(
                    0,
                    volume,
                    trim ? BlockOperation.DISCARD : BlockOperation.WRITE,
                    at,
                    BLOCK,
                    0,
                    trim ? null : new byte[BLOCK]);
        }
        sim.loops.runUntilIdle();
        dataFaults.heal();
        sim.flush(volume);
        volume.close();
    }

    private void rollBack() throws StorageException {
        for (VolumeInfo info : sim.pool.volumes()) {
            VolumeInfo origin = sim.pool.volumes().stream()
                    .filter(each -> each.id() == info.originId())
                    .findFirst()
                    .orElse(null);
            if (origin != null && random.nextBoolean()) {
                sim.await(sim.pool.rollBack(origin.name(), info.name(), "k" + named++));
                return;
            }
        }
    }

    /** Changes that no commit has are lost, and what they took with them. */
    private void abort() throws StorageException {
        for (VolumeInfo info : sim.pool.volumes()) {
            sim.await(sim.pool.deleteVolume(info.name()));
        }
        sim.loops.advance(100 * Committer.PERIOD_NANOS);
        sim.await(sim.pool.createVolume(
                new VolumeSpec("last", (long) VOLUME_BLOCKS * BLOCK, new VolumeLimits(0, 3L * BLOCK, null))));
        ThinVolume volume = sim.pool.openVolume("last");
        sim.write(volume, 0, new byte[BLOCK]);
        faults.failAlways(BlockOperation.WRITE, Errno.EIO);
        assertEquals(Errno.EIO, sim.flush(volume));
        faults.heal();
        volume.close();
    }

    private long someReserve() {
        return random.nextInt(3) == 0 ? 0 : (long) random.nextInt(30) * BLOCK;
    }
}
