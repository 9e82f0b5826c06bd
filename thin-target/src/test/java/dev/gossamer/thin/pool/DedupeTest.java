package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolGrowth;
import dev.gossamer.thin.job.MoveLimits;
import dev.gossamer.thin.job.MoveStart;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Equal blocks become one, of all volumes that have them; what differs, or is written meanwhile, stays (DD-1 to DD-3).
 */
class DedupeTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int COPIES = 10;
    private static final int BLOCKS = 12;
    private static final int CATALOG_BLOCKS = 2;
    private static final long VOLUME = (long) BLOCKS * BLOCK;

    private final PowerSupply power = new PowerSupply();
    private final SimulatedDisk metadataBase = new SimulatedDisk(2 << 20, 512, power);
    private final SimulatedDisk dataBase = new SimulatedDisk(200L * BLOCK, 512, power);
    // No pair fits; zeros, which are unmapped of all who have them at once, do not either, and become one.
    private static final MoveLimits SMALL = new MoveLimits(20, 20, 0, 2, 100);

    private MoveLimits limits = MoveLimits.NORMAL;
    private final Map<String, byte[]> model = new LinkedHashMap<>();

    /** Ten copies of one image, of which each has a block of its own; one of zeros each; and a snapshot of one. */
    @BeforeEach
    void copies() throws StorageException {
        SimPool.format(metadataBase, dataBase);
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 2)) {
            byte[] image = new byte[10 * BLOCK];
            for (int i = 0; i < 10; i++) {
                System.arraycopy(ThinPoolTest.bytes(i, BLOCK), 0, image, i * BLOCK, BLOCK);
                image[i * BLOCK + 5000] = (byte) (i + 1);
            }
            for (int i = 0; i < COPIES; i++) {
                ThinVolume volume = sim.create("c" + i, VOLUME);
                sim.write(volume, 0, image);
                sim.write(volume, (long) i * BLOCK + 512, ThinPoolTest.bytes(50 + i, 512));
                sim.write(volume, 10L * BLOCK, new byte[BLOCK]);
                volume.close();
            }
            sim.snapshot("c3", "s").close();
            for (int i = 0; i <= COPIES; i++) {
                String name = i == COPIES ? "s" : "c" + i;
                ThinVolume volume = sim.pool.openVolume(name);
                model.put(name, sim.read(volume, 0, (int) VOLUME));
                volume.close();
            }
            sim.loops.advance(3_000_000_000L);
            sim.shutDown();
        }
    }

    private void verify(SimPool sim, String where) {
        for (Map.Entry<String, byte[]> volume : model.entrySet()) {
            ThinVolume handle = sim.pool.openVolume(volume.getKey());
            assertArrayEquals(volume.getValue(), sim.read(handle, 0, (int) VOLUME), where + ", " + volume.getKey());
            handle.close();
        }
    }

    private JobInfo dedupe(SimPool sim) throws StorageException {
        return new JobRig(sim).finish(start(sim));
    }

    private JobInfo start(SimPool sim) throws StorageException {
        MoveStart moves = new JobRig(sim).moves(limits, PoolGrowth.NONE);
        return sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> moves.dedupe(DedupeSpec.ALL)));
    }

    @Test
    void dd1AllThatIsEqualIsSharedAndWrittenToByItself() throws StorageException {
        shareAll(0);
    }

    /** As in a pool with very many trees: a pair is compared and merged for some owners at a time, to the same end. */
    @Test
    void dd1AllThatIsEqualIsSharedWhereOwnersAreLookedForByParts() throws StorageException {
        limits = SMALL;
        shareAll(1);
    }

    private void shareAll(int zerosLeft) throws StorageException {
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 2)) {
            JobInfo over = dedupe(sim);
            assertEquals(JobInfo.State.DONE, over.state(), over.message());
            verify(sim, "deduped");
            sim.loops.advance(3_000_000_000L);
            // Of each block the image's, if there is one that nobody has changed, and one for each change.
            assertEquals(10 + COPIES + CATALOG_BLOCKS + zerosLeft, sim.status().dataBlocksUsed(), over.message());
            assertEquals(zerosLeft > 0, over.message().contains(", 10 shared as others are"), over.message());
            assertAllLookShared(sim);
            for (int i = 0; i < COPIES; i++) {
                ThinVolume volume = sim.pool.openVolume("c" + i);
                assertEquals(Errno.OK, sim.write(volume, 4096, ThinPoolTest.bytes(90 + i, 512)));
                System.arraycopy(ThinPoolTest.bytes(90 + i, 512), 0, model.get("c" + i), 4096, 512);
                volume.close();
            }
            verify(sim, "written to");
            assertTrue(dedupe(sim).message().contains(", 0 are shared now"), "there is nothing more");
            sim.shutDown();
        }
        SimPool.assertSound(metadataBase, "after the test");
    }

    /**
     * A volume that comes to be spared while the job merges keeps all its blocks to itself, also those of zeros, and
     * however owners are looked for; the others' are shared.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoIsSparedWhileItRunsSharesNothing(boolean byParts) throws StorageException {
        limits = byParts ? SMALL : MoveLimits.NORMAL;
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 2)) {
            boolean[] isStore = {false};
            DedupeSpec spec = DedupeSpec.ALL.sparing(name -> isStore[0] && name.equals("c7"));
            MoveStart moves = new JobRig(sim).moves(limits, PoolGrowth.NONE);
            JobInfo job = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> moves.dedupe(spec)));
            while (!new JobRig(sim).show(job.id()).message().matches("[0-9]+ blocks have equals, [1-9].*")) {
                sim.loops.advance(100_000L);
            }
            isStore[0] = true;
            JobInfo over = new JobRig(sim).finish(job);
            assertEquals(JobInfo.State.DONE, over.state(), over.message());
            verify(sim, "deduped");
            PoolMetadata metadata = sim.pool.parts.metadata;
            int shared = sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
                int id = sim.pool.parts.devices.named("c7").id();
                int count = 0;
                for (int block = 0; block <= 10; block++) {
                    long mapping = metadata.lookup(id, block);
                    assertTrue(mapping != Mapping.NONE, "block " + block + " was unmapped");
                    count += metadata.isDataBlockShared(Mapping.dataBlock(mapping)) ? 1 : 0;
                }
                return count;
            }));
            assertEquals(0, shared, over.message());
            assertFalse(over.message().contains(" 0 are shared now"), over.message());
            sim.shutDown();
        }
        SimPool.assertSound(metadataBase, "after the test");
    }

    /** To any dm-thin, by times alone, each owner of a block that several have looks like one of them (CL-5). */
    private void assertAllLookShared(SimPool sim) throws StorageException {
        PoolMetadata metadata = sim.pool.parts.metadata;
        sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> {
            for (String name : model.keySet()) {
                int id = sim.pool.parts.devices.named(name).id();
                int snapshotted = metadata.details(id).snapshottedTime();
                for (int block = 0; block < BLOCKS; block++) {
                    long mapping = metadata.lookup(id, block);
                    if (mapping != Mapping.NONE && metadata.isDataBlockShared(Mapping.dataBlock(mapping))) {
                        assertTrue(Mapping.time(mapping) < snapshotted, name + ", block " + block);
                    }
                }
            }
            return 0;
        }));
    }

    @Test
    void aDryRunCountsAndChangesNothing() throws StorageException {
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 2)) {
            long used = sim.status().dataBlocksUsed();
            JobInfo over =
                    new JobRig(sim).finish(sim.await(sim.pool.jobs().dedupe(new DedupeSpec(List.of(), true, 0))));
            long equal = (long) COPIES * 10 - 10 - COPIES;
            assertTrue(over.message().startsWith(equal + " of "), over.message());
            assertTrue(over.message().contains(COPIES + " are zeros"), over.message());
            assertEquals(used, sim.status().dataBlocksUsed());
            sim.shutDown();
        }
    }

    /** Only what the chosen volumes have is read; who else has an equal block of theirs gets the one, too. */
    @Test
    void ofSomeVolumesOnlyTheirBlocksAreShared() throws StorageException {
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 2)) {
            JobInfo over = new JobRig(sim)
                    .finish(sim.await(sim.pool.jobs().dedupe(new DedupeSpec(List.of("c1", "s", "c1"), false, 0))));
            assertEquals(JobInfo.State.DONE, over.state(), over.message());
            // Blocks 0 to 9 but for 1 and 3, in which one of the two is different.
            assertTrue(over.message().startsWith("8 of 22 blocks had equals, 8 are shared"), over.message());
            assertTrue(over.message().contains("2 were zeros, 2 are unmapped"), over.message());
            verify(sim, "deduped");
            StorageException none = assertThrows(
                    StorageException.class,
                    () -> sim.await(sim.pool.jobs().dedupe(new DedupeSpec(List.of("c1", "none"), false, 0))));
            assertTrue(none.getMessage().contains("there is no volume 'none'"), none.getMessage());
            sim.await(sim.pool.deleteVolume("c1")); // nothing holds it any more
            sim.shutDown();
        }
        SimPool.assertSound(metadataBase, "after the test");
    }

    /**
     * With memory for 14 fingerprints all is read many times, each time for others, and with memory for few places each
     * round merges some: it comes to the same.
     */
    @ParameterizedTest
    @ValueSource(ints = {1 << 17, 9})
    void withLittleMemoryItTakesSeveralPassesAndFindsTheSame(int places) throws StorageException {
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 2)) {
            MoveStart moves = new JobRig(sim).moves(MoveLimits.NORMAL, PoolGrowth.NONE);
            JobInfo job =
                    sim.await(WorkerCalls.call(sim.pool.parts.loop, () -> moves.dedupe(DedupeSpec.ALL, 128, places)));
            assertTrue(job.totalBytes() >= 5L * 110 * BLOCK, "several times all there is: " + job);
            JobInfo over = new JobRig(sim).finish(job);
            assertEquals(JobInfo.State.DONE, over.state(), over.message());
            verify(sim, "deduped");
            sim.loops.advance(3_000_000_000L);
            assertEquals(10 + COPIES + CATALOG_BLOCKS, sim.status().dataBlocksUsed(), over.message());
            sim.shutDown();
        }
        SimPool.assertSound(metadataBase, "after the test");
    }

    @Test
    void rl3AMetadataSnapshotThatComesMeanwhileIsWaitedFor() throws StorageException {
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 2)) {
            JobInfo job = sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL));
            sim.await(sim.pool.reserveMetadataSnapshot());
            sim.loops.advance(20_000_000_000L);
            JobInfo now = new JobRig(sim).show(job.id());
            assertEquals(JobInfo.State.RUNNING, now.state(), now.message());
            assertTrue(now.message().startsWith("waits until the metadata snapshot is released"), now.message());
            sim.await(sim.pool.releaseMetadataSnapshot());
            JobInfo over = new JobRig(sim).finish(now);
            assertEquals(JobInfo.State.DONE, over.state(), over.message());
            assertFalse(over.message().contains("waits"), over.message());
            sim.loops.advance(3_000_000_000L);
            assertEquals(10 + COPIES + CATALOG_BLOCKS, sim.status().dataBlocksUsed(), over.message());
            verify(sim, "ended");
            sim.shutDown();
        }
    }

    @Test
    void itReadsNoFasterThanItMay() throws StorageException {
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 2)) {
            JobInfo job = sim.await(sim.pool.jobs().dedupe(new DedupeSpec(List.of(), true, 20L * BLOCK)));
            sim.loops.advance(4_000_000_000L);
            JobInfo now = new JobRig(sim).show(job.id());
            assertFalse(now.state().isFinal(), "110 blocks take five seconds");
            assertTrue(now.doneBytes() <= (80L + 64) * BLOCK, now.toString());
            sim.loops.advance(10_000_000_000L);
            assertTrue(new JobRig(sim).show(job.id()).state().isFinal());
            sim.shutDown();
        }
    }

    /** Counted in reads of the disk, and by no clock: those of two blocks, and of its own to break sharing. */
    @Test
    void dd2AWriteWaitsForNoMoreThanTheReadsOfTwoBlocks() throws StorageException {
        SlowDisk counted = new SlowDisk(dataBase);
        SimHarness.Result[] write = new SimHarness.Result[1];
        int[] reads = new int[1];
        counted.hold(request -> {
            boolean waits = write[0] != null && !write[0].isDone();
            reads[0] += waits
                            && request.operation() == BlockOperation.READ
                            && request.loop().index() == 2
                    ? 1
                    : 0;
            return false;
        });
        try (SimPool sim = SimPool.open(metadataBase, counted, 1, 2)) {
            JobRig jobs = new JobRig(sim);
            JobInfo job = sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL));
            while (!jobs.show(job.id()).message().matches(".*[1-9][0-9]* are shared now.*")) {
                sim.loops.advance(1_000_000L);
            }
            int most = 0;
            int writes = 0;
            for (; !jobs.show(job.id()).state().isFinal(); writes++) {
                ThinVolume volume = sim.pool.openVolume("c" + writes % COPIES);
                byte[] bytes = ThinPoolTest.bytes(200 + writes, 512);
                int at = writes * 7 % 10 * BLOCK + 1024;
                reads[0] = 0;
                write[0] = sim.start(0, volume, BlockOperation.WRITE, at, 512, 0, bytes);
                while (!write[0].isDone()) {
                    sim.loops.advance(100_000L);
                }
                System.arraycopy(bytes, 0, model.get("c" + writes % COPIES), at, 512);
                most = Math.max(most, reads[0]);
                volume.close();
            }
            assertTrue(writes > 20, writes + " writes only");
            assertTrue(most > 0 && most <= 3, most + " reads");
            verify(sim, "written to");
            sim.shutDown();
        }
    }

    @Test
    void dd1ABlockThatIsWrittenWhileItIsComparedIsComparedFirst() throws StorageException {
        SlowDisk slow = new SlowDisk(dataBase);
        try (SimPool sim = SimPool.open(metadataBase, slow, 1, 2)) {
            ThinVolume c7 = sim.pool.openVolume("c7");
            sim.read(c7, 0, 512);
            JobInfo job = sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL));
            while (!new JobRig(sim).show(job.id()).message().matches(".*[1-9][0-9]* are shared now.*")) {
                sim.loops.advance(1_000_000L);
            }
            // The next comparison stands still; all of c7 is written to.
            slow.hold(request ->
                    request.operation() == BlockOperation.READ && request.loop().index() == 2);
            sim.loops.advance(10_000_000L);
            assertTrue(slow.heldCount() > 0, "a comparison is under way");
            SimHarness.Result[] writes = new SimHarness.Result[10];
            for (int i = 0; i < writes.length; i++) {
                byte[] bytes = ThinPoolTest.bytes(200 + i, 512);
                writes[i] = sim.start(0, c7, BlockOperation.WRITE, (long) i * BLOCK + 8192, 512, 0, bytes);
                System.arraycopy(bytes, 0, model.get("c7"), i * BLOCK + 8192, 512);
            }
            sim.loops.runUntilIdle();
            slow.letGo(sim);
            JobInfo over = new JobRig(sim).finish(job);
            assertEquals(JobInfo.State.DONE, over.state(), over.message());
            assertTrue(Arrays.stream(writes).allMatch(write -> write.errno == Errno.OK));
            c7.close();
            verify(sim, "written meanwhile");
            sim.shutDown();
        }
        SimPool.assertSound(metadataBase, "after the test");
    }

    /** A read of a step holds nothing that closing would wait for: the devices stay open until it has ended. */
    @Test
    void thePoolIsClosedWhenTheReadUnderWayHasEndedAndNoOtherFollows() throws StorageException {
        SlowDisk slow = new SlowDisk(dataBase);
        SimPool sim = SimPool.open(metadataBase, slow, 1, 2);
        slow.hold(request ->
                request.operation() == BlockOperation.READ && request.loop().index() == 2);
        JobInfo job = sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL));
        sim.loops.advance(100_000_000L);
        assertEquals(1, slow.heldCount());
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.advance(10_000_000_000L);
        assertFalse(closed.isDone(), "the data device would be closed under a read");
        slow.letGoFirst(sim);
        assertEquals(0, slow.heldCount(), "it reads on while the pool is being closed");
        sim.loops.advance(1_000_000_000L);
        assertTrue(closed.isDone(), "closing waits for no more than the read: " + job);
        assertEquals(0, sim.inUse());
    }

    @Test
    void oneThatIsCancelledReadsNoFurther() throws StorageException {
        SlowDisk slow = new SlowDisk(dataBase);
        try (SimPool sim = SimPool.open(metadataBase, slow, 1, 2)) {
            slow.hold(request ->
                    request.operation() == BlockOperation.READ && request.loop().index() == 2);
            JobInfo job = sim.await(sim.pool.jobs().dedupe(DedupeSpec.ALL));
            sim.loops.advance(100_000_000L);
            sim.await(sim.pool.jobs().cancel(job.id()));
            slow.letGo(sim);
            JobInfo over = new JobRig(sim).finish(job);
            assertEquals(JobInfo.State.CANCELLED, over.state(), over.message());
            assertEquals(BLOCK, over.doneBytes(), "the block that was being read, no other");
            sim.shutDown();
        }
    }

    /** A job that waits for a hold gets none any more, and closing does not wait for it. */
    @Test
    void aJobThatWaitsForAHoldDoesNotKeepThePoolOpen() throws StorageException {
        SlowDisk slow = new SlowDisk(dataBase);
        SimPool sim = SimPool.open(metadataBase, slow, 1, 2);
        slow.hold(request -> request.operation() == BlockOperation.WRITE);
        JobInfo first = sim.await(sim.pool.jobs().makeIndependent("s"));
        sim.loops.advance(100_000_000L);
        assertTrue(slow.heldCount() > 0);
        JobInfo second = new JobRig(sim).start(JobRig.whole("s", "c2"), JobRig.steps(64));
        sim.loops.advance(100_000_000L);
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.advance(1_000_000_000L);
        assertFalse(closed.isDone(), "copies are on their way: " + first);
        slow.letGo(sim);
        sim.loops.advance(1_000_000_000L);
        assertTrue(closed.isDone(), "closing waits for a job that gets no hold: " + second);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyPowerCutLeavesAllContents(boolean byParts) throws StorageException {
        limits = byParts ? SMALL : MoveLimits.NORMAL;
        long operations = cut(Long.MAX_VALUE, 1);
        assertTrue(operations > 10, operations + " operations only");
        for (long cut = 0; cut < operations; cut++) {
            cut(cut, cut);
        }
    }

    private long cut(long cut, long seed) throws StorageException {
        PowerSupply its = new PowerSupply();
        SimulatedDisk metadata = metadataBase.copy(its);
        SimulatedDisk data = dataBase.copy(its);
        long before;
        try (SimPool sim = SimPool.open(metadata, data, seed, 2)) {
            before = its.operations();
            if (cut != Long.MAX_VALUE) {
                its.cutAfter(cut);
            }
            JobRig jobs = new JobRig(sim);
            try {
                JobInfo job = start(sim);
                for (int i = 0; i < 200 && !job.state().isFinal(); i++) {
                    sim.loops.advance(300_000_000L);
                    job = jobs.show(job.id());
                }
            } catch (StorageException e) {
                // The power was off before it began.
                assertTrue(cut < 10, e.toString());
            }
        }
        long operations = its.operations() - before;
        metadata.crash(Seeds.splittable(seed));
        data.crash(Seeds.splittable(seed));
        its.restore();
        SimPool.assertSound(metadata, "cut after operation " + cut);
        try (SimPool sim = SimPool.open(metadata, data, 1, 2)) {
            verify(sim, "cut after operation " + cut);
        }
        return operations;
    }
}
