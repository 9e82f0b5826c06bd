package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Overlapping writes of the origin, of a snapshot and of a merge are carried out in the order of receipt, from
 * whichever loop and connection (NBD T51a), on disks that end what they have in any order.
 */
class OverlappingWritesTest {
    private static final int LOOPS = 3;
    private static final int CHUNK = 8192;
    private static final int SIZE = 12 * CHUNK;
    private static final int SEEDS = 40;

    /** What clients write to. */
    enum Kind {
        ORIGIN,
        SNAPSHOT,
        MERGE
    }

    private final SlowDisk origin = new SlowDisk(new SimulatedDisk(SIZE));
    private final SlowDisk store = new SlowDisk(new SimulatedDisk(3L * SIZE));
    private SimSet sim;
    private final List<BlockDevice> handles = new ArrayList<>();
    private byte version;

    private void open(Kind kind, long seed) throws StorageException {
        sim = new SimSet(origin, Seeds.of(seed), LOOPS);
        sim.create(SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK), store);
        if (kind == Kind.MERGE) {
            try (Snapshot written = sim.set.openSnapshot("s")) {
                for (int at = 0; at < SIZE; at += 2 * CHUNK) {
                    assertEquals(Errno.OK, sim.write(written, at, bytes(1, CHUNK)));
                }
            }
            // Its runs are copied between the writes that follow.
            CompletableFuture<SnapshotStatus> merging = sim.set.merge("s");
            while (!merging.isDone()) {
                assertTrue(sim.loops.runOne());
            }
        }
        for (int i = 0; i < 2; i++) {
            handles.add(kind == Kind.SNAPSHOT ? sim.set.openSnapshot("s") : sim.set.openOrigin());
        }
    }

    private void close() throws StorageException {
        for (BlockDevice handle : handles) {
            handle.close();
        }
        handles.clear();
        sim.loops.runUntilIdle();
        sim.shutDown();
    }

    private static byte[] bytes(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private void hold(Predicate<BlockRequest> which) {
        origin.hold(which);
        store.hold(which);
    }

    /** Lets a disk end one request, drawn from all that are there; false if there is none. */
    private boolean letGoOne(SplittableRandom random) {
        List<SlowDisk> disks = new ArrayList<>();
        for (SlowDisk disk : List.of(origin, store)) {
            disk.held().forEach(request -> disks.add(disk));
        }
        if (disks.isEmpty()) {
            return false;
        }
        SlowDisk disk = disks.get(random.nextInt(disks.size()));
        BlockRequest request = disk.held().get(random.nextInt(disk.held().size()));
        sim.loops.enter(request.loop().index(), () -> disk.release(request));
        return true;
    }

    private void letGoAll(SplittableRandom random) {
        do {
            sim.loops.runUntilIdle();
        } while (letGoOne(random));
    }

    /** WRITE, WRITE_ZEROES and on the origin TRIM at random; the model applies each when it is submitted. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void theNewestAcknowledgedWriteIsWhatIsReadT51a(Kind kind) throws StorageException {
        for (long seed = 1; seed <= SEEDS; seed++) {
            SplittableRandom random = Seeds.splittable(seed);
            open(kind, seed);
            byte[] model = sim.read(handles.get(0), 0, SIZE);
            hold(r -> r.operation() != BlockOperation.FLUSH && random.nextInt(4) > 0);
            List<SimHarness.Result> results = new ArrayList<>();
            for (int step = 0; step < 60; step++) {
                results.add(startOne(kind, random, model));
                for (int tasks = random.nextInt(6); tasks > 0; tasks--) {
                    sim.loops.runOne();
                }
                if (random.nextInt(3) > 0) {
                    letGoOne(random);
                }
            }
            letGoAll(random);
            hold(r -> false);
            for (SimHarness.Result result : results) {
                assertEquals(Errno.OK, result.errno, kind + " seed " + seed);
            }
            int difference = Arrays.mismatch(model, sim.read(handles.get(1), 0, SIZE));
            assertEquals(-1, difference, kind + " seed " + seed + ": byte that is not of the last write received");
            close();
            sim = null;
            resetDisks();
        }
    }

    private void resetDisks() {
        zero(origin, SIZE);
        zero(store, 3 * SIZE);
    }

    private static void zero(SlowDisk disk, int bytes) {
        try (SimSet other = new SimSet(disk, 1, 1)) {
            assertEquals(Errno.OK, other.command(disk, BlockOperation.WRITE_ZEROES, 0, bytes));
        }
    }

    private SimHarness.Result startOne(Kind kind, SplittableRandom random, byte[] model) {
        int loop = random.nextInt(LOOPS);
        BlockDevice handle = handles.get(random.nextInt(2));
        int offset = random.nextInt(3 * CHUNK / 512) * 512 + random.nextInt(2) * 8 * CHUNK;
        int length = random.nextInt(8) == 0 ? CHUNK : (1 + random.nextInt(8)) * 512;
        int flags = random.nextInt(8) == 0 ? BlockRequest.FUA : 0;
        if (random.nextInt(6) == 0) {
            Arrays.fill(model, offset, offset + length, (byte) 0);
            boolean trim = kind == Kind.ORIGIN && random.nextBoolean();
            BlockOperation operation = trim ? BlockOperation.DISCARD : BlockOperation.WRITE_ZEROES;
            return sim.start(loop, handle, operation, offset, length, trim ? 0 : flags, null);
        }
        byte[] bytes = bytes(++version, length);
        System.arraycopy(bytes, 0, model, offset, length);
        return sim.start(loop, handle, BlockOperation.WRITE, offset, length, flags, bytes);
    }

    /** A client gives up on one connection and sends its write again on another, then a newer one. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void aStaleTwinIsNeverAppliedLateT51a(Kind kind) throws StorageException {
        open(kind, 1);
        hold(r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 0);
        SimHarness.Result stale = sim.startWrite(0, handles.get(0), 512, bytes(5, 1024));
        SimHarness.Result waiting = sim.startWrite(1, handles.get(0), 1024, bytes(6, 1024));
        sim.loops.runUntilIdle();
        handles.get(0).abandon();
        SimHarness.Result newest = sim.startWrite(2, handles.get(1), 512, bytes(7, 1024));
        SimHarness.Result aside = sim.startWrite(2, handles.get(1), CHUNK * 5, bytes(8, 512));
        sim.loops.runUntilIdle();
        assertFalse(stale.isDone() || waiting.isDone() || newest.isDone(), "the oldest has not reached the disk");
        assertTrue(aside.isDone(), "only writes that overlap wait");
        letGoAll(Seeds.splittable(1));
        assertEquals(Errno.OK, stale.errno | newest.errno);
        assertEquals(Errno.ESHUTDOWN, waiting.errno, "nothing is started for a connection that is gone");
        assertArrayEquals(bytes(7, 1024), sim.read(handles.get(1), 512, 1024));
        hold(r -> false);
        close();
    }

    /** What waits for room in a store ends with its connection: others wait behind it. */
    @ParameterizedTest
    @EnumSource(names = {"ORIGIN", "SNAPSHOT"})
    void aWriteThatWaitsForRoomEndsWhenItsConnectionIsGone(Kind kind) throws StorageException {
        SimulatedDisk small = new SimulatedDisk(3L * CHUNK);
        sim = new SimSet(origin, 1, LOOPS);
        SnapshotSpec spec = SnapshotSpec.of("s", StoreType.PERSISTENT)
                .withChunkBytes(CHUNK)
                .withFullStore(StoreFullAction.FAIL_WRITES, 3_600_000_000_000L, StoreGrowth.NONE);
        sim.create(spec, small);
        BlockDevice gone = kind == Kind.SNAPSHOT ? sim.set.openSnapshot("s") : sim.set.openOrigin();
        BlockDevice other = kind == Kind.SNAPSHOT ? sim.set.openSnapshot("s") : sim.set.openOrigin();
        SimHarness.Result first = sim.startWrite(0, gone, 0, bytes(1, 512));
        SimHarness.Result held = sim.startWrite(0, gone, 4 * CHUNK, bytes(2, 512));
        SimHarness.Result behind = sim.startWrite(1, other, 4 * CHUNK, bytes(3, 512));
        sim.loops.runUntilIdle();
        assertTrue(first.isDone());
        assertFalse(held.isDone() || behind.isDone(), "the store is full");
        gone.abandon();
        sim.loops.runUntilIdle();
        assertEquals(Errno.ESHUTDOWN, held.errno);
        assertFalse(behind.isDone(), "its own connection lives: it waits for room itself now");
        SimHarness.Result late = sim.startWrite(2, gone, 6 * CHUNK, bytes(4, 512));
        sim.loops.runUntilIdle();
        assertEquals(Errno.ESHUTDOWN, late.errno, "what comes to wait later ends as well");
        other.abandon();
        sim.loops.runUntilIdle();
        assertEquals(Errno.ESHUTDOWN, behind.errno);
        assertArrayEquals(bytes(0, 512), sim.read(other, 4 * CHUNK, 512));
        gone.close();
        other.close();
        sim.shutDown();
    }

    /** Requests to a suspended snapshot wait for its user alone. */
    @Test
    void aRequestToASuspendedSnapshotEndsWhenItsConnectionIsGone() throws StorageException {
        open(Kind.SNAPSHOT, 1);
        sim.await(sim.set.suspend("s"));
        SimHarness.Result its = sim.startWrite(0, handles.get(0), 0, bytes(1, 512));
        SimHarness.Result others = sim.startWrite(1, handles.get(1), CHUNK, bytes(2, 512));
        sim.loops.runUntilIdle();
        handles.get(0).abandon();
        sim.loops.runUntilIdle();
        assertEquals(Errno.ESHUTDOWN, its.errno);
        assertFalse(others.isDone());
        sim.await(sim.set.resume("s"));
        sim.loops.runUntilIdle();
        assertEquals(Errno.OK, others.errno);
        close();
    }
}
