package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The rules of snapshot-target's RULES.md, one by one. */
class SnapshotRulesTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 1 << 20;
    private static final SnapshotSpec SPEC =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK);

    private final List<Event> events = new ArrayList<>();
    private final SimulatedDisk originDisk = new SimulatedDisk(SIZE);
    private final SlowDisk origin = new SlowDisk(new Recorder("origin", originDisk, events));
    private final SimulatedDisk storeDisk = new SimulatedDisk(2 * SIZE);
    private final SlowDisk store = new SlowDisk(new Recorder("store", storeDisk, events));
    private final SimSet sim = new SimSet(origin, 1, 2);

    @AfterEach
    void finish() throws StorageException {
        if (!sim.isClosed()) {
            sim.shutDown();
        }
    }

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private long count(String device, BlockOperation operation) {
        return events.stream()
                .filter(e -> e.device().equals(device) && e.op() == operation)
                .count();
    }

    private long bytes(String device, BlockOperation operation) {
        return events.stream()
                .filter(e -> e.device().equals(device) && e.op() == operation)
                .mapToLong(Event::length)
                .sum();
    }

    /** S-O1, S-S4: data, then flush, then record, then the origin's write. */
    @Test
    void anOriginWriteCopiesRecordsAndThenGoes() throws StorageException {
        originDisk.writeNow(0, filled(1, SIZE));
        Snapshot snapshot = sim.createAndOpen(SPEC, store);
        events.clear();
        assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), 512, filled(2, 512)));
        List<String> order = events.stream()
                .map(e -> e.device() + " " + e.op() + (e.flags() == BlockRequest.FUA ? " FUA" : ""))
                .toList();
        assertEquals(List.of("origin READ", "store WRITE", "store FLUSH", "store WRITE FUA", "origin WRITE"), order);
        assertArrayEquals(filled(1, CHUNK), sim.read(snapshot, 0, CHUNK));
        events.clear();
        assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), 0, filled(3, 512)));
        assertEquals(1, events.size(), "the second write to a chunk goes at once");
    }

    /** S-O2: chunk sizes differ; a chunk beyond a shorter snapshot's end does not concern it. */
    @Test
    void whatIsBeyondASnapshotsEndDoesNotConcernIt() throws StorageException {
        sim.create(SPEC, store);
        originDisk.resize(SIZE + 65536);
        BlockDevice open = sim.set.openOrigin();
        events.clear();
        assertEquals(Errno.OK, sim.write(open, SIZE, filled(1, 8192)));
        assertEquals(1, events.size());
        assertEquals(Errno.OK, sim.write(open, SIZE - 512, filled(1, 1024)));
        assertEquals(1, sim.status("s").chunks());
    }

    /** S-O3: the origin is read once for all snapshots, whatever their chunk sizes; each store gets its part. */
    @Test
    void theOriginIsReadOnceForAllSnapshots() throws StorageException {
        sim.create(SPEC, store);
        for (int i = 1; i < 8; i++) {
            SnapshotSpec spec = SPEC.withName("s" + i).withChunkBytes(CHUNK << (i % 3));
            sim.create(spec, new Recorder("other", new SimulatedDisk(2 * SIZE), events));
        }
        events.clear();
        assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), 0, filled(1, 4096)));
        assertEquals(1, count("origin", BlockOperation.READ));
        assertEquals(CHUNK << 2, bytes("origin", BlockOperation.READ));
        for (SnapshotStatus status : sim.await(sim.set.list())) {
            assertEquals(1, status.chunks());
        }
    }

    /** S-O3: a pending exception is joined, not doubled. */
    @Test
    void writesToOneChunkShareOneCopy() throws StorageException {
        sim.create(SPEC, store);
        BlockDevice open = sim.set.openOrigin();
        events.clear();
        List<SimHarness.Result> results = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            results.add(sim.startWrite(i & 1, open, i * 512L, filled(i + 1, 512)));
        }
        sim.loops.runUntilIdle();
        results.forEach(r -> assertEquals(Errno.OK, r.errno));
        assertEquals(1, count("origin", BlockOperation.READ));
        assertEquals(1, sim.status("s").chunks());
    }

    /** S-O4: a write of more chunks than may be copied at a time; memory is less than all of them need. */
    @Test
    void aWriteOfManyChunksIsCopiedInTurns() throws StorageException {
        sim.create(SPEC.withChunkBytes(512), store);
        BlockDevice open = sim.set.openOrigin();
        assertEquals(Errno.OK, sim.write(open, 0, filled(1, SIZE)));
        assertEquals(SIZE / 512, sim.status("s").chunks());
    }

    /** S-O5: TRIM of the origin keeps the old contents. */
    @Test
    void trimOfTheOriginIsAWrite() throws StorageException {
        originDisk.writeNow(0, filled(1, SIZE));
        Snapshot snapshot = sim.createAndOpen(SPEC, store);
        assertEquals(Errno.OK, sim.command(sim.set.openOrigin(), BlockOperation.DISCARD, 0, 16384));
        assertArrayEquals(filled(1, 16384), sim.read(snapshot, 0, 16384));
        assertArrayEquals(new byte[16384], sim.read(sim.set.openOrigin(), 0, 16384));
    }

    /** S-S1: a write to the origin waits for a read of the snapshot that is on its way to the same chunk. */
    @Test
    void aTrackedReadHoldsTheOriginsWrite() throws StorageException {
        originDisk.writeNow(0, filled(1, SIZE));
        Snapshot snapshot = sim.createAndOpen(SPEC, store);
        BlockDevice open = sim.set.openOrigin();
        origin.hold(r -> r.operation() == BlockOperation.READ && r.loop().index() == 1);
        SimHarness.Result read = sim.start(1, snapshot, BlockOperation.READ, 0, CHUNK, 0, null);
        SimHarness.Result write = sim.startWrite(0, open, 0, filled(2, CHUNK));
        sim.loops.runUntilIdle();
        assertFalse(write.isDone(), "the write overtook a read of the snapshot");
        assertEquals(1, originDisk.readNow(0, 1)[0]);
        sim.loops.enter(1, origin::releaseAll);
        sim.loops.runUntilIdle();
        assertEquals(Errno.OK, write.errno);
        assertArrayEquals(filled(1, CHUNK), read.data);
    }

    /** S-S2: a write of a whole chunk is not copied first. */
    @Test
    void aWholeChunkIsWrittenWithoutACopy() throws StorageException {
        Snapshot snapshot = sim.createAndOpen(SPEC, store);
        events.clear();
        assertEquals(Errno.OK, sim.write(snapshot, CHUNK, filled(5, CHUNK)));
        assertEquals(0, count("origin", BlockOperation.READ));
        assertEquals(Errno.OK, sim.write(snapshot, 3 * CHUNK + 512, filled(6, 512)));
        assertEquals(1, count("origin", BlockOperation.READ));
        assertArrayEquals(filled(5, CHUNK), sim.read(snapshot, CHUNK, CHUNK));
        assertEquals(6, sim.read(snapshot, 3 * CHUNK, CHUNK)[512]);
        assertEquals(0, originDisk.readNow(CHUNK, 1)[0]);
    }

    /** S-S3. */
    @Test
    void flushOfASnapshotGoesToItsStore() throws StorageException {
        Snapshot snapshot = sim.createAndOpen(SPEC, store);
        events.clear();
        assertEquals(Errno.OK, sim.flush(snapshot));
        assertEquals(1, count("store", BlockOperation.FLUSH));
        assertEquals(0, count("origin", BlockOperation.FLUSH));
    }

    /** S-I3: chunks that are under way together share one write of the table. */
    @Test
    void recordsOfABatchShareAWrite() throws StorageException {
        sim.create(SPEC, store);
        events.clear();
        assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), 0, filled(1, 64 * CHUNK)));
        long tables = events.stream()
                .filter(e -> e.device().equals("store") && e.flags() == BlockRequest.FUA)
                .count();
        assertEquals(1, tables);
        assertEquals(1, count("store", BlockOperation.FLUSH));
    }

    /** S-I3: a table that gets full zeroes the next one first, and data is flushed before it is written. */
    @Test
    void theNextTableIsZeroedFirst() throws StorageException {
        storeDisk.writeNow(8192, filled(0xEE, SIZE));
        sim.create(SPEC.withChunkBytes(512), store);
        events.clear();
        assertEquals(Errno.OK, sim.write(sim.set.openOrigin(), 0, filled(1, 32 * 512)));
        List<Event> onStore =
                events.stream().filter(e -> e.device().equals("store")).toList();
        List<Event> last = onStore.subList(onStore.size() - 3, onStore.size());
        assertEquals(BlockOperation.WRITE_ZEROES, last.get(0).op());
        assertEquals((1 + 33) * 512, last.get(0).offset());
        assertEquals(BlockOperation.FLUSH, last.get(1).op());
        assertEquals(BlockRequest.FUA, last.get(2).flags());
        assertEquals(512, last.get(2).offset());
    }

    /**
     * S-V1, S-V2: no room for a copy: the origin's write goes on, but only after the header says that the snapshot is
     * lost.
     */
    @Test
    void aFullStoreLosesTheSnapshotAndTheHeaderSaysSoFirst() throws StorageException {
        SlowDisk tiny = new SlowDisk(new Recorder("store", new SimulatedDisk(4 * CHUNK), events));
        Snapshot snapshot = sim.createAndOpen(SPEC, tiny);
        BlockDevice open = sim.set.openOrigin();
        assertEquals(Errno.OK, sim.write(open, 0, filled(1, 2 * CHUNK)));
        tiny.hold(r -> r.offsetBytes() == 0 && r.operation() == BlockOperation.WRITE);
        SimHarness.Result write = sim.startWrite(0, open, 2 * CHUNK, filled(1, CHUNK));
        sim.loops.runUntilIdle();
        SimHarness.Result next = sim.startWrite(1, open, 5 * CHUNK, filled(1, CHUNK));
        sim.loops.runUntilIdle();
        assertFalse(write.isDone(), "the write went by before the header was written");
        assertFalse(next.isDone(), "the next write went by before the header was written");
        assertEquals(Errno.EIO, sim.readErrno(snapshot));
        sim.loops.enter(2, tiny::releaseAll);
        sim.loops.runUntilIdle();
        assertEquals(Errno.OK, write.errno);
        assertEquals("Invalid", sim.status("s").kernelWords());
        assertEquals(Errno.OK, sim.write(open, 3 * CHUNK, filled(1, CHUNK)));
    }

    /** S-V3: an error of the copy; other snapshots are not concerned. */
    @Test
    void anErrorOfOneStoreLosesOneSnapshot() throws StorageException {
        sim.create(SPEC, store);
        FaultPlan plan = new FaultPlan();
        sim.create(SPEC.withName("t"), new FaultyDevice(new SimulatedDisk(2 * SIZE), plan));
        plan.failAlways(BlockOperation.WRITE, Errno.EIO);
        BlockDevice open = sim.set.openOrigin();
        assertEquals(Errno.OK, sim.write(open, 0, filled(1, CHUNK)));
        assertEquals(SnapshotState.INVALID, sim.status("t").state());
        assertTrue(sim.status("t").cause().contains("copying chunk 0 failed: EIO"));
        assertEquals(SnapshotState.ACTIVE, sim.status("s").state());
    }

    /** S-V5: growth is asked for before the store is full, and nobody notices. */
    @Test
    void aStoreGrowsBeforeItIsFull() throws StorageException {
        SimulatedDisk small = new SimulatedDisk(32 * CHUNK);
        StoreGrowth growth = (name, total, done) -> {
            small.resize(total + 32 * CHUNK);
            done.run();
        };
        Snapshot snapshot = sim.createAndOpen(
                SPEC.withFullStore(StoreFullAction.INVALIDATE_SNAPSHOT, 1_000_000_000, growth), small);
        BlockDevice open = sim.set.openOrigin();
        for (int i = 0; i < 200; i++) {
            assertEquals(Errno.OK, sim.write(open, (long) i * CHUNK, filled(1, CHUNK)));
        }
        assertEquals(SnapshotState.ACTIVE, sim.status("s").state());
        assertArrayEquals(new byte[CHUNK], sim.read(snapshot, 0, CHUNK));
    }

    /** S-V5: writes wait for room, no longer than they may, then the policy decides. */
    @Test
    void writesAreHeldBackForABoundedTime() throws StorageException {
        for (StoreFullAction action : StoreFullAction.values()) {
            String name = action.name();
            SimulatedDisk small = new SimulatedDisk(4 * CHUNK);
            sim.create(SPEC.withName(name).withFullStore(action, 1_000_000_000, StoreGrowth.NONE), small);
            BlockDevice open = sim.set.openOrigin();
            assertEquals(Errno.OK, sim.write(open, 0, filled(1, 2 * CHUNK)));
            SimHarness.Result grown = sim.startWrite(0, open, 2 * CHUNK, filled(2, CHUNK));
            sim.loops.advance(900_000_000);
            assertFalse(grown.isDone(), name);
            small.resize(5 * CHUNK);
            sim.await(sim.set.storeGrown(name));
            assertEquals(Errno.OK, grown.errno, name);
            SimHarness.Result given = sim.startWrite(0, open, 3 * CHUNK, filled(3, CHUNK));
            sim.loops.advance(900_000_000);
            assertFalse(given.isDone(), name);
            sim.loops.advance(200_000_000);
            boolean fails = action == StoreFullAction.FAIL_WRITES;
            assertEquals(fails ? Errno.ENOSPC : Errno.OK, given.errno, name);
            assertEquals(
                    fails ? SnapshotState.ACTIVE : SnapshotState.INVALID,
                    sim.status(name).state());
            sim.await(sim.set.delete(name));
            open.close();
        }
    }

    /** S-D1, S-D3: TRIM of whole chunks zeroes those in the store; others are neither copied nor changed. */
    @Test
    void trimZeroesChunksInTheStore() throws StorageException {
        originDisk.writeNow(0, filled(1, SIZE));
        Snapshot snapshot = sim.createAndOpen(SPEC.withDiscard(true, false), store);
        assertEquals(CHUNK, snapshot.geometry().discardBytes());
        assertEquals(Errno.OK, sim.write(snapshot, 0, filled(2, 2 * CHUNK)));
        assertEquals(Errno.OK, sim.command(snapshot, BlockOperation.DISCARD, 0, CHUNK + 512));
        assertEquals(Errno.OK, sim.command(snapshot, BlockOperation.DISCARD, 4 * CHUNK, CHUNK));
        assertArrayEquals(new byte[CHUNK], sim.read(snapshot, 0, CHUNK));
        assertArrayEquals(filled(2, CHUNK), sim.read(snapshot, CHUNK, CHUNK));
        assertArrayEquals(filled(1, CHUNK), sim.read(snapshot, 4 * CHUNK, CHUNK));
        assertEquals(2, sim.status("s").chunks());
        assertEquals(1, originDisk.readNow(0, 1)[0]);
    }

    /** S-D2: with passdown the origin is trimmed too, and nothing is copied. */
    @Test
    void passdownTrimsTheOrigin() throws StorageException {
        originDisk.writeNow(0, filled(1, SIZE));
        Snapshot snapshot = sim.createAndOpen(SPEC.withDiscard(true, true), store);
        assertEquals(Errno.OK, sim.command(snapshot, BlockOperation.DISCARD, 512, 2 * CHUNK));
        assertArrayEquals(new byte[CHUNK], originDisk.readNow(CHUNK, CHUNK));
        assertArrayEquals(filled(1, CHUNK), originDisk.readNow(0, CHUNK));
        assertEquals(0, sim.status("s").chunks());
    }

    /** S-D5, S-V1 (PO). */
    @Test
    void anOverflowedSnapshotIsReadableOnly() throws StorageException {
        SnapshotSpec spec = SnapshotSpec.of("s", StoreType.PERSISTENT_OVERFLOW)
                .withChunkBytes(CHUNK)
                .withDiscard(true, false);
        Snapshot snapshot = sim.createAndOpen(spec, new SimulatedDisk(3 * CHUNK));
        assertEquals(Errno.OK, sim.write(snapshot, 0, filled(1, CHUNK)));
        assertEquals(Errno.EIO, sim.write(snapshot, CHUNK, filled(1, CHUNK)));
        assertEquals("Overflow", sim.status("s").kernelWords());
        assertEquals(Errno.EIO, sim.write(snapshot, 0, filled(2, CHUNK)));
        assertEquals(Errno.EIO, sim.command(snapshot, BlockOperation.DISCARD, 0, CHUNK));
        assertArrayEquals(filled(1, CHUNK), sim.read(snapshot, 0, CHUNK));
    }

    /** S-H1: requests wait while suspended; the destination goes on with table and store, the source is dead. */
    @Test
    void handoverMovesTableAndStore() throws StorageException {
        Snapshot source = sim.createAndOpen(SPEC, store);
        assertEquals(Errno.OK, sim.write(source, 0, filled(7, CHUNK)));
        sim.await(sim.set.suspend("s"));
        SimHarness.Result parked = sim.start(1, source, BlockOperation.READ, 0, CHUNK, 0, null);
        sim.loops.runUntilIdle();
        assertFalse(parked.isDone());
        sim.await(sim.set.handOver("s", SPEC.withName("d").withChunkBytes(0)));
        sim.loops.runUntilIdle();
        assertEquals(Errno.EIO, parked.errno);
        Snapshot destination = sim.set.openSnapshot("d");
        SimHarness.Result waiting = sim.start(0, destination, BlockOperation.READ, 0, CHUNK, 0, null);
        sim.loops.runUntilIdle();
        assertFalse(waiting.isDone());
        assertEquals(CHUNK, sim.await(sim.set.resume("d")).chunkBytes());
        sim.loops.runUntilIdle();
        assertArrayEquals(filled(7, CHUNK), waiting.data);
        assertEquals(Errno.EIO, sim.readErrno(source));
    }

    /** S-M3: a write to chunks that are just being merged waits, and is what is found afterwards. */
    @Test
    void aWriteToARunThatIsBeingMergedWaits() throws StorageException {
        try (Snapshot snapshot = sim.createAndOpen(SPEC, store)) {
            assertEquals(Errno.OK, sim.write(snapshot, 0, filled(7, 2 * CHUNK)));
        }
        origin.hold(r -> r.operation() == BlockOperation.WRITE && r.loop().index() == 2);
        sim.await(sim.set.merge("s"));
        assertEquals(1, origin.held().size());
        BlockDevice open = sim.set.openOrigin();
        SimHarness.Result write = sim.startWrite(0, open, CHUNK, filled(8, 512));
        sim.loops.runUntilIdle();
        assertFalse(write.isDone(), "a write to the run was not kept back");
        assertEquals(7, sim.read(open, 0, CHUNK)[0], "reads go on");
        sim.loops.enter(2, origin::releaseAll);
        sim.await(sim.set.mergeFinished());
        assertEquals(Errno.OK, write.errno);
        assertEquals(8, originDisk.readNow(CHUNK, 1)[0]);
        assertEquals(7, originDisk.readNow(CHUNK + 512, 1)[0]);
    }

    /** Records behind the end of the table, left by a torn write, are cleared before new ones can reach them. */
    @Test
    void tornRecordsAreClearedWhenTheStoreIsOpened() throws StorageException {
        sim.create(SPEC, store);
        sim.shutDown();
        byte[] torn = filled(0, 16);
        torn[0] = 9;
        torn[8] = 60;
        storeDisk.writeNow(CHUNK + 40 * 16, torn);
        try (SimSet again = new SimSet(origin, 2, 1)) {
            assertEquals(0, again.await(again.set.load(SPEC, store)).chunks());
            storeDisk.crashLosingAll();
            assertArrayEquals(new byte[16], storeDisk.readNow(CHUNK + 40 * 16, 16));
        }
    }

    /** Behind the first MiB of an area too, and without a buffer as large as the area. */
    @Test
    void tornRecordsAnywhereInALargeAreaAreCleared() throws StorageException {
        int chunk = 8 << 20;
        SimulatedDisk large = new SimulatedDisk(64L << 20);
        SnapshotSpec spec = SPEC.withChunkBytes(chunk);
        sim.create(spec, large);
        sim.shutDown();
        byte[] torn = filled(1, 16);
        int[] places = {4096, (1 << 20) + 512, (5 << 20) - 16, chunk - 16};
        for (int place : places) {
            large.writeNow(chunk + place, torn);
        }
        try (SimSet again = new SimSet(origin, 2, 1)) {
            assertEquals(0, again.await(again.set.load(spec, large)).chunks());
            large.crashLosingAll();
            for (int place : places) {
                assertArrayEquals(new byte[16], large.readNow(chunk + place, 16), "at byte " + place);
            }
        }
    }

    /** Deleting wipes the header: a store that missed writes is not opened again by mistake. */
    @Test
    void aDeletedSnapshotLeavesNoStoreBehind() throws StorageException {
        sim.create(SPEC, store);
        assertNotEquals(0, storeDisk.readNow(0, 1)[0]);
        sim.await(sim.set.delete("s"));
        assertArrayEquals(new byte[CHUNK], storeDisk.readNow(0, CHUNK));
        sim.create(SPEC, store);
    }
}
