package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.OwnedRun;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.VolumeSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whoever meets damage in a volume's metadata, it is the volume's from then on, and seen in the list (D-8). */
class DamageNotedTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int MAPPED = 1500;
    private static final long VOLUME = 4096L * BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final VoidDisk data = new VoidDisk(4 * VOLUME);
    private SimPool sim;

    private interface Job {
        CompletableFuture<JobInfo> start();
    }

    private interface Question {
        void ask() throws StorageException;
    }

    /** Volume v has a last leaf that cannot be read; s has none of its nodes; w is sound. */
    @BeforeEach
    void damageOneLeaf() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2);
        for (String name : new String[] {"v", "w"}) {
            ThinVolume volume = sim.create(name, VOLUME);
            fill(volume);
            volume.close();
        }
        ThinVolume snapshot = sim.snapshot("v", "s");
        fill(snapshot);
        snapshot.close();
        sim.shutDown();
        ForgedMetadata forged = new ForgedMetadata(metadata);
        ByteBuffer root = forged.block(forged.mappingsOf(0));
        long leaf = root.getLong(ForgedMetadata.valueOffset(root, root.getInt(16) - 1));
        metadata.writeNow(leaf * 4096, new byte[4096]);
        sim = SimPool.open(metadata, data, 1, 2);
        assertNull(sim.pool.volume("v").damage(), "nobody has met it");
    }

    private void fill(ThinVolume volume) {
        for (int i = 0; i < MAPPED; i++) {
            assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, new byte[512]));
        }
        assertEquals(Errno.OK, sim.flush(volume));
    }

    private void assertNoted(Question question) throws StorageException {
        question.ask();
        assertNotNull(sim.pool.volume("v").damage(), "nobody knows of the damage");
        assertNull(sim.pool.volume("w").damage());
        assertNull(sim.pool.volume("s").damage());
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        sim.shutDown();
    }

    @Test
    void byCountingItsSpace() throws StorageException {
        assertNoted(() -> assertThrows(
                StorageException.class, () -> sim.await(sim.pool.space().of("v"))));
    }

    @Test
    void byItsStatusLine() throws StorageException {
        assertNoted(() -> assertThrows(StorageException.class, () -> sim.await(sim.pool.dmStatus())));
    }

    @Test
    void byAskingForItsMap() throws StorageException {
        assertNoted(() -> ask("v", "base:allocation"));
    }

    @Test
    void byComparingAnotherVolumeWithIt() throws StorageException {
        assertNoted(() -> ask("s", "qemu:dirty-bitmap:v"));
    }

    private void ask(String name, String context) throws StorageException {
        ThinVolume volume = sim.pool.openVolume(name);
        try (StatusContext its = sim.pool.statusContexts().resolve(name, context)) {
            AskedStatus asked = new AskedStatus(sim.loops);
            long offset = 1400L * BLOCK;
            asked.start(0, volume, offset, VOLUME - offset, false, its).finish();
            assertEquals("EIO", asked.text(0));
        }
        volume.close();
    }

    @Test
    void byLoadingItsMap() throws StorageException {
        assertNoted(() -> {
            ThinVolume volume = sim.pool.openVolume("v");
            List<Integer> answers = new ArrayList<>();
            sim.loops.enter(0, () -> volume.prefetch(sim.loops.loop(0), 1400L * BLOCK, 100L * BLOCK, answers::add));
            sim.loops.runUntilIdle();
            assertEquals(List.of(Errno.EIO), answers);
            volume.close();
        });
    }

    /** Jobs for others go on: what the damaged volume has of a block is missed by the block's count. */
    @Test
    void byJobsWhichLeaveItOutAndServeTheOthers() throws StorageException {
        for (Job each : List.<Job>of(
                () -> sim.pool.jobs().evacuate(2000L * BLOCK, 10L * BLOCK, false),
                () -> sim.pool.jobs().dedupe(new DedupeSpec(List.of(), true, 0)),
                () -> sim.pool.jobs().dedupe(new DedupeSpec(List.of("v"), true, 0)),
                () -> sim.pool.jobs().dedupe(new DedupeSpec(List.of("w"), false, 0)))) {
            sim.close();
            sim = SimPool.open(metadata, data, 1, 2);
            JobInfo over = new JobRig(sim).finish(sim.await(each.start()));
            assertEquals(JobInfo.State.DONE, over.state(), over.message());
            assertNoted(() -> {});
        }
    }

    /** A block at a place that the damaged leaf has, too. */
    @Test
    void byLookingForOtherOwnersOfABlock() throws StorageException {
        assertNoted(() -> {
            JobInfo over = new JobRig(sim).finish(sim.await(sim.pool.jobs().defragment("w")));
            assertEquals(JobInfo.State.DONE, over.state(), over.message());
            over = new JobRig(sim).finish(sim.await(sim.pool.jobs().evacuate(2985L * BLOCK, 10L * BLOCK, false)));
            assertEquals(JobInfo.State.DONE, over.state(), over.message());
        });
    }

    @Test
    void byAskingForOwnersWhichSaysThatItsPartIsMissing() throws StorageException {
        assertNoted(() -> {
            List<OwnedRun> runs = sim.owners(2000L * BLOCK, 10L * BLOCK);
            assertEquals(
                    new OwnedRun("<v, damaged: it may have more>", 2000L * BLOCK, 0, 0),
                    runs.stream()
                            .filter(run -> run.lengthBytes() == 0)
                            .findFirst()
                            .orElseThrow());
            assertEquals(
                    10L * BLOCK,
                    runs.stream()
                            .filter(run -> run.owner().equals("w"))
                            .mapToLong(OwnedRun::lengthBytes)
                            .sum());
        });
    }

    /** Thousands of volumes, one walk down a tree for each: others get their turn in between. */
    @Test
    void statusLinesTakeTurnsWithOtherWork() throws StorageException {
        SimulatedDisk own = new SimulatedDisk(4 << 20);
        SimPool.format(own, data);
        try (SimPool many = SimPool.open(own, data, 2, 1)) {
            for (int i = 0; i < 200; i++) {
                many.await(many.pool.createVolume(new VolumeSpec("n" + i, VOLUME)));
            }
            CompletableFuture<List<String>> lines = many.pool.dmStatus();
            CompletableFuture<?> other = many.pool.status();
            while (!other.isDone() && many.loops.runOne()) {
                assertFalse(lines.isDone() && !other.isDone(), "all volumes were looked at in one turn");
            }
            assertFalse(lines.isDone());
            many.loops.advance(1_000_000_000L);
            assertEquals(201, many.await(lines).size());
            many.shutDown();
        }
        sim.shutDown();
    }
}
