package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Event;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Recorder;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.DiscardMode;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.commit.Committer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What TRIM and deletion pass down to the data device, and when (rules DI-1 to DI-13 and 4.10). */
class DiscardTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L << 20;
    private static final int DATA_BLOCKS = 64;

    private final List<Event> events = new ArrayList<>();
    private final SimulatedDisk metadataDisk = new SimulatedDisk(4 << 20);
    private final SimulatedDisk dataDisk = new SimulatedDisk((long) DATA_BLOCKS * BLOCK);
    private final FaultPlan dataFaults = new FaultPlan();
    private final SlowDisk slow = new SlowDisk(new FaultyDevice(dataDisk, dataFaults));
    private SimPool sim;

    private SimPool fresh(BlockDevice data) throws StorageException {
        return fresh(data, DiscardMode.PASSDOWN);
    }

    private SimPool fresh(BlockDevice data, DiscardMode mode) throws StorageException {
        SimPool.format(metadataDisk, data);
        sim = SimPool.open(
                new Recorder("metadata", metadataDisk, events),
                new Recorder("data", data, events),
                1,
                2,
                SimPool.OPTIONS.withDiscard(mode));
        return sim;
    }

    private SimPool fresh() throws StorageException {
        return fresh(slow);
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        if (sim != null) {
            sim.close();
            SimPool.assertSound(metadataDisk, "after the test");
        }
    }

    // ---- order -----------------------------------------------------------------------------------------------------

    @Test
    void di6aABlockIsDiscardedAfterTheCommitThatFreesItIsStable() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        List<Long> blocks = fill(volume, 0, 10);
        sim.flush(volume);
        events.clear();
        assertEquals(Errno.OK, sim.trim(volume, 2L * BLOCK, 5L * BLOCK));
        assertEquals(Set.of(), discarded(), "a crash now would bring the old contents back");
        assertArrayEquals(ThinPoolTest.bytes(2, BLOCK), dataDisk.readNow(blocks.get(2) * BLOCK, BLOCK));
        sim.flush(volume);
        assertEquals(new TreeSet<>(blocks.subList(2, 7)), discarded(), "exactly the trimmed blocks");
        boolean committed = false;
        for (Event e : events) {
            if (e.device().equals("metadata") && e.op() == BlockOperation.WRITE && e.offset() == 0) {
                assertEquals(BlockRequest.FUA, e.flags(), "the superblock is stable when its write is answered");
                committed = true;
            } else if (e.op() == BlockOperation.DISCARD) {
                assertTrue(committed, "discarded before the superblock was written");
            }
        }
        assertTrue(committed);
    }

    @Test
    void di6ABlockIsNotGivenOutWhileItsDiscardIsUnderWay() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        int free = free();
        fill(volume, 0, free);
        sim.flush(volume);
        slow.hold(r -> r.operation() == BlockOperation.DISCARD);
        sim.trim(volume, 0, BLOCK);
        sim.flush(volume);
        SimHarness.Result write =
                sim.start(0, volume, BlockOperation.WRITE, 500L * BLOCK, BLOCK, 0, ThinPoolTest.bytes(99, BLOCK));
        sim.loops.runUntilIdle();
        assertFalse(write.isDone(), "the only free block is being discarded");
        slow.letGo(sim);
        assertEquals(Errno.OK, write.errno);
        assertArrayEquals(ThinPoolTest.bytes(99, BLOCK), sim.read(volume, 500L * BLOCK, BLOCK), "the late discard hit");
    }

    @Test
    void discardsAreSkippedWhileSomebodyWaitsForSpace() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        int free = free();
        List<Long> blocks = fill(volume, 0, free);
        // Every second block: single-block runs, more of them than are under way at a time.
        sim.flush(volume);
        slow.hold(r -> r.operation() == BlockOperation.DISCARD);
        for (int i = 0; i < 20; i++) {
            sim.trim(volume, 2L * i * BLOCK, BLOCK);
        }
        sim.flush(volume);
        int underWay = discarded().size();
        assertTrue(underWay > 0 && underWay < 20, underWay + " discards under way at once");
        SimHarness.Result write = sim.start(0, volume, BlockOperation.WRITE, 500L * BLOCK, 512, 0, new byte[512]);
        sim.loops.runUntilIdle();
        slow.letGo(sim);
        assertEquals(Errno.OK, write.errno);
        assertEquals(underWay, discarded().size(), "no discard began while a write waited");
        assertEquals(20 - underWay, sim.pool.counters().undiscardedBlocks.sum());
        assertEquals(free, blocks.size());
    }

    @Test
    void l6ABlockMappedAndUnmappedInOneTransactionIsNotReusedUnderAReadOfIt() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        int free = free();
        fill(volume, 1, free - 1);
        sim.flush(volume);
        sim.write(volume, 0, ThinPoolTest.bytes(1, BLOCK));
        slow.hold(r -> r.operation() == BlockOperation.READ && r.loop().index() == 0);
        SimHarness.Result late = sim.start(0, volume, BlockOperation.READ, 0, BLOCK, 0, null);
        sim.loops.runUntilIdle();
        assertFalse(late.isDone());
        assertEquals(Errno.OK, sim.finish(sim.start(1, volume, BlockOperation.DISCARD, 0, BLOCK, 0, null)).errno);
        SimHarness.Result write =
                sim.start(1, volume, BlockOperation.WRITE, 500L * BLOCK, BLOCK, 0, ThinPoolTest.bytes(99, BLOCK));
        sim.loops.runUntilIdle();
        slow.letGo(sim);
        assertEquals(Errno.OK, late.errno | write.errno);
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), late.data, "the late read saw its new owner's data");
        assertArrayEquals(ThinPoolTest.bytes(99, BLOCK), sim.read(volume, 500L * BLOCK, BLOCK));
    }

    // ---- what is passed down ---------------------------------------------------------------------------------------

    @Test
    void row410BlocksFreedByBreakingSharingArePassedDownAndSharedOnesAreNot() throws StorageException {
        ThinVolume origin = fresh().create("v", VOLUME);
        List<Long> old = fill(origin, 0, 10);
        ThinVolume snapshot = sim.snapshot("v", "s");
        fill(origin, 0, 4);
        sim.flush(origin);
        events.clear();
        assertEquals(Errno.OK, sim.trim(snapshot, 0, VOLUME));
        sim.flush(snapshot);
        assertEquals(new TreeSet<>(old.subList(0, 4)), discarded(), "only those that the origin has left (DI-7)");
        for (int i = 0; i < 10; i++) {
            byte[] expected = ThinPoolTest.bytes(i, BLOCK);
            assertArrayEquals(expected, sim.read(origin, (long) i * BLOCK, BLOCK), "DI-10: block " + i);
        }
        events.clear();
        sim.trim(origin, 4L * BLOCK, 6L * BLOCK);
        sim.flush(origin);
        assertEquals(new TreeSet<>(old.subList(4, 10)), discarded(), "nobody shares them any more");
    }

    @Test
    void aBlockSharedWithASnapshotIsPassedDownOnlyWithItsLastUser() throws StorageException {
        ThinVolume origin = fresh().create("v", VOLUME);
        List<Long> blocks = fill(origin, 0, 3);
        ThinVolume snapshot = sim.snapshot("v", "s");
        events.clear();
        sim.trim(origin, 0, VOLUME);
        sim.flush(origin);
        assertEquals(Set.of(), discarded(), "the snapshot has them");
        assertArrayEquals(ThinPoolTest.bytes(1, BLOCK), sim.read(snapshot, BLOCK, BLOCK), "DI-10");
        snapshot.close();
        sim.await(sim.pool.deleteVolume("s"));
        assertEquals(new TreeSet<>(blocks), discarded(), "DI-12: deleting passes down");
    }

    @Test
    void di11AVolumeWithATrimUnderWayIsNotDeleted() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        fill(volume, 0, 4);
        sim.snapshot("v", "s");
        slow.hold(r -> r.operation() == BlockOperation.WRITE);
        SimHarness.Result write = sim.start(0, volume, BlockOperation.WRITE, 0, BLOCK, 0, new byte[BLOCK]);
        SimHarness.Result trim = sim.start(1, volume, BlockOperation.DISCARD, 0, 4L * BLOCK, 0, null);
        sim.loops.runUntilIdle();
        assertFalse(trim.isDone(), "a block of it is being copied");
        StorageException refused = assertThrows(StorageException.class, () -> sim.await(sim.pool.deleteVolume("v")));
        assertEquals(Errno.EBUSY, refused.errno());
        slow.letGo(sim);
        assertEquals(Errno.OK, write.errno | trim.errno);
    }

    @Test
    void di5ADiscardCoversAtMost32Blocks() throws StorageException {
        ThinVolume volume = fresh(new VoidDisk(4000L * BLOCK)).create("v", 4000L * BLOCK);
        for (int i = 0; i < 2500; i++) {
            sim.write(volume, (long) i * BLOCK, new byte[512]);
        }
        sim.flush(volume);
        events.clear();
        sim.trim(volume, 0, 4000L * BLOCK);
        sim.flush(volume);
        assertEquals(2500, discarded().size());
        List<Event> discards = discards();
        assertEquals(
                32L * BLOCK, discards.stream().mapToLong(Event::length).max().orElseThrow());
    }

    @Test
    void di12ThereIsOneDiscardAtATimeAndAPauseBehindIt() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        fill(volume, 0, 40);
        sim.flush(volume);
        slow.hold(r -> r.operation() == BlockOperation.DISCARD);
        for (int i = 0; i < 20; i++) {
            sim.trim(volume, 2L * i * BLOCK, BLOCK);
        }
        sim.flush(volume);
        assertEquals(1, slow.heldCount(), "discards under way");
        sim.loops.advance(6_000_000);
        slow.release(slow.held().getFirst());
        sim.loops.runUntilIdle();
        assertEquals(0, slow.heldCount(), "a discard without a pause behind 6 ms of work");
        sim.loops.advance(5_900_000);
        assertEquals(0, slow.heldCount(), "the pause is as long as the work");
        sim.loops.advance(200_000);
        assertEquals(1, slow.heldCount());
        slow.letGo(sim);
        while (discarded().size() < 20) {
            assertTrue(sim.loops.advanceToNextTimer(), "the rest is forgotten");
        }
    }

    @Test
    void di8AFailedDiscardIsNoError() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        int free = free();
        fill(volume, 0, free);
        dataFaults.failAlways(BlockOperation.DISCARD, Errno.EIO);
        assertEquals(Errno.OK, sim.trim(volume, 0, (long) free * BLOCK));
        assertEquals(Errno.OK, sim.flush(volume));
        assertEquals(PoolMode.WRITE, sim.pool.mode());
        assertTrue(sim.pool.counters().failedDiscards.sum() > 0);
        assertEquals(free, sim.pool.counters().undiscardedBlocks.sum());
        fill(volume, 0, free);
        assertArrayEquals(ThinPoolTest.bytes(3, BLOCK), sim.read(volume, 3L * BLOCK, BLOCK));
    }

    @Test
    void f1WithoutDiscardsBelowNothingIsPassedDown() throws StorageException {
        ThinVolume volume =
                fresh(new SimulatedDisk(64L * BLOCK, 512, 0, new PowerSupply())).create("v", VOLUME);
        fill(volume, 0, 4);
        sim.trim(volume, 0, VOLUME);
        sim.flush(volume);
        assertEquals(0, volume.info().mappedBytes());
        assertEquals(Set.of(), discarded());
        assertEquals(DiscardMode.NO_PASSDOWN, sim.status().discard());
    }

    @Test
    void di4WithoutPassdownATrimOnlyUnmaps() throws StorageException {
        ThinVolume volume = fresh(slow, DiscardMode.NO_PASSDOWN).create("v", VOLUME);
        int free = free();
        fill(volume, 0, free);
        sim.trim(volume, 0, VOLUME);
        sim.flush(volume);
        assertEquals(0, volume.info().mappedBytes());
        assertEquals(Set.of(), discarded());
        assertEquals(free, free());
        assertEquals(DiscardMode.NO_PASSDOWN, sim.status().discard());
    }

    @Test
    void ignoreDiscardRefusesTrimAndKeepsMappings() throws StorageException {
        ThinVolume volume = fresh(slow, DiscardMode.IGNORE).create("v", VOLUME);
        fill(volume, 0, 4);
        assertEquals(0, volume.geometry().discardBytes());
        assertEquals(Errno.EOPNOTSUPP, sim.trim(volume, 0, VOLUME));
        assertEquals(4L * BLOCK, volume.info().mappedBytes());
        assertEquals(Errno.OK, sim.zero(volume, 0, BLOCK, 0), "zeroing is no discard");
        assertEquals(3L * BLOCK, volume.info().mappedBytes());
    }

    @Test
    void f1AGranuleLargerThanABlockCannotBeDiscarded() {
        assertEquals(DiscardMode.PASSDOWN, DiscardMode.PASSDOWN.effective(4096, BLOCK));
        assertEquals(DiscardMode.PASSDOWN, DiscardMode.PASSDOWN.effective(BLOCK, BLOCK));
        assertEquals(DiscardMode.NO_PASSDOWN, DiscardMode.PASSDOWN.effective(2 * BLOCK, BLOCK));
        assertEquals(DiscardMode.IGNORE, DiscardMode.IGNORE.effective(0, BLOCK));
    }

    // ---- what is unmapped ------------------------------------------------------------------------------------------

    @Test
    void di1LessThanABlockChangesNothing() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        fill(volume, 0, 3);
        sim.flush(volume);
        events.clear();
        assertEquals(Errno.OK, sim.trim(volume, 512, 2L * BLOCK - 1024));
        assertEquals(3L * BLOCK, volume.info().mappedBytes());
        sim.flush(volume);
        assertEquals(
                0, events.stream().filter(e -> e.device().equals("metadata")).count());
    }

    @Test
    void di2ATrimOfUnmappedSpaceCausesNoCommit() throws StorageException {
        ThinVolume volume = fresh().create("v", 1L << 44);
        fill(volume, 0, 1);
        sim.flush(volume);
        events.clear();
        assertEquals(Errno.OK, sim.trim(volume, BLOCK, (1L << 44) - BLOCK));
        assertEquals(Errno.OK, sim.flush(volume));
        sim.loops.advance(10 * Committer.PERIOD_NANOS);
        assertEquals(
                0,
                events.stream()
                        .filter(e -> e.device().equals("metadata") && e.op() != BlockOperation.READ)
                        .count());
    }

    @Test
    void di3PastTheEndIsRefusedAndChangesNothing() throws StorageException {
        ThinVolume volume = fresh().create("v", 10L * BLOCK);
        fill(volume, 0, 10);
        assertEquals(Errno.EINVAL, sim.trim(volume, 5L * BLOCK, 6L * BLOCK));
        assertEquals(10L * BLOCK, volume.info().mappedBytes());
    }

    @Test
    void di9ATrimMakesTheVolumeChangedAndItsBlocksFreeWithTheCommit() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        ThinVolume other = sim.create("w", VOLUME);
        fill(volume, 0, 5);
        sim.flush(volume);
        int free = free();
        long commits = sim.pool.counters().commits.sum();
        sim.trim(volume, 0, 5L * BLOCK);
        sim.flush(other);
        assertEquals(commits, sim.pool.counters().commits.sum(), "another volume's flush commits nothing");
        sim.loops.advance(Committer.PERIOD_NANOS);
        assertEquals(commits + 1, sim.pool.counters().commits.sum());
        assertEquals(free + 5, free());
    }

    @Test
    void aTrimBeyond128TiBEnds() throws StorageException {
        long size = 1L << 50;
        ThinVolume volume = fresh().create("v", size);
        sim.write(volume, 0, new byte[512]);
        sim.write(volume, size - BLOCK, new byte[512]);
        assertEquals(Errno.OK, sim.trim(volume, 0, size));
        assertEquals(0, volume.info().mappedBytes());
    }

    @Test
    void row48HowAClientSplitsATrimDoesNotMatter() throws StorageException {
        SplittableRandom random = Seeds.splittable(8);
        List<Set<Long>> mapped = new ArrayList<>();
        List<Set<Long>> passedDown = new ArrayList<>();
        for (int way = 0; way < 3; way++) {
            SimulatedDisk metadata = new SimulatedDisk(4 << 20);
            SimulatedDisk data = new SimulatedDisk((long) DATA_BLOCKS * BLOCK);
            events.clear();
            SimPool.format(metadata, data);
            try (SimPool pool = SimPool.open(metadata, new Recorder("data", data, events), 1, 2)) {
                ThinVolume volume = pool.create("v", VOLUME);
                fill(pool, volume, 3, 30);
                pool.flush(volume);
                events.clear();
                // From inside block 4 to inside block 27.
                long from = 4L * BLOCK + 700;
                long end = 27L * BLOCK + 5000;
                while (from < end) {
                    long wholeBlocks = way == 0 ? 100 : way == 1 ? 1 : 1 + random.nextInt(5);
                    long to = Math.min(end, (from / BLOCK + wholeBlocks) * BLOCK);
                    assertEquals(Errno.OK, pool.trim(volume, from, to - from));
                    from = to;
                }
                pool.flush(volume);
                Set<Long> left = new TreeSet<>();
                for (long block = 0; block < 40; block++) {
                    if (pool.read(volume, block * BLOCK, 1)[0] != 0) {
                        left.add(block);
                    }
                }
                mapped.add(left);
                passedDown.add(discarded());
            }
        }
        assertEquals(Set.of(3L, 4L, 27L, 28L, 29L, 30L, 31L, 32L), mapped.get(0));
        assertEquals(22, passedDown.get(0).size());
        for (int way = 1; way < 3; way++) {
            assertEquals(mapped.get(0), mapped.get(way), "way " + way);
            assertEquals(passedDown.get(0), passedDown.get(way), "way " + way);
        }
    }

    @Test
    void whatTheLastCommitFreesIsDiscardedBeforeThePoolIsClosed() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        List<Long> blocks = fill(volume, 0, 5);
        sim.trim(volume, 0, VOLUME);
        volume.close();
        sim.shutDown();
        assertEquals(new TreeSet<>(blocks), discarded());
    }

    private int free() throws StorageException {
        PoolStatus status = sim.status();
        return (int) (status.dataBlocks() - status.dataBlocksUsed());
    }

    /** Writes whole blocks. Returns the data blocks they got, in order. */
    private List<Long> fill(ThinVolume volume, int from, int count) {
        return fill(sim, volume, from, count);
    }

    private List<Long> fill(SimPool pool, ThinVolume volume, int from, int count) {
        List<Long> blocks = new ArrayList<>();
        for (int i = from; i < from + count; i++) {
            int before = events.size();
            assertEquals(Errno.OK, pool.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
            for (Event e : events.subList(before, events.size())) {
                if (e.device().equals("data") && e.op() == BlockOperation.WRITE) {
                    blocks.add(e.offset() / BLOCK);
                }
            }
        }
        return blocks;
    }

    private List<Event> discards() {
        return events.stream().filter(e -> e.op() == BlockOperation.DISCARD).toList();
    }

    /** Data blocks that were discarded; none twice. */
    private Set<Long> discarded() {
        Set<Long> blocks = new TreeSet<>();
        for (Event e : discards()) {
            for (long offset = e.offset(); offset < e.offset() + e.length(); offset += BLOCK) {
                assertTrue(blocks.add(offset / BLOCK), "discarded twice: block " + offset / BLOCK);
            }
        }
        return blocks;
    }
}
