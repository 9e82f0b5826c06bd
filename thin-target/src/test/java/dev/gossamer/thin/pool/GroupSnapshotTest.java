package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Snapshots of several volumes are of one instant and in one transaction (MSG-7). */
class GroupSnapshotTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 4L << 20;

    private final SimulatedDisk metadata = new SimulatedDisk(4 << 20);
    private final SlowDisk data = new SlowDisk(new SimulatedDisk(128L * BLOCK));

    @Test
    void ofTwoVolumesWrittenInTurnNoneIsAheadByMoreThanTheWriteUnderWay() throws StorageException {
        for (long seed = 1; seed <= 40; seed++) {
            metadata.writeNow(0, new byte[4096]);
            SimPool.format(metadata, data);
            try (SimPool sim = SimPool.open(metadata, data, seed, 2)) {
                ThinVolume[] volumes = {sim.create("a", VOLUME), sim.create("b", VOLUME)};
                CompletableFuture<List<VolumeInfo>> answer = null;
                for (int round = 1; round < 14; round++) {
                    for (int i = 0; i < 2; i++) {
                        byte[] stamp = new byte[512];
                        java.util.Arrays.fill(stamp, (byte) round);
                        SimHarness.Result write = sim.start(i, volumes[i], BlockOperation.WRITE, 0, 512, 0, stamp);
                        if (round == 5 && i == seed % 2) {
                            answer = sim.pool.createSnapshots(
                                    List.of(new SnapshotSpec("b", "b1", false), new SnapshotSpec("a", "a1", true)));
                        }
                        while (!write.isDone()) {
                            sim.loops.runOne();
                        }
                    }
                }
                sim.await(answer);
                byte a = sim.read(sim.pool.openVolume("a1"), 0, 1)[0];
                byte b = sim.read(sim.pool.openVolume("b1"), 0, 1)[0];
                assertTrue(a == b || a == b + 1, "seed " + seed + ": a is of round " + a + ", b of round " + b);
                assertEquals(
                        List.of("b1", "a1"),
                        answer.join().stream().map(VolumeInfo::name).toList());
                assertFalse(answer.join().get(0).readOnly());
                assertTrue(answer.join().get(1).readOnly());
                sim.shutDown();
            }
            SimPool.assertSound(metadata, "seed " + seed);
        }
    }

    @Test
    void noVolumeMovesOnBeforeAllAreAtRestAndThePauseIsMeasured() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 2)) {
            ThinVolume a = sim.create("a", VOLUME);
            ThinVolume b = sim.create("b", VOLUME);
            sim.write(a, 0, ThinPoolTest.bytes(1, BLOCK));
            sim.write(b, 0, ThinPoolTest.bytes(1, BLOCK));
            data.hold(r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 0);
            SimHarness.Result slow = sim.start(0, b, BlockOperation.WRITE, 0, 512, 0, ThinPoolTest.bytes(2, 512));
            sim.loops.runUntilIdle();
            CompletableFuture<List<VolumeInfo>> answer = sim.pool.createSnapshots(
                    List.of(new SnapshotSpec("a", "a1", false), new SnapshotSpec("b", "b1", false)));
            sim.loops.runUntilIdle();
            SimHarness.Result later = sim.start(1, a, BlockOperation.WRITE, 0, 512, 0, ThinPoolTest.bytes(3, 512));
            sim.loops.runUntilIdle();
            assertFalse(answer.isDone() || later.isDone(), "MSG-7: a waits for the write under way to b");
            long pause = 7_000_000;
            sim.loops.advance(pause);
            data.letGo(sim);
            sim.await(answer);
            assertEquals(Errno.OK, slow.errno | later.errno);
            assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(sim.pool.openVolume("a1"), 0, BLOCK));
            assertArrayEquals(ThinPoolTest.bytes(2, 512), sim.read(sim.pool.openVolume("b1"), 0, 512));
            assertTrue(sim.pool.counters().barrierDurations.sumSeconds() >= pause / 1e9, "MSG-6");
        }
    }

    @Test
    void ifOneIsRefusedNoneIsTaken() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.create("a", VOLUME);
            sim.create("b", VOLUME);
            assertRefused(sim, "exists already", new SnapshotSpec("a", "a1", false), new SnapshotSpec("b", "a", false));
            assertRefused(sim, "no volume 'x'", new SnapshotSpec("a", "a1", false), new SnapshotSpec("x", "x1", false));
            assertRefused(sim, "given twice", new SnapshotSpec("a", "a1", false), new SnapshotSpec("b", "a1", false));
            assertRefused(sim, "given twice", new SnapshotSpec("a", "a1", false), new SnapshotSpec("a", "a2", false));
            assertNull(sim.pool.volume("a1"));
            assertEquals(2, sim.pool.volumes().size());
        }
    }

    private static void assertRefused(SimPool sim, String why, SnapshotSpec... specs) {
        StorageException e =
                assertThrows(StorageException.class, () -> sim.await(sim.pool.createSnapshots(List.of(specs))));
        assertTrue(e.getMessage().contains(why), e.getMessage());
    }

    @Test
    void aGroupOfTwentyIsOneTransaction() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 2)) {
            List<SnapshotSpec> specs = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                sim.write(sim.create("v" + i, VOLUME), 0, ThinPoolTest.bytes(i, BLOCK));
                specs.add(new SnapshotSpec("v" + i, "s" + i, false));
            }
            sim.flush(sim.pool.openVolume("v0"));
            long commits = sim.pool.counters().commits.sum();
            sim.await(sim.pool.createSnapshots(specs));
            assertEquals(commits + 1, sim.pool.counters().commits.sum(), "MSG-7");
            for (int i = 0; i < 20; i++) {
                sim.write(sim.pool.openVolume("v" + i), 0, ThinPoolTest.bytes(99, 512));
                assertArrayEquals(ThinPoolTest.bytes(i, BLOCK), sim.read(sim.pool.openVolume("s" + i), 0, BLOCK));
            }
            sim.shutDown();
        }
        SimPool.assertSound(metadata, "after the group");
    }
}
