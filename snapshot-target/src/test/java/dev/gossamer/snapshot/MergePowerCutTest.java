package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/**
 * A snapshot is merged under load, with two other snapshots of the origin there, and power fails after every single
 * write of it; unflushed sectors are lost, reordered and torn by a seed. After a restart and another merge the origin
 * has the snapshot's contents and all that was flushed since, and the other snapshots are what they were (rules S-M2 to
 * S-M5, S-M7).
 */
class MergePowerCutTest {
    private static final int SIZE = 256 << 10;
    private static final int CHUNK = 4096;
    private static final String[] NAMES = {"s", "t", "u"};
    private static final int[] CHUNKS = {CHUNK, 2 * CHUNK, 4 * CHUNK};
    private static final int SEEDS = 2;

    /** The world before the merge; every run begins with a copy of it. */
    private final SimulatedDisk origin = new SimulatedDisk(SIZE);

    private final SimulatedDisk[] stores = new SimulatedDisk[NAMES.length];
    private final byte[][] contents = new byte[NAMES.length][];

    @Test
    void everyCutPointOfAMergeUnderLoad() throws StorageException {
        prepare();
        for (long seed = 1; seed <= SEEDS; seed++) {
            long operations = run(seed, Long.MAX_VALUE);
            assertTrue(operations > 100, "the merge has " + operations + " operations only");
            for (long cut = 0; cut <= operations; cut++) {
                run(seed, cut);
            }
        }
    }

    private void prepare() throws StorageException {
        SplittableRandom random = Seeds.splittable(11);
        byte[] first = new byte[SIZE];
        random.nextBytes(first);
        origin.writeNow(0, first);
        try (SimSet sim = new SimSet(origin, 3, 1)) {
            for (int i = 0; i < NAMES.length; i++) {
                stores[i] = new SimulatedDisk(2 * SIZE);
                sim.create(SnapshotSpec.of(NAMES[i], StoreType.PERSISTENT).withChunkBytes(CHUNKS[i]), stores[i]);
            }
            BlockDevice open = sim.set.openOrigin();
            for (int i = 0; i < 10; i++) {
                assertEquals(Errno.OK, sim.write(open, random.nextInt(SIZE / 512) * 512L, stamp(i, 512)));
            }
            for (int i = 0; i < NAMES.length; i++) {
                Snapshot snapshot = sim.set.openSnapshot(NAMES[i]);
                // A run of many chunks, and chunks here and there.
                assertEquals(Errno.OK, sim.write(snapshot, 16 * CHUNK, stamp(20 + i, 6 * CHUNK)));
                for (int n = 0; n < 12; n++) {
                    assertEquals(
                            Errno.OK, sim.write(snapshot, random.nextInt(SIZE / 512) * 512L, stamp(40 + n + i, 512)));
                }
                contents[i] = sim.read(snapshot, 0, SIZE);
                assertEquals(Errno.OK, sim.flush(snapshot));
                snapshot.close();
            }
            assertEquals(Errno.OK, sim.flush(open));
            open.close();
            sim.shutDown();
        }
    }

    private long run(long seed, long cut) throws StorageException {
        String where = "seed " + seed + ", cut after " + cut;
        PowerSupply power = new PowerSupply();
        SimulatedDisk disk = origin.copy(power);
        SimulatedDisk[] copies = new SimulatedDisk[stores.length];
        Arrays.setAll(copies, i -> stores[i].copy(power));
        SectorVersions model = new SectorVersions(contents[0]);
        long operations;
        try (SimSet sim = new SimSet(disk, seed, 2)) {
            load(sim, copies);
            if (cut != Long.MAX_VALUE) {
                power.cutAfter(cut);
            }
            CompletableFuture<SnapshotStatus> merging = sim.set.merge("s");
            while (!merging.isDone()) {
                assertTrue(sim.loops.runOne(), where);
            }
            SnapshotSet.join(merging);
            boolean survived = writeDuringMerge(sim, model, Seeds.splittable(seed));
            if (survived) {
                sim.await(sim.set.mergeFinished());
                SnapshotStatus status = sim.status("s");
                assertEquals(SnapshotState.MERGED, status.state(), where);
                assertEquals(status.metadataBytes(), status.allocatedBytes(), where); // S-M7
            }
            assertTrue(survived || cut != Long.MAX_VALUE, where);
            operations = power.operations();
        }
        SplittableRandom random = Seeds.splittable(seed * 1000 + cut);
        disk.crash(random);
        for (SimulatedDisk copy : copies) {
            copy.crash(random);
        }
        power.restore();
        check(disk, copies, model, seed, where);
        return operations;
    }

