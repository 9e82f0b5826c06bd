package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.metadata.CommitNow;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a volume says about its mappings, rule by rule (NBD T41 to T45, M5 to M12; D-4 to D-6). */
class StatusQueryTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L * BLOCK;

    private final SimulatedDisk metadataDisk = new SimulatedDisk(16 << 20);
    private final SimulatedDisk dataDisk = new SimulatedDisk(200_000L * BLOCK);
    private final FaultPlan metadataFaults = new FaultPlan();
    private final List<StatusContext> selected = new ArrayList<>();
    private SimPool sim;

    private SimPool open() throws StorageException {
        sim = SimPool.open(new FaultyDevice(metadataDisk, metadataFaults), dataDisk, 1, 2);
        return sim;
    }

    private SimPool fresh() throws StorageException {
        SimPool.format(metadataDisk, dataDisk);
        return open();
    }

    @AfterEach
    void nothingIsLeftInUseAndTheMetadataIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        assertEquals(0, sim.inUse(), "requests or buffers leaked");
        for (StatusContext context : selected) {
            context.close();
            context.close();
        }
        for (VolumeInfo info : sim.pool.volumes()) {
            assertTrue(info.openCount() <= 1, info.name() + " is still pinned");
        }
        sim.close();
        SimPool.assertSound(metadataDisk, "after the test");
    }

    @Test
    void unmappedIsAHoleOfZerosAndMappedIsData() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        write(volume, 3);
        write(volume, 4);
        write(volume, 10);
        assertEquals("3:3 2:0 5:3 1:0 53:3", ask(volume, "base:allocation"));
        assertEquals(Errno.OK, sim.trim(volume, 3L * BLOCK, BLOCK));
        assertEquals(Errno.OK, sim.zero(volume, 10L * BLOCK, BLOCK, 0));
        assertEquals(Errno.OK, sim.zero(volume, 20L * BLOCK, BLOCK, BlockRequest.NO_UNMAP));
        assertEquals("4:3 1:0 15:3 1:0 43:3", ask(volume, "base:allocation"));
    }

    @Test
    void anAnswerCoversTheRequestAndNothingElse() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        write(volume, 3);
        assertEquals("1000B:0", ask(volume, 3L * BLOCK + 5, 1000, false, "base:allocation"));
        assertEquals("5B:3 7B:0", ask(volume, 3L * BLOCK - 5, 12, false, "base:allocation"));
        assertEquals("7B:0 5B:3", ask(volume, 4L * BLOCK - 7, 12, false, "base:allocation"));
        assertEquals("5B:3", ask(volume, VOLUME - 5, 5, false, "base:allocation"));
    }

    @Test
    void theLastBlockOfAVolumeMayLieOnlyPartlyInIt() throws StorageException {
        ThinVolume volume = fresh().create("v", BLOCK + 4096);
        write(volume, 0);
        assertEquals(Errno.OK, sim.write(volume, BLOCK, new byte[4096]));
        sim.snapshot("v", "s");
        assertEquals((BLOCK + 4096) + "B:0", ask(volume, "base:allocation"));
        assertEquals((BLOCK + 4096) + "B:0", ask(volume, "x-thin:changed:s"));
    }

    @Test
    void whatCannotBeAskedIsRefused() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        assertEquals("EINVAL", ask(volume, VOLUME, 1, false, "base:allocation"));
        assertEquals("EINVAL", ask(volume, 1, VOLUME, false, "base:allocation"));
        assertEquals("EINVAL", ask(volume, 0, 0, false, "base:allocation"));
        assertEquals("EINVAL", ask(volume, -1, 1, false, "base:allocation"));
        assertEquals("EINVAL", ask(volume, 1, Long.MAX_VALUE, false, "base:allocation"));
        assertEquals("EINVAL", ask(volume, 0, 1, false), "no question (T46)");
        sim.create("w", VOLUME);
        StatusContext ofOther = select("w", "base:allocation");
        assertEquals(
                "EINVAL",
                new AskedStatus(sim.loops)
                        .start(0, volume, 0, 1, false, ofOther)
                        .finish()
                        .text(0));
    }

    @Test
    void anEmptyVolumeOf16TiBIsOneExtentAndCostsNothing() throws StorageException {
        long size = 16L << 40;
        ThinVolume volume = fresh().create("v", size);
        sim.snapshot("v", "s");
        String[] all = {"base:allocation", "qemu:allocation-depth", "x-thin:shared", "qemu:dirty-bitmap:s"};
        long reads = metadataFaults.operations();
        AskedStatus asked = started(volume, 0, size, false, all).finish();
        assertEquals(0, metadataFaults.operations() - reads);
        String whole = String.valueOf(size / BLOCK);
        assertEquals(whole + ":3", asked.text(0));
        for (int i = 1; i < all.length; i++) {
            assertEquals(whole + ":0", asked.text(i), all[i]);
        }
    }

    @Test
    void extentsAreMergedAcrossLeavesAlsoWhenOnlyOneIsWanted() throws StorageException {
        fresh().create("v", 2000L * BLOCK).close();
        mapDirectly(100, 1100, 1);
        ThinVolume volume = open().pool.openVolume("v");
        assertEquals("100:3 1000:0 900:3", ask(volume, "base:allocation"));
        assertEquals("100:3", ask(volume, 0, 2000L * BLOCK, true, "base:allocation"));
        assertEquals("1000:0", ask(volume, 100L * BLOCK, 1900L * BLOCK, true, "base:allocation"));
        assertEquals("1000:1", ask(volume, 100L * BLOCK, 1900L * BLOCK, true, "qemu:allocation-depth"));
        sim.snapshot("v", "s");
        assertEquals("100:0 1000:2 900:0", ask(volume, "qemu:allocation-depth"));
        assertEquals("2000:0", ask(volume, 0, 2000L * BLOCK, true, "qemu:dirty-bitmap:s"));
        write(volume, 600);
        assertEquals("600:0", ask(volume, 0, 2000L * BLOCK, true, "qemu:dirty-bitmap:s"));
        assertEquals("600:0 1:1 1399:0", ask(volume, "qemu:dirty-bitmap:s"));
    }

    @Test
    void aLongWalkStopsAndCanBeGoneOnWith() throws StorageException {
        long blocks = 200_000;
        fresh().create("v", blocks * BLOCK).close();
        // Every other block, so that each mapping is an extent of its own.
        mapDirectly(0, blocks, 2);
        ThinVolume volume = open().pool.openVolume("v");
        AskedStatus asked =
                started(volume, 0, blocks * BLOCK, false, "base:allocation").finish();
        assertEquals(StatusQuery.MAX_EXTENTS, asked.query.count(0));

        StatusContext[] many = new StatusContext[64];
        for (int i = 0; i < many.length; i++) {
            many[i] = select("v", "base:allocation");
        }
        asked.start(1, volume, 0, blocks * BLOCK, false, many).finish();
        for (int i = 0; i < many.length; i++) {
            int count = asked.query.count(i);
            assertTrue(count > 1000 && count < 20_000, "64 questions must share the worker's time: " + count);
            assertEquals(BLOCK, asked.query.lengthBytes(i, count - 1), "the answer ends where the walk did");
        }
        long at = 0;
        int extents = 0;
        while (at < blocks * BLOCK) {
            asked.start(0, volume, at, blocks * BLOCK - at, false, many).finish();
            for (int i = 0; i < asked.query.count(5); i++) {
                at += asked.query.lengthBytes(5, i);
                extents++;
            }
        }
        assertEquals(blocks, extents);
    }

    @Test
    void aLongComparisonStopsAndCanBeGoneOnWith() throws StorageException {
        long blocks = 20_000;
        fresh().create("v", blocks * BLOCK).close();
        mapDirectly(0, blocks, 1);
        sim = open();
        sim.snapshot("v", "s").close();
        mapDirectly(0, blocks, 2);
        ThinVolume volume = open().pool.openVolume("v");
        StatusContext[] many = new StatusContext[64];
        for (int i = 0; i < many.length; i++) {
            many[i] = select("v", "qemu:dirty-bitmap:s");
        }
        AskedStatus asked = new AskedStatus(sim.loops);
        long at = 0;
        int extents = 0;
        int questions = 0;
        while (at < blocks * BLOCK) {
            asked.start(0, volume, at, blocks * BLOCK - at, false, many).finish();
            questions++;
            for (int i = 0; i < asked.query.count(63); i++) {
                assertEquals(++extents % 2, asked.query.flags(63, i));
                assertEquals(BLOCK, asked.query.lengthBytes(63, i));
                at += BLOCK;
            }
        }
        assertTrue(questions > 2, questions + " questions for 300 leaves");
    }

    @Test
    void aBlockIsSharedExactlyAsLongAsSomebodyElseHasIt() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        write(volume, 1);
        write(volume, 2);
        assertEquals("1:0 2:1 61:0", ask(volume, "qemu:allocation-depth"));
        assertEquals("64:0", ask(volume, "x-thin:shared"));
        ThinVolume snapshot = sim.snapshot("v", "s");
        // One leaf with two parents: the data blocks count 1 (D-5).
        assertEquals("1:0 2:2 61:0", ask(volume, "qemu:allocation-depth"));
        assertEquals("1:0 2:1 61:0", ask(snapshot, "x-thin:shared"));
        write(volume, 1);
        write(volume, 3);
        assertEquals("1:0 1:1 1:2 1:1 60:0", ask(volume, "qemu:allocation-depth"));
        assertEquals("1:0 1:1 1:2 61:0", ask(snapshot, "qemu:allocation-depth"), "its old block 1 is its own now");
        snapshot.close();
        sim.await(sim.pool.deleteVolume("s"));
        assertEquals("1:0 3:1 60:0", ask(volume, "qemu:allocation-depth"));
        assertEquals("64:0", ask(volume, "x-thin:shared"));
    }

    @Test
    void aSnapshotDeletedBeforeAnythingWasWrittenLeavesNothingShared() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        write(volume, 5);
        sim.snapshot("v", "s").close();
        assertEquals("5:0 1:1 58:0", ask(volume, "x-thin:shared"));
        sim.await(sim.pool.deleteVolume("s"));
        assertEquals("64:0", ask(volume, "x-thin:shared"));
    }

    @Test
    void changedIsWhatWasWrittenMappedOrUnmappedSince() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        for (int block = 10; block < 20; block++) {
            write(volume, block);
        }
        ThinVolume snapshot = sim.snapshot("v", "s");
        assertEquals("64:0", ask(volume, "qemu:dirty-bitmap:s"));
        write(volume, 12);
        write(volume, 30);
        assertEquals(Errno.OK, sim.trim(volume, 15L * BLOCK, 2L * BLOCK));
        assertEquals("12:0 1:1 2:0 2:1 13:0 1:1 33:0", ask(volume, "qemu:dirty-bitmap:s"));
        assertEquals("12:0 1:1 2:0 2:1 13:0 1:1 33:0", ask(volume, "x-thin:changed:#1"));
        assertEquals("12:0 1:1 2:0 2:1 13:0 1:1 33:0", ask(snapshot, "qemu:dirty-bitmap:v"), "either way");
        // What was unmapped is changed and a hole at once (M11).
        AskedStatus both = started(volume, 15L * BLOCK, BLOCK, false, "base:allocation", "qemu:dirty-bitmap:s");
        assertEquals("1:3", both.finish().text(0));
        assertEquals("1:1", both.text(1));
    }

    @Test
    void snapshotsCanBeComparedAcrossDeletedOnes() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        write(volume, 0);
        ThinVolume first = sim.snapshot("v", "s1");
        write(volume, 1);
        sim.snapshot("v", "s2").close();
        write(volume, 2);
        ThinVolume third = sim.snapshot("v", "s3");
        write(volume, 3);
        sim.await(sim.pool.deleteVolume("s2"));
        assertEquals("1:0 2:1 61:0", ask(third, "qemu:dirty-bitmap:s1"));
        assertEquals("1:0 2:1 61:0", ask(first, "qemu:dirty-bitmap:s3"));
        assertEquals("1:0 3:1 60:0", ask(volume, "qemu:dirty-bitmap:s1"));
        assertNull(sim.pool.statusContexts().resolve("v", "qemu:dirty-bitmap:s2"));
    }

    @Test
    void whatLiesBeyondTheBasesEndIsChanged() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        write(volume, 1);
        write(volume, 2);
        volume.close();
        sim.await(sim.pool.resizeVolume("v", BLOCK + 4096, false));
        sim.snapshot("v", "s");
        sim.await(sim.pool.resizeVolume("v", VOLUME, false));
        volume = sim.pool.openVolume("v");
        // Blocks 1 and 2 are the same data blocks in both, but the snapshot shows 4 KiB of them.
        assertEquals("1:0 63:1", ask(volume, "qemu:dirty-bitmap:s"));
        assertEquals("60:1", ask(volume, 4L * BLOCK, 60L * BLOCK, true, "qemu:dirty-bitmap:s"));
    }

    @Test
    void aBaseIsPinnedUntilTheContextIsClosed() throws StorageException {
        fresh().create("v", VOLUME);
        sim.snapshot("v", "s").close();
        StatusContext context = select("v", "qemu:dirty-bitmap:s");
        StorageException refused = error(sim.pool.deleteVolume("s"));
        assertEquals(Errno.EBUSY, refused.errno());
        assertEquals(
                "volume s is in use by 1 connection(s) (1 of them, as the base of a changed-block context);"
                        + " disconnect them first",
                refused.getMessage());
        context.close();
        context.close();
        sim.await(sim.pool.deleteVolume("s"));
        assertNull(sim.pool.statusContexts().resolve("v", "qemu:dirty-bitmap:s"), "M10: never an empty difference");
        assertNull(sim.pool.statusContexts().resolve("v", "qemu:dirty-bitmap:#1"));
    }

    @Test
    void aContextSurvivesTheRenamingOfItsBase() throws StorageException {
        ThinVolume volume = fresh().create("v", VOLUME);
        sim.snapshot("v", "s").close();
        StatusContext context = select("v", "qemu:dirty-bitmap:s");
        sim.await(sim.pool.renameVolume("s", "t"));
        write(volume, 7);
        AskedStatus asked = new AskedStatus(sim.loops)
                .start(1, volume, 0, VOLUME, false, context)
                .finish();
        assertEquals("7:0 1:1 56:0", asked.text(0));
        assertEquals("qemu:dirty-bitmap:s", context.name());
    }

    @Test
    void contextsAreListedByPrefix() throws StorageException {
        fresh().create("v", VOLUME);
        sim.create("other", VOLUME);
        sim.snapshot("v", "s1");
        sim.snapshot("s1", "s2");
        StatusContexts contexts = sim.pool.statusContexts();
        assertEquals(
                List.of(
                        "base:allocation",
                        "qemu:allocation-depth",
                        "x-thin:shared",
                        "qemu:dirty-bitmap:s1",
                        "qemu:dirty-bitmap:s2",
                        "x-thin:changed:s1",
                        "x-thin:changed:s2"),
                contexts.list("v", ""));
        assertEquals(List.of("base:allocation"), contexts.list("v", "base:"));
        assertEquals(
                List.of("qemu:allocation-depth", "qemu:dirty-bitmap:v", "qemu:dirty-bitmap:s2"),
                contexts.list("s1", "qemu:"));
        assertEquals(List.of("x-thin:changed:v", "x-thin:changed:s1"), contexts.list("s2", "x-thin:changed:"));
        assertEquals(List.of("qemu:dirty-bitmap:#0"), contexts.list("s2", "qemu:dirty-bitmap:#0"));
        for (String none : List.of(
                "foo:",
                "qemu:dirty-bitmap:other",
                "qemu:dirty-bitmap:v",
                "qemu:dirty-bitmap:#0x",
                "qemu:dirty-bitmap:#-1",
                "qemu:dirty-bitmap:#4294967296",
                "qemu:dirty-bitmap",
                "base:allocatio",
                "x")) {
            assertEquals(List.of(), contexts.list("v", none), none);
            assertNull(contexts.resolve("v", none), none);
        }
        assertNull(contexts.resolve("v", "base:"), "a namespace selects nothing (M1)");
        assertNull(contexts.resolve("v", "qemu:dirty-bitmap:"));
        assertEquals(List.of(), contexts.list("other", "qemu:dirty-bitmap:"));
        assertEquals(List.of(), contexts.list("nope", ""));
        assertNull(contexts.resolve("nope", "base:allocation"));
    }

    @Test
    void beyond256BasesThePrefixStandsForTheRest() throws StorageException {
        fresh().create("v", VOLUME);
        for (int i = 0; i < StatusContexts.MAX_LISTED; i++) {
            sim.snapshot("v", "s" + i).close();
        }
        assertEquals(
                StatusContexts.MAX_LISTED,
                sim.pool.statusContexts().list("v", "qemu:dirty-bitmap:").size());
        sim.snapshot("v", "last").close();
        List<String> names = sim.pool.statusContexts().list("v", "qemu:dirty-bitmap:");
        assertEquals(StatusContexts.MAX_LISTED + 1, names.size());
        assertEquals("qemu:dirty-bitmap:", names.getLast());
        assertNotNull(select("v", "qemu:dirty-bitmap:last"), "not listed, but there");
    }

    @Test
    void snapshotsOfADeletedVolumeAreRelativesAndAReusedIdIsNone() throws StorageException {
        fresh().create("v", VOLUME).close();
        sim.snapshot("v", "a").close();
        sim.snapshot("v", "b").close();
        sim.await(sim.pool.deleteVolume("v"));
        assertEquals(List.of("x-thin:changed:b"), sim.pool.statusContexts().list("a", "x-thin:changed:"));
        assertEquals(
                0,
                sim.await(sim.pool.createVolume(new VolumeSpec("new", VOLUME))).id(),
                "the id is used again");
        assertEquals(List.of("x-thin:changed:b"), sim.pool.statusContexts().list("a", "x-thin:changed:"));
        assertEquals(List.of(), sim.pool.statusContexts().list("new", "x-thin:changed:"));
        sim.shutDown();
        open();
        assertEquals(List.of("x-thin:changed:a"), sim.pool.statusContexts().list("b", "x-thin:changed:"));
    }

    @Test
    void unreadableMetadataFailsTheQueryAndNothingElse() throws StorageException {
        fresh().create("v", 2000L * BLOCK).close();
        mapDirectly(0, 2000, 1);
        ThinVolume volume = open().pool.openVolume("v");
        metadataFaults.failAlways(BlockOperation.READ, Errno.EIO);
        assertEquals("EIO", ask(volume, "base:allocation"));
        metadataFaults.heal();
        assertEquals("2000:0", ask(volume, "base:allocation"));
        assertEquals(PoolMode.WRITE, sim.pool.mode());
    }

    @Test
    void aDeviceThatIsGoneIsNotAnEmptyOne() throws StorageException {
        fresh().create("v", VOLUME);
        sim.shutDown();
        try (IoBufferPool buffers = new IoBufferPool(1 << 20);
                PoolMetadata metadata = PoolMetadata.open(
                        new BlockingIo(metadataDisk, new InlineLoop(null, buffers)),
                        dataDisk,
                        PoolMetadata.CACHE_BLOCKS)) {
            StorageException gone = assertThrows(StorageException.class, () -> metadata.compare(0, 77, 0, 64, 1, 100));
            assertEquals(Errno.ENODEV, gone.errno());
            assertThrows(StorageException.class, () -> metadata.compare(77, 0, 0, 64, 1, 100));
            assertThrows(StorageException.class, () -> metadata.walk(77, 0));
        }
        open();
    }

    private void write(ThinVolume volume, int block) {
        assertEquals(Errno.OK, sim.write(volume, (long) block * BLOCK, new byte[512]));
    }

    /** The answer about the whole volume. */
    private String ask(ThinVolume volume, String context) {
        return ask(volume, 0, volume.info().sizeBytes(), false, context);
    }

    private String ask(ThinVolume volume, long offset, long length, boolean one, String... contexts) {
        return started(volume, offset, length, one, contexts).finish().text(0);
    }

    private AskedStatus started(ThinVolume volume, long offset, long length, boolean one, String... names) {
        StatusContext[] contexts = new StatusContext[names.length];
        for (int i = 0; i < names.length; i++) {
            contexts[i] = sim.pool.statusContexts().resolve(volume.info().name(), names[i]);
            assertNotNull(contexts[i], names[i]);
        }
        AskedStatus asked = new AskedStatus(sim.loops)
                .start(1, volume, offset, length, one, contexts)
                .finish();
        for (StatusContext context : contexts) {
            context.close();
        }
        return asked;
    }

    private StatusContext select(String volume, String name) {
        StatusContext context = sim.pool.statusContexts().resolve(volume, name);
        selected.add(context);
        return context;
    }

    private StorageException error(CompletableFuture<?> answer) {
        return assertThrows(StorageException.class, () -> sim.await(answer));
    }

    /**
     * Closes the pool and maps every {@code step}-th block of device 0 without writing it: much faster, and without
     * memory.
     */
    private void mapDirectly(long from, long to, int step) throws StorageException {
        sim.shutDown();
        try (IoBufferPool buffers = new IoBufferPool(1 << 20);
                PoolMetadata metadata = PoolMetadata.open(
                        new BlockingIo(metadataDisk, new InlineLoop(null, buffers)),
                        dataDisk,
                        PoolMetadata.CACHE_BLOCKS)) {
            for (long block = from; block < to; block += step) {
                metadata.insert(0, block, metadata.reserveDataBlock());
            }
            CommitNow.commit(metadata);
        }
    }
}
