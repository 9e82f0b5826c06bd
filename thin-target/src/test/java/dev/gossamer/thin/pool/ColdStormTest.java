package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.thin.PoolCaches;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.commit.Committer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A storm on a pool that can keep next to nothing in memory, with reads ahead that are answered late and out of order:
 * reads, writes, trims, prefetches, snapshots, deletions, rollbacks and resizing, and in the end a commit, an abort or
 * a power cut.
 *
 * <p>A seed is one story.
 */
class ColdStormTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int SECTOR = ColdPool.SECTOR;
    private static final int STEPS = 600;
    private static final int LOOPS = 2;

    /** The least that the block manager takes, and the regions that are kept whatever they take. */
    private static final PoolCaches TINY = new PoolCaches(64, 1, 1 << 20);

    @TempDir
    Path directory;

    private SplittableRandom random = Seeds.splittable(0);
    private ColdPool cold;
    private SimPool sim;
    private final List<Volume> volumes = new ArrayList<>();
    private final List<Pending> pending = new ArrayList<>();
    private int stamp;
    private int names;

    /** A volume, and what the first sectors of its blocks may hold. */
    private static final class Volume {
        final String name;
        final SectorModel model;
        final Set<Integer> touched = new HashSet<>();
        ThinVolume handle;

        Volume(String name, SectorModel model) {
            this.name = name;
            this.model = model;
        }
    }

    private record Pending(Volume volume, int block, BlockOperation operation, SimHarness.Result result) {}

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
    void storm(long seed) throws Exception {
        random = Seeds.splittable(seed);
        cold = new ColdPool().open(seed, LOOPS, TINY);
        sim = cold.sim;
        SectorModel model = new SectorModel((long) ColdPool.BLOCKS * SECTOR);
        for (int block = 0; block < ColdPool.BLOCKS; block++) {
            model.writing((long) block * SECTOR, ColdPool.contents(block));
        }
        model.allStable();
        add(new Volume("v", model));
        cold.late.hold();
        for (int step = 0; step < STEPS; step++) {
            try {
                step();
            } catch (StorageException | RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed + ", step " + step + ": " + e, e);
            }
        }
        end("seed " + seed);
    }

    private void add(Volume volume) {
        volume.handle = sim.pool.openVolume(volume.name);
        volumes.add(volume);
    }

    private void step() throws StorageException {
        switch (random.nextInt(40)) {
            case 0 -> snapshot();
            case 1 -> delete();
            case 2 -> rollBack();
            case 3 -> resize();
            case 4 -> flush();
            case 5 -> prefetch();
            case 6, 7, 8, 9 -> start(BlockOperation.DISCARD);
            case 10, 11, 12, 13, 14, 15, 16 -> start(BlockOperation.WRITE);
            case 17, 18, 19, 20, 21, 22, 23 -> start(BlockOperation.READ);
            case 24, 25 -> finishSome();
            case 26 -> sim.loops.advance(random.nextLong(Committer.PERIOD_NANOS));
            default -> {
                if (cold.late.held() > 0) {
                    sim.loops.enter(LOOPS, cold.late.take(random.nextInt(cold.late.held())));
                }
                for (int tasks = random.nextInt(8); tasks > 0; tasks--) {
                    sim.loops.runOne();
                }
            }
        }
    }

    private void start(BlockOperation operation) {
        Volume volume = any();
        int block = random.nextInt(ColdPool.BLOCKS);
        if (pending.stream().anyMatch(each -> each.volume.equals(volume) && each.block == block)) {
            return;
        }
        byte[] bytes = null;
        long length = SECTOR;
        if (operation != BlockOperation.READ) {
            volume.touched.add(block);
            bytes = operation == BlockOperation.WRITE ? ThinPoolTest.bytes(1_000_000 + stamp++, SECTOR) : null;
            length = bytes == null ? BLOCK : SECTOR;
            volume.model.writing((long) block * SECTOR, bytes == null ? new byte[SECTOR] : bytes);
        }
        int loop = random.nextInt(LOOPS);
        pending.add(new Pending(
                volume,
                block,
                operation,
                sim.start(loop, volume.handle, operation, (long) block * BLOCK, length, 0, bytes)));
    }

    private void prefetch() {
        ThinVolume handle = any().handle;
        long from = random.nextLong(handle.sizeBytes() / BLOCK) * BLOCK;
        long length = 1 + random.nextLong(handle.sizeBytes() - from);
        sim.loops.enter(0, () -> handle.prefetch(sim.loops.loop(0), from, length, errno -> {}));
    }

    /** Everything that is under way ends, whatever is still read ahead. */
    private void finishSome() {
        while (pending.stream().anyMatch(each -> !each.result.isDone())) {
            sim.loops.runUntilIdle();
            if (cold.late.held() > 0) {
                cold.answer(random.nextInt(cold.late.held()));
            } else {
                assertTrue(pending.stream().allMatch(each -> each.result.isDone()), "a request hangs");
            }
        }
        pending.forEach(this::ended);
        pending.clear();
    }

    private void ended(Pending each) {
        long at = (long) each.block * SECTOR;
        if (each.operation == BlockOperation.READ) {
            assertEquals(Errno.OK, each.result.errno);
            each.volume.model.checkLast(at, each.result.data, each.volume.name + ", block " + each.block);
        } else if (each.result.errno != Errno.OK || sim.pool.mode().isMetadataReadOnly()) {
            each.volume.model.unsure(at, SECTOR);
        }
    }

    private void flush() {
        finishSome();
        for (Volume volume : volumes) {
            SimHarness.Result flush = sim.start(0, volume.handle, BlockOperation.FLUSH, 0, 0, 0, null);
            sim.loops.runUntilIdle();
            assertEquals(Errno.OK, flush.errno);
            volume.model.allStable();
        }
    }

    private void snapshot() throws StorageException {
        if (volumes.size() < 4) {
            Volume origin = volumes.getFirst();
            String name = "s" + names++;
            CompletableFuture<VolumeInfo> taken = sim.pool.createSnapshot(origin.name, name, false);
            // Blocks that are being copied have to be finished, so a snapshot may have to wait for regions.
            finishSome();
            Volume snapshot = new Volume(name, origin.model.copyAsSnapshot());
            snapshot.touched.addAll(origin.touched);
            sim.await(taken);
            add(snapshot);
            // What was under way is in it or not: believe what is found.
            for (int block : snapshot.touched) {
                byte[] found = readWaiting(snapshot, block);
                snapshot.model.checkOne((long) block * SECTOR, found, name + ", block " + block);
                snapshot.model.writing((long) block * SECTOR, found);
            }
        }
    }

    private byte[] readWaiting(Volume volume, int block) {
        long offset = (long) block * BLOCK;
        SimHarness.Result read = sim.start(0, volume.handle, BlockOperation.READ, offset, SECTOR, 0, null);
        sim.loops.runUntilIdle();
        while (!read.isDone()) {
            cold.answer(random.nextInt(cold.late.held()));
        }
        assertEquals(Errno.OK, read.errno);
        return read.data;
    }

    private void delete() throws StorageException {
        Volume victim = any();
        if (!victim.name.equals("v")) {
            finishSome();
            victim.handle.close();
            sim.await(sim.pool.deleteVolume(victim.name));
            volumes.remove(victim);
        }
    }

    private void rollBack() throws StorageException {
        Volume from = any();
        Volume target = volumes.getFirst();
        if (!from.equals(target)) {
            finishSome();
            target.handle.close();
            sim.await(sim.pool.rollBack("v", from.name, "k" + names));
            sim.await(sim.pool.deleteVolume("k" + names++));
            Volume replaced = new Volume("v", from.model.copyAsSnapshot());
            replaced.touched.addAll(from.touched);
            replaced.handle = sim.pool.openVolume("v");
            volumes.set(0, replaced);
        }
    }

    private void resize() throws StorageException {
        finishSome();
        Volume volume = volumes.getFirst();
        long half = ColdPool.BLOCKS / 2L * SECTOR;
        volume.model.writing(half, new byte[(ColdPool.BLOCKS - ColdPool.BLOCKS / 2) * SECTOR]);
        sim.await(sim.pool.resizeVolume("v", ColdPool.VOLUME / 2, true));
        volume.model.stable(half, (ColdPool.BLOCKS - ColdPool.BLOCKS / 2L) * SECTOR);
        for (int cut = ColdPool.BLOCKS / 2; cut < ColdPool.BLOCKS; cut++) {
            volume.touched.add(cut);
        }
        int block = random.nextInt(ColdPool.BLOCKS / 2);
        volume.model.checkLast((long) block * SECTOR, readWaiting(volume, block), "shrunk, block " + block);
        sim.await(sim.pool.resizeVolume("v", ColdPool.VOLUME, true));
    }

    private void end(String where) throws Exception {
        switch (random.nextInt(4)) {
            case 0 -> {
                finishSome();
                shutDown();
            }
            case 1 -> kill();
            case 2 -> {
                cold.power.cutAfter(random.nextInt(200));
                for (int i = 0; i < 100; i++) {
                    start(random.nextBoolean() ? BlockOperation.WRITE : BlockOperation.DISCARD);
                    sim.loops.runOne();
                }
                sim.loops.runUntilIdle();
                kill();
            }
            default -> {
                abort();
                shutDown();
            }
        }
        SimPool.assertSound(cold.metadata, where);
        ThinCheck.assertAccepts(cold.metadata, directory, where);
        cold.open(1, 1, TINY);
        sim = cold.sim;
        for (Volume volume : volumes) {
            volume.handle = sim.pool.openVolume(volume.name);
            for (int block : volume.touched) {
                volume.model.checkOne(
                        (long) block * SECTOR, sim.read(volume.handle, (long) block * BLOCK, SECTOR), where);
            }
            for (int i = 0; i < 100; i++) {
                int block = random.nextInt(ColdPool.BLOCKS);
                if (!volume.touched.contains(block)) {
                    assertArrayEquals(
                            ColdPool.contents(block), sim.read(volume.handle, (long) block * BLOCK, SECTOR), where);
                }
            }
            volume.handle.close();
        }
        sim.close();
    }

    private void shutDown() throws StorageException {
        volumes.forEach(volume -> volume.handle.close());
        CompletableFuture<Void> closed = sim.pool.close();
        sim.loops.runUntilIdle();
        cold.answerAll();
        sim.await(closed);
        assertEquals(0, sim.inUse(), "requests leaked");
        sim.close();
    }

    private void kill() {
        sim.close();
        cold.metadata.crash(random);
        cold.data.crash(random);
    }

    /** A commit fails while regions are loading; whoever waits for one is served from the last committed state. */
    private void abort() {
        for (int i = 0; i < 20; i++) {
            start(Arrays.asList(BlockOperation.READ, BlockOperation.WRITE, BlockOperation.DISCARD)
                    .get(i % 3));
        }
        sim.loops.runUntilIdle();
        cold.faults.fail(BlockOperation.WRITE, 1, Errno.EIO);
        SimHarness.Result flush = sim.start(0, volumes.getFirst().handle, BlockOperation.FLUSH, 0, 0, 0, null);
        sim.loops.runUntilIdle();
        assertTrue(flush.isDone());
        cold.faults.heal();
        while (pending.stream().anyMatch(each -> !each.result.isDone())) {
            assertTrue(cold.late.held() > 0, "a request hangs");
            cold.answer(0);
        }
        for (Pending each : pending) {
            // Which state it saw depends on the moment.
            if (each.operation == BlockOperation.READ && each.result.errno == Errno.OK) {
                each.volume.model.checkOne((long) each.block * SECTOR, each.result.data, "read during the abort");
            }
        }
        pending.clear();
    }

    private Volume any() {
        return volumes.get(random.nextInt(volumes.size()));
    }
}
