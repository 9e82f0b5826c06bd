package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Everything that can be done to a pool and its volumes, at random, against a naive model: one byte array per volume.
 * Requests from three loops run at the same time; the data device runs full now and then. Rules D-3, D-9, DI-1, DI-9,
 * DI-10, X-1 to X-5, S-1, S-6, RS-1, S-M8, T-1, MSG-5, MSG-7; I-1 to I-4 by the checker.
 *
 * <p>A seed is one story. {@code -Dstorm.operations=N} tells longer ones.
 */
class PoolStormTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int MAX_VOLUMES = 8;
    private static final int LOOPS = 3;
    private static final String ORIGIN = "/images/golden";

    /** Less than eight volumes can take, so that space runs out again and again. */
    private static final long DATA_CEILING = 200L * BLOCK;

    /** One for the catalog's own slot, one for those of the lowest ids. */
    private static final int CATALOG_BLOCKS = 2;

    @TempDir
    Path directory;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
    private final SimulatedDisk origin = new SimulatedDisk(11 * BLOCK / 2);
    private final byte[] zeros = new byte[StormVolume.MAX_BYTES];
    private final List<StormVolume> volumes = new ArrayList<>();
    private SplittableRandom random = Seeds.splittable(0);
    private SimPool sim;
    private int names;
    private int noSpace;
    private int clones;
    private JobInfo moving;
    private int moved;
    private int detached;
    private int operations;
    private long mappedDuringCommit;

    /** Under way while a management operation begins, so that it often meets a commit; null if there is none. */
    private SimHarness.Result flush;

    private StormVolume flushed;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void storm(long seed) throws Exception {
        random = Seeds.splittable(seed);
        origin.writeNow(0, ThinPoolTest.bytes(99, 11 * BLOCK / 2));
        origin.setReadOnly(true);
        SimPool.format(metadata, data);
        open();
        create(false);
        int wanted = Integer.getInteger("storm.operations", 100_000);
        while (operations < wanted) {
            String where = "seed " + seed + ", operation " + operations;
            try {
                beginFlush();
                goOnMoving(where);
                step(where);
                endFlush(where);
            } catch (StorageException | RuntimeException e) {
                throw new AssertionError(where + ": " + e, e);
            }
        }
        verifyAll("seed " + seed + " at the end");
        shutDown();
        SimPool.assertSound(metadata, "seed " + seed);
        ThinCheck.assertAccepts(metadata, directory, "seed " + seed);
        everythingCanBeDeleted();
        assertTrue(noSpace > 0, "the pool never ran full");
        assertTrue(clones > 10, clones + " clones");
        assertTrue(moved > 3, moved + " jobs done");
        assertTrue(detached > 0, "no volume was taken off its origin");
        assertTrue(mappedDuringCommit > 0, "no commit overlapped with the next transaction");
    }

    private void open() throws StorageException {
        PoolOptions options = SimPool.OPTIONS.withGrowth(new SimPool.DiskGrowth(metadata, data), 0);
        sim = SimPool.open(metadata, data, random.nextLong(), LOOPS, options, location -> {
            assertEquals(ORIGIN, location);
            return origin;
        });
        for (StormVolume volume : volumes) {
            volume.reopened(sim.pool.openVolume(volume.name));
        }
    }

    private void step(String where) throws StorageException {
        operations++;
        switch (random.nextInt(100)) {
            case 0, 1 -> create(false);
            case 2 -> create(true);
            case 3, 4, 5, 6 -> snapshot();
            case 7, 8 -> snapshotGroup();
            case 9, 10, 11 -> rollBack();
            case 12, 13, 14, 15 -> delete();
            case 16, 17 -> resize();
            case 18 -> rename();
            case 19 -> limit();
            case 20 -> grow();
            case 21 -> sim.loops.advance(random.nextLong(2 * Committer.PERIOD_NANOS));
            case 22 -> reopen(where, random.nextBoolean());
            case 23 -> verifyAll(where);
            case 24, 25, 26 -> cloneRange(where);
            case 27, 28, 29, 30 -> beginMoving();
            default -> {
                operations--;
                StormBatch batch = new StormBatch(sim, random);
                operations += batch.run(volumes, where);
                noSpace += batch.noSpace();
            }
        }
    }

    private void beginFlush() {
        if (random.nextInt(3) == 0) {
            flushed = any();
            flush = sim.start(random.nextInt(LOOPS), flushed.handle, BlockOperation.FLUSH, 0, 0, 0, null);
            for (int tasks = random.nextInt(25); tasks > 0; tasks--) {
                sim.loops.runOne();
            }
        }
    }

    private void endFlush(String where) {
        if (flush != null) {
            assertEquals(Errno.OK, sim.finish(flush).errno, where);
            flush = null;
            flushed = null;
        }
    }

    /** Whoever closes a handle has waited for its requests. */
    private void close(StormVolume volume) {
        if (volume.equals(flushed)) {
            sim.loops.runUntilIdle();
        }
        volume.handle.close();
    }

    private void shutDown() throws StorageException {
        sim.loops.runUntilIdle();
        mappedDuringCommit += sim.pool.counters().mappedDuringCommit.sum();
        sim.shutDown();
    }

    /** An operation that a full pool may refuse, and then has not begun. @return whether it was done */
    private boolean unlessFull(CompletableFuture<?> answer) throws StorageException {
        try {
            sim.await(answer);
            return true;
        } catch (StorageException e) {
            if (e.errno() != Errno.ENOSPC) {
                throw e;
            }
            return false;
        }
    }

    private void add(StormVolume volume) {
        volume.handle = sim.pool.openVolume(volume.name);
        volumes.add(volume);
    }

    private void create(boolean overOrigin) throws StorageException {
        if (volumes.size() < MAX_VOLUMES) {
            StormVolume volume = StormVolume.create("v" + names++, randomSize(), overOrigin ? originContents() : zeros);
            VolumeSpec spec = new VolumeSpec(volume.name, volume.size);
            if (unlessFull(
                    overOrigin ? sim.pool.createVolumeOver(spec, ORIGIN, origin) : sim.pool.createVolume(spec))) {
                add(volume);
            }
        }
    }

    private byte[] originContents() {
        return Arrays.copyOf(ThinPoolTest.bytes(99, 11 * BLOCK / 2), StormVolume.MAX_BYTES);
    }

    private void snapshot() throws StorageException {
        if (volumes.size() < MAX_VOLUMES) {
            StormVolume snapshot = any().snapshot("s" + names++);
            if (unlessFull(sim.pool.createSnapshot(snapshot.parent.name, snapshot.name, false))) {
                add(snapshot);
            }
        }
    }

    private void snapshotGroup() throws StorageException {
        if (volumes.size() > 1 && volumes.size() + 2 <= MAX_VOLUMES) {
            List<StormVolume> origins =
                    List.of(volumes.getFirst(), volumes.get(1 + random.nextInt(volumes.size() - 1)));
            List<StormVolume> snapshots =
                    origins.stream().map(o -> o.snapshot("g" + names++)).toList();
            List<SnapshotSpec> specs = snapshots.stream()
                    .map(s -> new SnapshotSpec(s.parent.name, s.name, false))
                    .toList();
            if (unlessFull(sim.pool.createSnapshots(specs))) {
                snapshots.forEach(this::add);
            }
        }
    }

    private void rollBack() throws StorageException {
        StormVolume from = any();
        StormVolume target = from.parent;
        // Where one was taken off its origin they may be no relatives any more.
        boolean related = target != null && target.isOverTheSame(from);
        if (related && volumes.contains(target) && volumes.size() < MAX_VOLUMES) {
            StormVolume kept = target.snapshot("r" + names++);
            endJobsOfVolumes();
            close(target);
            if (unlessFull(sim.pool.rollBack(target.name, from.name, kept.name))) {
                add(kept);
                target.rollBackTo(from);
            }
            target.handle = sim.pool.openVolume(target.name);
        }
    }

    /** Whole blocks of one volume into another, or elsewhere into itself; what is under way goes on meanwhile. */
    private void cloneRange(String where) throws StorageException {
        StormVolume from = any();
        StormVolume to = any();
        int blocks = 1 + random.nextInt(12);
        int source = random.nextInt(StormVolume.MAX_BYTES / BLOCK) * BLOCK;
        int target = random.nextInt(StormVolume.MAX_BYTES / BLOCK) * BLOCK;
        JobRig jobs = new JobRig(sim);
        CloneSpec spec = new CloneSpec(from.name, source, (long) blocks * BLOCK, to.name, target, random.nextBoolean());
        JobInfo job;
        try {
            job = jobs.start(spec, JobRig.steps(1 + random.nextInt(5)));
        } catch (StorageException e) {
            assertTrue(e.errno() == Errno.EINVAL || e.errno() == Errno.ENOSPC, where + ": " + e);
            return;
        }
        JobInfo over = jobs.finish(job);
        if (over.state() == JobInfo.State.FAILED) {
            assertTrue(
                    over.message().contains("limit")
                            || over.message().contains("metadata")
                            || over.message().contains("promised"),
                    over.toString());
        } else {
            assertEquals(JobInfo.State.DONE, over.state(), where);
            clones++;
        }
        to.cloned(target, from.range(source, (int) over.doneBytes()));
    }

    /** Starts a job that goes on while other things happen, or takes a volume off its origin at once. */
    private void beginMoving() throws StorageException {
        if (moving != null) {
            return;
        }
        long blocks = sim.status().dataBlocks();
        long from = random.nextLong(blocks);
        long length = Math.min(blocks - from, 1 + random.nextLong(40)) * BLOCK;
        StormVolume volume = any();
        PoolJobs jobs = sim.pool.jobs();
        try {
            moving = sim.await(
                    switch (random.nextInt(10)) {
                        case 0 -> jobs.dedupe(DedupeSpec.ALL);
                        case 1 -> jobs.dedupe(new DedupeSpec(List.of(volume.name, any().name), false, 0));
                        case 2, 3 -> jobs.defragment(volume.name);
                        case 4, 5 -> jobs.makeIndependent(volume.name);
                        case 6, 7 -> jobs.shrink(from * BLOCK);
                        default -> jobs.evacuate(from * BLOCK, length, random.nextBoolean());
                    });
            endDetaching();
        } catch (StorageException e) {
            String why = e.getMessage();
            boolean isInUse =
                    e.errno() == Errno.EBUSY && (why.contains("stay unused") || why.contains("pool's catalog"));
            assertTrue(e.errno() == Errno.EINVAL || e.errno() == Errno.ENOSPC || isInUse, e.toString());
        }
    }

    /** A TRIM has no effect over an origin that is being left, of which the model knows nothing: so none comes. */
    private void endDetaching() throws StorageException {
        if (sim.pool.volumes().stream().anyMatch(each -> each.externalOrigin() != null)
                && moving.kind().equals("independent")) {
            for (StormVolume volume : volumes) {
                if (volume.name.equals(moving.what())
                        && sim.pool.volume(volume.name).externalOrigin() != null) {
                    if (new JobRig(sim).finish(moving).state() == JobInfo.State.DONE) {
                        volume.detached();
                        detached++;
                    }
                    moving = null;
                    return;
                }
            }
        }
    }

    /** Those of a volume keep it from being deleted or rolled back. */
    private void endJobsOfVolumes() throws StorageException {
        if (moving != null && moving.kind().matches("defragment|independent|dedupe")) {
            JobRig jobs = new JobRig(sim);
            if (!jobs.show(moving.id()).state().isFinal()) {
                sim.await(sim.pool.jobs().cancel(moving.id()));
            }
            jobs.finish(moving);
            moving = null;
        }
    }

    private void goOnMoving(String where) throws StorageException {
        if (moving != null) {
            sim.loops.advance(random.nextLong(3_000_000L));
            JobInfo now = new JobRig(sim).show(moving.id());
            if (now.state() == JobInfo.State.FAILED) {
                String full = "is free elsewhere|nearly full|run out of data space|its limit is|not reserved";
                boolean known = now.message().matches(".*(catalog|" + full + ").*");
                assertTrue(known, where + ": " + now);
            }
            if (now.state().isFinal()) {
                moved += now.state() == JobInfo.State.DONE ? 1 : 0;
                moving = null;
            } else if (random.nextInt(100) == 0) {
                sim.await(sim.pool.jobs().cancel(moving.id()));
            }
        }
    }

    private void delete() throws StorageException {
        if (volumes.size() > 1) {
            StormVolume victim = any();
            endJobsOfVolumes();
            close(victim);
            sim.await(sim.pool.deleteVolume(victim.name));
            volumes.remove(victim);
        }
    }

    private void resize() throws StorageException {
        StormVolume volume = any();
        int size = randomSize();
        if (unlessFull(sim.pool.resizeVolume(volume.name, size, true))) {
            int before = volume.size;
            volume.resize(size);
            int hiddenTo = Math.min(size, Math.ceilDiv(before, BLOCK) * BLOCK);
            if (before < hiddenTo) {
                volume.shown(before, sim.read(volume.handle, before, hiddenTo - before));
            }
        }
    }

    private void rename() throws StorageException {
        StormVolume volume = any();
        String name = "n" + names++;
        if (unlessFull(sim.pool.renameVolume(volume.name, name))) {
            volume.name = name;
        }
    }

    /** A limit or a reservation for some, none for others. */
    private void limit() throws StorageException {
        long limit = random.nextInt(3) == 0 ? (20L + random.nextInt(20)) * BLOCK : 0;
        long reserve = random.nextInt(3) == 0 ? random.nextInt(20) * (long) BLOCK : 0;
        unlessFull(sim.pool.limitVolume(any().name, new VolumeLimits(limit, reserve, null)));
    }

    private void grow() throws StorageException {
        long size = Math.min(data.sizeBytes() + random.nextInt(8) * (long) BLOCK, DATA_CEILING);
        long metadataSize = Math.min(metadata.sizeBytes() + random.nextInt(9) * 4096L, 4L << 20);
        try {
            sim.await(sim.pool.grow(size, metadataSize));
        } catch (StorageException e) {
            assertTrue(
                    e.errno() == Errno.EBUSY && moving != null && moving.kind().equals("shrink"), e.toString());
        }
    }

    /** Closes the pool and opens it again; or kills it, when all that was answered has been flushed. */
    private void reopen(String where, boolean kill) throws StorageException {
        if (kill) {
            volumes.forEach(volume -> assertEquals(Errno.OK, sim.flush(volume.handle), where));
            sim.close();
            metadata.crash(random);
            data.crash(random);
        } else {
            shutDown();
        }
        SimPool.assertSound(metadata, where);
        moving = null;
        open();
        OwnRecount.checkAll(sim, where + ", reopened");
    }

    private void verifyAll(String where) throws StorageException {
        OwnRecount.checkAll(sim, where);
        volumes.forEach(volume -> volume.verify(sim, where));
        assertEquals(0, sim.inUse(), where + ": requests or buffers leaked");
    }

    /** No block is lost: with its volumes gone the pool has the catalog's blocks, and no more. */
    private void everythingCanBeDeleted() throws StorageException {
        open();
        while (!volumes.isEmpty()) {
            StormVolume last = volumes.removeLast();
            last.handle.close();
            sim.await(sim.pool.deleteVolume(last.name));
        }
        assertEquals(CATALOG_BLOCKS, sim.status().dataBlocksUsed());
        sim.shutDown();
        SimPool.assertSound(metadata, "all volumes deleted");
    }

    private int randomSize() {
        return random.nextInt(4) == 0
                ? (1 + random.nextInt(StormVolume.MAX_BYTES / 4096)) * 4096
                : StormVolume.MAX_BYTES;
    }

    private StormVolume any() {
        return volumes.get(random.nextInt(volumes.size()));
    }
}
