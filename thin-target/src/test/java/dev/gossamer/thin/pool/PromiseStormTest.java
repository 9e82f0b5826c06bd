package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.ThinDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A pool of a few dozen blocks, always nearly full, with volumes that space is promised to, and everything that makes
 * blocks shared or free (rules AC-1, AC-13, AC-14). At every moment what is needed is there; a write within a promise
 * finds space; own blocks are what a recount finds, as soon as they are known.
 */
class PromiseStormTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int VOLUME_BLOCKS = 12;
    private static final int MAX_VOLUMES = 7;
    private static final int STEPS = 900;

    private SimulatedDisk metadata;
    private SimulatedDisk data;
    private SplittableRandom random;
    private PoolOptions options;
    private SimPool sim;
    private int named;
    private int promised;
    private int refused;
    private int outOfSpace;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void whatIsPromisedIsThere(long seed) throws StorageException {
        random = Seeds.splittable(seed);
        metadata = new SimulatedDisk(2 << 20);
        data = new SimulatedDisk((30L + random.nextInt(12)) * BLOCK);
        SimPool.format(metadata, data);
        options = SimPool.OPTIONS.withEmergency(random.nextInt(4) * (long) BLOCK);
        sim = SimPool.open(metadata, data, seed, 2, options);
        for (int step = 0; step < STEPS; step++) {
            String where = "seed " + seed + ", step " + step;
            try {
                step(where);
            } catch (StorageException e) {
                boolean known = e.errno() == Errno.ENOSPC || e.errno() == Errno.EBUSY || e.errno() == Errno.EINVAL;
                assertTrue(known, where + ": " + e.getMessage());
                refused += e.getMessage().contains("promise") ? 1 : 0;
            }
            OwnRecount.check(sim, where);
        }
        OwnRecount.check(sim, "at the end");
        sim.shutDown();
        SimPool.assertSound(metadata, "seed " + seed);
        assertTrue(promised > 10 && refused > 3 && outOfSpace > 0, promised + ", " + refused + ", " + outOfSpace);
    }

    private void step(String where) throws StorageException {
        List<VolumeInfo> volumes = sim.pool.volumes();
        int what = random.nextInt(100);
        if (volumes.isEmpty() || (what < 6 && volumes.size() < MAX_VOLUMES)) {
            VolumeSpec spec = new VolumeSpec("v" + named++, (long) VOLUME_BLOCKS * BLOCK, someLimits());
            sim.await(sim.pool.createVolume(spec));
            return;
        }
        String name = any(volumes).name();
        if (what < 50) {
            write(where, writable(volumes));
        } else if (what < 60) {
            forget(writable(volumes));
        } else if (what < 70 && volumes.size() < MAX_VOLUMES) {
            sim.await(sim.pool.createSnapshots(group(volumes)));
        } else if (what < 75) {
            sim.await(sim.pool.limitVolume(name, someLimits()));
        } else if (what < 80) {
            sim.await(sim.pool.deleteVolume(name));
        } else if (what < 84) {
            rollBack(volumes);
        } else if (what < 88) {
            sim.await(sim.pool.resizeVolume(name, (1L + random.nextInt(VOLUME_BLOCKS)) * BLOCK, true));
        } else if (what < 91) {
            metadataSnapshot();
        } else if (what < 94) {
            cloneRange(volumes);
        } else if (what < 97) {
            sim.loops.advance(random.nextLong(2 * Committer.PERIOD_NANOS));
        } else {
            reopen(where);
        }
    }

    private VolumeInfo any(List<VolumeInfo> volumes) {
        return volumes.get(random.nextInt(volumes.size()));
    }

    private String writable(List<VolumeInfo> volumes) {
        List<VolumeInfo> writable =
                volumes.stream().filter(each -> !each.readOnly()).toList();
        return writable.isEmpty() ? null : any(writable).name();
    }

    private VolumeLimits someLimits() {
        boolean critical = random.nextInt(4) == 0;
        return switch (random.nextInt(6)) {
            case 0 -> new VolumeLimits(0, 0, true, critical, null, 0);
            case 1, 2 -> new VolumeLimits(0, (1L + random.nextInt(VOLUME_BLOCKS)) * BLOCK, false, critical, null, 0);
            default -> new VolumeLimits(0, 0, false, critical, null, 0);
        };
    }

    /** Several at a time; as many as the volume needs must not fail. */
    private void write(String where, String name) {
        if (name == null) {
            return;
        }
        ThinDevice device = sim.pool.parts.devices.named(name);
        long blocks = device.sizeBytes() / BLOCK;
        boolean certain = !sim.pool.parts.devices.account().isCounting();
        long need = certain ? device.account().need() : 0;
        ThinVolume volume = sim.pool.openVolume(name);
        List<SimHarness.Result> writes = new ArrayList<>();
        int count = 1 + random.nextInt(Math.clamp(need, 1, 4));
        for (int i = 0; i < count; i++) {
            int length = random.nextBoolean() ? BLOCK : 512;
            long at = random.nextLong(blocks) * BLOCK;
            writes.add(sim.start(random.nextInt(2), volume, BlockOperation.WRITE, at, length, 0, new byte[length]));
        }
        int failed = 0;
        for (SimHarness.Result write : writes) {
            int errno = ended(write);
            assertTrue(errno == Errno.OK || errno == Errno.ENOSPC, where + ": errno " + errno);
            failed += errno == Errno.OK ? 0 : 1;
        }
        if (need >= count) {
            assertEquals(0, failed, where + ": " + name + " needed " + need + " blocks");
            promised++;
        }
        outOfSpace += failed;
        if (random.nextInt(4) == 0) {
            assertEquals(Errno.OK, sim.flush(volume), where);
        }
        volume.close();
    }

    /** Discards have pauses, and so has reclaiming: who waits for them waits some milliseconds. */
    private int ended(SimHarness.Result write) {
        sim.loops.runUntilIdle();
        for (int i = 0; i < 20 && !write.isDone(); i++) {
            sim.loops.advance(Committer.PERIOD_NANOS / 10);
        }
        return sim.finish(write).errno;
    }

    private void forget(String name) {
        if (name == null) {
            return;
        }
        ThinVolume volume = sim.pool.openVolume(name);
        long blocks = sim.pool.volume(name).sizeBytes() / BLOCK;
        long from = random.nextLong(blocks);
        long count = 1 + random.nextLong(blocks - from);
        if (random.nextInt(3) == 0) {
            int errno = ended(sim.start(0, volume, BlockOperation.WRITE_ZEROES, from * BLOCK, count * BLOCK, 0, null));
            assertTrue(errno == Errno.OK || errno == Errno.ENOSPC, "errno " + errno);
        } else {
            assertEquals(Errno.OK, sim.trim(volume, from * BLOCK, count * BLOCK));
        }
        volume.close();
    }

    private List<SnapshotSpec> group(List<VolumeInfo> volumes) {
        String first = any(volumes).name();
        String second = any(volumes).name();
        List<SnapshotSpec> specs = new ArrayList<>();
        specs.add(new SnapshotSpec(first, "s" + named++, random.nextBoolean()));
        if (!first.equals(second) && volumes.size() + 2 <= MAX_VOLUMES) {
            specs.add(new SnapshotSpec(second, "s" + named++, random.nextBoolean()));
        }
        return specs;
    }

    private void rollBack(List<VolumeInfo> volumes) throws StorageException {
        VolumeInfo from = any(volumes);
        for (VolumeInfo info : volumes) {
            if (info.id() == from.originId() && volumes.size() < MAX_VOLUMES && !info.readOnly()) {
                sim.await(sim.pool.rollBack(info.name(), from.name(), "k" + named++));
                return;
            }
        }
    }

    private void metadataSnapshot() throws StorageException {
        CompletableFuture<?> done =
                sim.status().heldRoot() == 0 ? sim.pool.reserveMetadataSnapshot() : sim.pool.releaseMetadataSnapshot();
        sim.await(done);
    }

    private void cloneRange(List<VolumeInfo> volumes) throws StorageException {
        VolumeInfo from = any(volumes);
        VolumeInfo to = any(volumes);
        if (!to.readOnly()) {
            int blocks = 1 + random.nextInt(4);
            CloneSpec spec = new CloneSpec(
                    from.name(),
                    random.nextInt(VOLUME_BLOCKS) * (long) BLOCK,
                    (long) blocks * BLOCK,
                    to.name(),
                    random.nextInt(VOLUME_BLOCKS) * (long) BLOCK,
                    false);
            JobRig jobs = new JobRig(sim);
            jobs.finish(jobs.start(spec, JobRig.steps(2)));
        }
    }

    /** Cut off or closed; what is promised holds although it is not known yet what volumes have. */
    private void reopen(String where) throws StorageException {
        if (random.nextBoolean()) {
            sim.close();
            metadata.crash(random);
            data.crash(random);
        } else {
            sim.shutDown();
        }
        SimPool.assertSound(metadata, where);
        sim = SimPool.open(metadata, data, random.nextLong(), 2, options);
        if (random.nextBoolean()) {
            write(where, writable(sim.pool.volumes()));
        }
        sim.loops.runUntilIdle();
        assertTrue(!sim.pool.parts.devices.account().isCounting(), where + ": not counted");
    }
}
