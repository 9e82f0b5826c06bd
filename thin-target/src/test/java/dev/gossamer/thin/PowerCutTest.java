package dev.gossamer.thin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/**
 * Power fails after every single device operation of a workload; unflushed sectors of both devices are lost, reordered
 * and torn by a seed. The pool must open again without repair, the checker must find nothing, and every sector must hold
 * its last stable contents or something written later (rules I-6, I-7, G-7).
 */
class PowerCutTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 2L << 20;
    private static final int SEEDS = 3;

    @Test
    void everyCutPointReopensCleanWithAllThatWasFlushed() throws StorageException {
        long operations = run(Long.MAX_VALUE, 1);
        assertTrue(operations > 150, "the workload has " + operations + " operations only");
        for (long cut = 0; cut < operations; cut++) {
            for (long seed = 1; seed <= SEEDS; seed++) {
                run(cut, seed);
            }
        }
    }

    /** Runs the workload with a cut after so many operations, then the survivors' check. @return operations done */
    private static long run(long cut, long seed) throws StorageException {
        String where = "cut after operation " + cut + ", seed " + seed;
        PowerSupply power = new PowerSupply();
        SimulatedDisk metadata = new SimulatedDisk(1 << 20, 512, power);
        SimulatedDisk data = new SimulatedDisk(48L * BLOCK, 512, power);
        // What earlier owners left there must never show.
        byte[] foreign = new byte[48 * BLOCK];
        java.util.Arrays.fill(foreign, (byte) 0xEE);
        data.writeNow(0, foreign);
        SimPool.format(metadata, data);
        long before = power.operations();

        SectorModel volume = new SectorModel(VOLUME);
        SectorModel snapshot = null;
        boolean snapshotAnswered = false;
        boolean volumeAnswered = false;
        try (SimPool sim = SimPool.open(metadata, data, seed, 2)) {
            if (cut != Long.MAX_VALUE) {
                power.cutAfter(cut);
            }
            Workload workload = new Workload(sim, volume);
            try {
                workload.run();
            } catch (PowerIsOff e) {
                // as intended
            }
            volumeAnswered = workload.volumeAnswered;
            snapshot = workload.snapshot;
            snapshotAnswered = workload.snapshotAnswered;
        }
        long operations = power.operations() - before;
        RandomGenerator random = new SplittableRandom(seed * 1000 + cut);
        metadata.crash(random);
        data.crash(random);
        power.restore();

        SimPool.assertSound(metadata, where);
        try (SimPool sim = SimPool.open(metadata, data, seed, 1)) {
            assertEquals(PoolMode.WRITE, sim.pool.mode(), where);
            ThinVolume v = sim.pool.openVolume("v");
            assertTrue(v != null || !volumeAnswered, where + ": the volume is gone");
            if (v != null) {
                volume.check(sim.read(v, 0, (int) VOLUME), where + ", volume");
            }
            ThinVolume s = sim.pool.openVolume("s");
            assertTrue(s != null || !snapshotAnswered, where + ": the snapshot is gone");
            if (s != null && snapshot != null) {
                snapshot.check(sim.read(s, 0, (int) VOLUME), where + ", snapshot");
            }
            // And it goes on: the pool takes new writes and commits them.
            ThinVolume again = sim.create("again", VOLUME);
            assertEquals(Errno.OK, sim.write(again, 100, new byte[5000], BlockRequest.FUA), where);
            sim.shutDown();
        }
        SimPool.assertSound(metadata, where + ", after going on");
        return operations;
    }

    private static final class PowerIsOff extends Exception {
        private static final long serialVersionUID = 1L;
    }

    /** Provision, overwrite, snapshot, break sharing, trim, zero, flush, FUA; scripted, so that every run is the same. */
    private static final class Workload {
        private final SimPool sim;
        private final SectorModel volumeModel;
        private final TrimmedSectors trimmed = new TrimmedSectors();
        boolean volumeAnswered;
        boolean snapshotAnswered;
        SectorModel snapshot;
        private ThinVolume volume;
        private int version = 1;

        Workload(SimPool sim, SectorModel volumeModel) {
            this.sim = sim;
            this.volumeModel = volumeModel;
        }

        void run() throws PowerIsOff {
            volume = create("v");
            volumeAnswered = true;
            write(0, 4096, 0);
            write(3 * BLOCK + 512, 512, 0);
            write(BLOCK, 2 * BLOCK, 0);
            flush();
            write(512, 1024, 0);
            write(5 * BLOCK, BLOCK, BlockRequest.FUA);
            write(5 * BLOCK + 2048, 512, BlockRequest.FUA);
            writeTogether(List.of(
                    new int[] {7 * BLOCK, 512}, new int[] {7 * BLOCK + 4096, 4096}, new int[] {8 * BLOCK, BLOCK}));
            write(100, 50, 0);
            flush();

            takeSnapshot();
            write(0, 512, 0);
            write(BLOCK, BLOCK, BlockRequest.FUA);
            write(3 * BLOCK, 4096, 0);
            write(5 * BLOCK + 700, 100, BlockRequest.FUA);
            flush();
            write(7 * BLOCK, 8192, 0);
            trim(2L * BLOCK, BLOCK);
            trim(5L * BLOCK, BLOCK);
            write(9 * BLOCK, 512, 0);
            flush();
            write(5 * BLOCK, 512, 0);
            zero(7 * BLOCK + 512, BLOCK);
            write(2 * BLOCK, 1024, BlockRequest.FUA);
            zero(0, 2L * BLOCK);
            flush();
            write(10 * BLOCK, 4 * BLOCK, 0);
            trim(0, VOLUME);
            flush();
            write(0, 2 * BLOCK, 0);
            write(12 * BLOCK, BLOCK, 0);
            flush();
            flush();
            mixedTail();
        }

        /** More of everything, small and at odd places, the same in every run. */
        private void mixedTail() throws PowerIsOff {
            SplittableRandom random = new SplittableRandom(7);
            for (int i = 0; i < 40; i++) {
                int offset = random.nextInt((int) VOLUME - 3 * BLOCK);
                int length = 1 + random.nextInt(random.nextBoolean() ? 2000 : 2 * BLOCK);
                switch (random.nextInt(8)) {
                    case 0 -> trim(offset, length);
                    case 1 -> zero(offset, length);
                    case 2 -> flush();
                    case 3, 4 -> write(offset, length, BlockRequest.FUA);
                    default -> write(offset, length, 0);
                }
            }
        }

        private ThinVolume create(String name) throws PowerIsOff {
            try {
                return sim.create(name, VOLUME);
            } catch (StorageException e) {
                throw new PowerIsOff();
            }
        }

        private void takeSnapshot() throws PowerIsOff {
            snapshot = volumeModel.copyAsSnapshot();
            try {
                sim.await(sim.pool.createSnapshot("v", "s", false));
            } catch (StorageException e) {
                throw new PowerIsOff();
            }
            snapshotAnswered = true;
            snapshot.allStable();
            volumeModel.allStable();
        }

        private void write(int offset, int length, int flags) throws PowerIsOff {
            byte[] bytes = stamped(offset, length);
            trimmed.written(offset, length);
            volumeModel.writing(offset, bytes);
            finish(sim.start(0, volume, BlockOperation.WRITE, offset, length, flags, bytes));
            if ((flags & BlockRequest.FUA) != 0) {
                volumeModel.stable(offset, length);
            }
        }

        private void writeTogether(List<int[]> ranges) throws PowerIsOff {
            SimPool.Result[] results = new SimPool.Result[ranges.size()];
            for (int i = 0; i < results.length; i++) {
                int[] range = ranges.get(i);
                byte[] bytes = stamped(range[0], range[1]);
                trimmed.written(range[0], range[1]);
                volumeModel.writing(range[0], bytes);
                results[i] = sim.start(i & 1, volume, BlockOperation.WRITE, range[0], range[1], 0, bytes);
            }
            for (SimPool.Result result : results) {
                finish(result);
            }
        }

        private void trim(long offset, long length) throws PowerIsOff {
            for (int unmapped : trimmed.trim(offset, length)) {
                volumeModel.writing(unmapped, new byte[BLOCK]);
            }
            finish(sim.start(1, volume, BlockOperation.DISCARD, offset, length, 0, null));
        }

        private void zero(long offset, long length) throws PowerIsOff {
            trimmed.written(offset, length);
            volumeModel.writing(offset, new byte[(int) length]);
            finish(sim.start(0, volume, BlockOperation.WRITE_ZEROES, offset, length, 0, null));
        }

        private void flush() throws PowerIsOff {
            finish(sim.start(1, volume, BlockOperation.FLUSH, 0, 0, 0, null));
            volumeModel.allStable();
        }

        private void finish(SimPool.Result result) throws PowerIsOff {
            sim.loops.runUntilIdle();
            assertTrue(result.isDone(), "a request hangs");
            if (result.errno != Errno.OK) {
                throw new PowerIsOff();
            }
        }

        private byte[] stamped(int offset, int length) {
            byte[] bytes = new byte[length];
            int v = version++;
            for (int i = 0; i < length; i++) {
                bytes[i] = (byte) (v * 17 + ((offset + i) >> 9) + 1);
            }
            return bytes;
        }
    }
}