    private static void load(SimSet sim, SimulatedDisk[] copies) throws StorageException {
        for (int i = 0; i < NAMES.length; i++) {
            sim.await(sim.set.load(SnapshotSpec.of(NAMES[i], StoreType.PERSISTENT), copies[i]));
        }
    }

    /**
     * Writes from two loops, in windows of sectors of their own, each ended by a flush. @return false when power failed
     */
    private static boolean writeDuringMerge(SimSet sim, SectorVersions model, SplittableRandom random)
            throws StorageException {
        BlockDevice open = sim.set.openOrigin();
        for (int window = 0; window < 4; window++) {
            List<SimHarness.Result> results = new ArrayList<>();
            int shift = random.nextInt(8);
            for (int i = 0; i < 10; i++) {
                int area = (i * 5 + shift * 3 + window) % 50;
                int offset = area * 10 * 512 + random.nextInt(4) * 512;
                byte[] bytes = stamp(60 + window * 16 + i, (1 + random.nextInt(5)) * 512);
                model.writing(offset, bytes);
                results.add(sim.startWrite(i & 1, open, offset, bytes));
                for (int tasks = random.nextInt(6); tasks > 0; tasks--) {
                    sim.loops.runOne();
                }
            }
            while (!results.stream().allMatch(SimHarness.Result::isDone)) {
                assertTrue(sim.loops.runOne(), "a write hangs");
            }
            SimHarness.Result flush = sim.start(0, open, BlockOperation.FLUSH, 0, 0, 0, null);
            while (!flush.isDone()) {
                assertTrue(sim.loops.runOne(), "a flush hangs");
            }
            if (flush.errno != Errno.OK || results.stream().anyMatch(r -> r.errno != Errno.OK)) {
                return false;
            }
            model.allStable();
        }
        sim.loops.runUntilIdle();
        return sim.status("s").state() == SnapshotState.MERGED;
    }

    private void check(SimulatedDisk disk, SimulatedDisk[] copies, SectorVersions model, long seed, String where)
            throws StorageException {
        try (SimSet sim = new SimSet(disk, seed + 1, 2)) {
            load(sim, copies);
            sim.await(sim.set.merge("s"));
            // Readable before the merge is done, and the same afterwards.
            BlockDevice open = sim.set.openOrigin();
            model.check(sim.read(open, 0, SIZE), where + ", origin while merging");
            sim.await(sim.set.mergeFinished());
            model.check(sim.read(open, 0, SIZE), where + ", origin after merging");
            model.check(disk.readNow(0, SIZE), where + ", the origin's device");
            for (int i = 1; i < NAMES.length; i++) {
                Snapshot snapshot = sim.set.openSnapshot(NAMES[i]);
                assertEquals(SnapshotState.ACTIVE, sim.status(NAMES[i]).state(), where);
                assertEquals(
                        -1,
                        Arrays.mismatch(contents[i], sim.read(snapshot, 0, SIZE)),
                        where + ": snapshot " + NAMES[i] + " differs at this byte");
                snapshot.close();
            }
            open.close();
            sim.await(sim.set.delete("s"));
            sim.shutDown();
        }
    }

    private static byte[] stamp(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }
}
