package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * The n-th request to the origin or to a store fails, done or not, for every n, during copies, writes to a snapshot,
 * and a merge. Nothing hangs or leaks; a snapshot is right or invalid, now and after a restart (rules S-V2, S-V3,
 * S-M6).
 */
class NthFailureTest {
    private static final int SIZE = 128 << 10;
    private static final int CHUNK = 4096;
    private static final String MERGED_WORDS = 2 * CHUNK / 512 + "/" + 2 * SIZE / 512 + " " + 2 * CHUNK / 512;

    private final SimulatedDisk originDisk = new SimulatedDisk(SIZE);
    private final SimulatedDisk storeDisk = new SimulatedDisk(2 * SIZE);
    private final SimulatedDisk otherDisk = new SimulatedDisk(2 * SIZE);
    private byte[] frozen;
    private SectorVersions originModel;
    private SectorVersions snapshotModel;

    @Test
    void everyRequestToTheOriginFailsOnce() throws StorageException {
        for (boolean isDone : new boolean[] {false, true}) {
            for (long n = 1; new NthFailureTest().run(n, true, isDone); n++) {
                assertTrue(n < 1000);
            }
        }
    }

    @Test
    void everyRequestToAStoreFailsOnce() throws StorageException {
        for (boolean isDone : new boolean[] {false, true}) {
            for (long n = 1; new NthFailureTest().run(n, false, isDone); n++) {
                assertTrue(n < 1000);
            }
        }
    }

    /** @return whether there was an n-th request */
    private boolean run(long n, boolean failOrigin, boolean isDone) throws StorageException {
        String where = (failOrigin ? "origin" : "store") + " request " + n + (isDone ? ", but done" : "");
        FaultPlan plan = new FaultPlan();
        BlockDevice origin = failOrigin ? new FaultyDevice(originDisk, plan) : originDisk;
        BlockDevice store = failOrigin ? storeDisk : new FaultyDevice(storeDisk, plan);
        frozen = new byte[SIZE];
        Arrays.fill(frozen, (byte) 9);
        originDisk.writeNow(0, frozen);
        originModel = new SectorVersions(frozen);
        snapshotModel = new SectorVersions(frozen);
        try (SimSet sim = new SimSet(origin, n, 2)) {
            sim.create(SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK), store);
            sim.create(SnapshotSpec.of("t", StoreType.PERSISTENT).withChunkBytes(4 * CHUNK), otherDisk);
            if (isDone) {
                plan.failButDone(null, n, Errno.EIO);
            } else {
                plan.failAny(n, Errno.EIO);
            }
            workload(sim);
            checkBoth(sim, where);
            if (sim.status("s").state() == SnapshotState.ACTIVE) {
                merge(sim, where);
            }
            plan.heal();
            sim.shutDown();
        }
        checkAfterRestart(where);
        return plan.failures() > 0;
    }

    private void workload(SimSet sim) throws StorageException {
        try (BlockDevice origin = sim.set.openOrigin();
                Snapshot snapshot = sim.set.openSnapshot("s")) {
            List<SimHarness.Result> results = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                byte[] bytes = new byte[1024];
                Arrays.fill(bytes, (byte) (i + 20));
                int offset = (i * 5 % 8) * 3 * CHUNK + 512;
                originModel.writing(offset, bytes);
                results.add(sim.startWrite(i & 1, origin, offset, bytes));
                byte[] whole = new byte[i % 2 == 0 ? CHUNK : 512];
                Arrays.fill(whole, (byte) (i + 40));
                int place = (2 + i * 3) * CHUNK;
                snapshotModel.writing(place, whole);
                results.add(sim.startWrite(i & 1, snapshot, place, whole));
            }
            sim.loops.runUntilIdle();
            results.forEach(result -> assertTrue(result.isDone(), "a request hangs"));
            sim.command(snapshot, BlockOperation.FLUSH, 0, 0);
            sim.command(origin, BlockOperation.FLUSH, 0, 0);
        }
    }

    private void checkBoth(SimSet sim, String where) throws StorageException {
        originModel.check(originDisk.readNow(0, SIZE), where + ", origin");
        check(sim, "s", snapshotModel, where);
        check(sim, "t", new SectorVersions(frozen), where);
    }

    private static void check(SimSet sim, String name, SectorVersions model, String where) throws StorageException {
        try (Snapshot snapshot = sim.set.openSnapshot(name)) {
            SimHarness.Result read = sim.finish(sim.start(0, snapshot, BlockOperation.READ, 0, SIZE, 0, null));
            if (sim.status(name).state() == SnapshotState.INVALID) {
                assertEquals(Errno.EIO, read.errno, where);
            } else if (read.errno == Errno.OK) {
                model.check(read.data, where + ", snapshot " + name);
            } else {
                model.check(sim.read(snapshot, 0, SIZE), where + ", snapshot " + name + " read again");
            }
        }
    }

    private void merge(SimSet sim, String where) throws StorageException {
        sim.await(sim.set.merge("s"));
        CompletableFuture<Void> finished = sim.set.mergeFinished();
        sim.loops.runUntilIdle();
        assertTrue(finished.isDone(), where);
        boolean failed = finished.isCompletedExceptionally();
        assertEquals(
                failed ? "Merge failed" : MERGED_WORDS, // Header and one empty table.
                sim.status("s").kernelWords(),
                where);
        assertEquals(
                failed ? SnapshotState.MERGE_FAILED : SnapshotState.MERGED,
                sim.status("s").state(),
                where);
        originModel = snapshotModel;
        try (BlockDevice origin = sim.set.openOrigin()) {
            byte[] bytes = new byte[CHUNK];
            Arrays.fill(bytes, (byte) 77);
            originModel.writing(2 * CHUNK, bytes);
            int written = sim.write(origin, 2 * CHUNK, bytes);
            int flushed = sim.flush(origin);
            if (written == Errno.OK && flushed == Errno.OK) {
                originModel.stable(2 * CHUNK, bytes);
            }
            SimHarness.Result read = sim.finish(sim.start(0, origin, BlockOperation.READ, 0, SIZE, 0, null));
            if (read.errno == Errno.OK) {
                originModel.check(read.data, where + ", merged origin");
            }
        }
    }

    private void checkAfterRestart(String where) throws StorageException {
        try (SimSet sim = new SimSet(originDisk, 5, 1)) {
            SnapshotStatus s = sim.await(sim.set.load(SnapshotSpec.of("s", StoreType.PERSISTENT), storeDisk));
            sim.await(sim.set.load(SnapshotSpec.of("t", StoreType.PERSISTENT), otherDisk));
            check(sim, "t", new SectorVersions(frozen), where + " after restart");
            if (s.state() == SnapshotState.ACTIVE) {
                sim.await(sim.set.merge("s"));
                sim.await(sim.set.mergeFinished());
                snapshotModel.check(originDisk.readNow(0, SIZE), where + ", merged after restart");
            }
            check(sim, "t", new SectorVersions(frozen), where + " after restart and merge");
            sim.shutDown();
        }
    }
}
