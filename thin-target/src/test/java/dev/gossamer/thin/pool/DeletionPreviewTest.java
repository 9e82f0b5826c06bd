package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.SetSpace;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.commit.Committer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** What deleting a set of volumes frees is told before, to the block (AC-10). */
class DeletionPreviewTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int VOLUME_BLOCKS = 40;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SimulatedDisk data = new SimulatedDisk(2000L * BLOCK);
    private SplittableRandom random = Seeds.splittable(0);
    private SimPool sim;
    private int named;

    private void open(long seed) throws StorageException {
        random = Seeds.splittable(seed);
        metadata.writeNow(0, new byte[4096]);
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, seed, 1);
    }

    private SetSpace ifDeleted(String... names) throws StorageException {
        return sim.await(sim.pool.space().ifDeleted(new TreeSet<>(Set.of(names))));
    }

    private void write(String name, int from, int to) {
        ThinVolume volume = sim.pool.openVolume(name);
        for (int i = from; i < to; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, 512)));
        }
        assertEquals(Errno.OK, sim.flush(volume));
        volume.close();
    }

    private void delete(String name) throws StorageException {
        sim.await(sim.pool.deleteVolume(name));
    }

    private long used() throws StorageException {
        sim.loops.advance(20 * Committer.PERIOD_NANOS);
        return sim.status().dataBlocksUsed();
    }

    @Test
    void ac10TwoThatShareFreeTogetherWhatNeitherDoesAlone() throws StorageException {
        open(1);
        sim.create("v", (long) VOLUME_BLOCKS * BLOCK).close();
        write("v", 0, 30);
        sim.await(sim.pool.createSnapshot("v", "s", false));
        sim.await(sim.pool.createSnapshot("v", "t", false));
        write("v", 0, 10);
        write("s", 20, 25);
        SetSpace alone = ifDeleted("v");
        assertEquals(10L * BLOCK, alone.freedBytes());
        assertEquals(Set.of("s", "t"), Set.copyOf(alone.sharedWith()));
        assertTrue(alone.exact() && !alone.heldBySnapshot());
        assertEquals(15L * BLOCK, ifDeleted("v", "s").freedBytes());
        assertEquals(List.of("t"), ifDeleted("v", "s").sharedWith());
        SetSpace all = ifDeleted("v", "s", "t");
        assertEquals(45L * BLOCK, all.freedBytes());
        assertEquals(List.of(), all.sharedWith());
        sim.await(sim.pool.reserveMetadataSnapshot());
        SetSpace held = ifDeleted("v", "s", "t");
        assertEquals(0, held.freedBytes());
        assertTrue(held.heldBySnapshot());
        StorageException unknown = assertThrows(
                StorageException.class, () -> sim.await(sim.pool.space().ifDeleted(Set.of("v", "x"))));
        assertEquals(Errno.ENOENT, unknown.errno());
        sim.close();
    }

    /** Others write between the steps. */
    @Test
    void ac10WhatHasChangedMeanwhileIsNoLongerExact() throws StorageException {
        open(2);
        ThinVolume v = sim.create("v", (long) VOLUME_BLOCKS * BLOCK);
        write("v", 0, 30);
        CompletableFuture<SetSpace> answer = sim.pool.space().ifDeleted(Set.of("v"));
        sim.start(0, v, BlockOperation.WRITE, 35L * BLOCK, 512, 0, new byte[512]);
        SetSpace found = sim.await(answer);
        assertTrue(found.freedBytes() >= 30L * BLOCK && found.freedBytes() <= 31L * BLOCK, found.toString());
        assertFalse(found.exact());
        v.close();
        sim.close();
    }

    /** Snapshots, their snapshots, clones of ranges, trims; then some of the volumes are deleted. */
    @Test
    void ac10RandomSetsFreeWhatWasSaid() throws StorageException {
        int sets = 0;
        for (int seed = 0; seed < 60; seed++) {
            open(seed);
            sim.create("v", (long) VOLUME_BLOCKS * BLOCK).close();
            for (int step = 0; step < 30; step++) {
                change();
            }
            while (sim.pool.volumeCount() > 0) {
                List<String> names = new ArrayList<>(
                        sim.pool.volumes().stream().map(VolumeInfo::name).toList());
                Collections.shuffle(names, Seeds.random(random.nextInt()));
                List<String> chosen = names.subList(0, 1 + random.nextInt(names.size()));
                long before = used();
                SetSpace said = ifDeleted(chosen.toArray(new String[0]));
                assertTrue(said.exact(), "seed " + seed);
                for (String name : chosen) {
                    delete(name);
                }
                assertEquals(before - used(), said.freedBytes() / BLOCK, "seed " + seed + ": " + chosen);
                sets++;
            }
            sim.close();
        }
        assertTrue(sets > 100, sets + " sets");
    }

    private void change() throws StorageException {
        List<VolumeInfo> volumes = sim.pool.volumes();
        String name = volumes.get(random.nextInt(volumes.size())).name();
        int from = random.nextInt(VOLUME_BLOCKS);
        int to = from + 1 + random.nextInt(VOLUME_BLOCKS - from);
        switch (random.nextInt(8)) {
            case 0, 1, 2 -> write(name, from, to);
            case 3 -> {
                ThinVolume volume = sim.pool.openVolume(name);
                assertEquals(Errno.OK, sim.trim(volume, (long) from * BLOCK, (long) (to - from) * BLOCK));
                volume.close();
            }
            case 4 -> {
                String other = volumes.get(random.nextInt(volumes.size())).name();
                long target = (long) random.nextInt(VOLUME_BLOCKS - (to - from) + 1) * BLOCK;
                long length = (long) (to - from) * BLOCK;
                JobRig jobs = new JobRig(sim);
                try {
                    CloneSpec spec = new CloneSpec(name, (long) from * BLOCK, length, other, target, false);
                    jobs.finish(jobs.start(spec, JobRig.steps(8)));
                } catch (StorageException e) {
                    assertEquals(Errno.EINVAL, e.errno(), "ranges of one volume that overlap");
                }
            }
            default -> {
                if (volumes.size() < 7) {
                    sim.await(sim.pool.createSnapshot(name, "s" + named++, false));
                }
            }
        }
    }
}
