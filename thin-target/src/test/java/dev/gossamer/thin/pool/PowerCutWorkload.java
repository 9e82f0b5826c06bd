package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.VolumeSpec;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;

/**
 * Provision, overwrite, snapshot, break sharing, trim, zero, resize, flush, FUA; scripted, so that every run is the
 * same.
 */
final class PowerCutWorkload {
    static final long VOLUME = 2L << 20;

    private static final int BLOCK = SimPool.BLOCK;
    private static final long SMALLER = VOLUME / 2 + 4096;

    /** An operation has failed. */
    private static final class PowerIsOff extends Exception {
        private static final long serialVersionUID = 1L;
    }

    private final SimPool sim;
    private final SimulatedDisk origin;
    /** What shows where nothing is mapped. */
    private final byte[] below;

    private final TrimmedSectors trimmed = new TrimmedSectors();
    final SectorModel model = new SectorModel(VOLUME);
    /** Those that the volume may have. */
    final Set<Long> sizes = new HashSet<>(List.of(VOLUME));

    boolean volumeAnswered;
    boolean snapshotAnswered;
    SectorModel snapshot;
    private ThinVolume volume;
    private int version = 1;

    /** @param origin external origin of the volume; null for none */
    PowerCutWorkload(SimPool sim, SimulatedDisk origin) {
        this.sim = sim;
        this.origin = origin;
        this.below = origin == null
                ? new byte[(int) VOLUME]
                : Arrays.copyOf(origin.readNow(0, (int) origin.sizeBytes()), (int) VOLUME);
        model.writing(0, below);
        model.allStable();
    }

    /** Ends early when the power is off. */
    void run() {
        try {
            script();
        } catch (PowerIsOff e) {
            // as intended
        }
    }

    private void script() throws PowerIsOff {
        create();
        volumeAnswered = true;
        write(0, 4096, 0);
        write(3 * BLOCK + 512, 512, 0);
        write(BLOCK, 2 * BLOCK, 0);
        flush();
        write(512, 1024, 0);
        write(5 * BLOCK, BLOCK, BlockRequest.FUA);
        write(5 * BLOCK + 2048, 512, BlockRequest.FUA);
        writeTogether(
                List.of(new int[] {7 * BLOCK, 512}, new int[] {7 * BLOCK + 4096, 4096}, new int[] {8 * BLOCK, BLOCK}));
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
        resize(SMALLER);
        write(3 * BLOCK, 700, 0);
        trim(4L * BLOCK, 2L * BLOCK);
        write((int) SMALLER - 512, 512, BlockRequest.FUA);
        resize(VOLUME);
        mixedTail();
    }

    /** More of everything, small and at odd places, the same in every run. */
    private void mixedTail() throws PowerIsOff {
        SplittableRandom random = Seeds.splittable(7);
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

    private void create() throws PowerIsOff {
        VolumeSpec spec = new VolumeSpec("v", VOLUME);
        await(origin == null ? sim.pool.createVolume(spec) : sim.pool.createVolumeOver(spec, "/origin", origin));
        volume = sim.pool.openVolume("v");
    }

    private void resize(long sizeBytes) throws PowerIsOff {
        sizes.add(sizeBytes);
        // Whole blocks behind the smaller end show what is below from some moment on, the rest of its last block zeros.
        int whole = (int) Math.ceilDiv(SMALLER, (long) BLOCK) * BLOCK;
        if (sizeBytes == SMALLER) {
            model.writing(whole, Arrays.copyOfRange(below, whole, (int) VOLUME));
        }
        model.writing(SMALLER, new byte[(int) (whole - SMALLER)]);
        await(sim.pool.resizeVolume("v", sizeBytes, true));
        model.stable(whole, VOLUME - whole);
        if (sizeBytes == VOLUME) {
            model.stable(SMALLER, whole - SMALLER);
        } else {
            model.unsure(SMALLER, whole - SMALLER);
        }
        sizes.retainAll(Set.of(sizeBytes));
        trimmed.clear();
    }

    private void await(CompletableFuture<?> answer) throws PowerIsOff {
        try {
            sim.await(answer);
        } catch (StorageException e) {
            throw new PowerIsOff();
        }
    }

    private void takeSnapshot() throws PowerIsOff {
        snapshot = model.copyAsSnapshot();
        await(sim.pool.createSnapshot("v", "s", false));
        snapshotAnswered = true;
        snapshot.allStable();
        model.allStable();
    }

    private void write(int offset, int length, int flags) throws PowerIsOff {
        byte[] bytes = stamped(offset, length);
        trimmed.written(offset, length);
        model.writing(offset, bytes);
        finish(sim.start(0, volume, BlockOperation.WRITE, offset, length, flags, bytes));
        if ((flags & BlockRequest.FUA) != 0) {
            model.stable(offset, length);
        }
    }

    private void writeTogether(List<int[]> ranges) throws PowerIsOff {
        SimHarness.Result[] results = new SimHarness.Result[ranges.size()];
        for (int i = 0; i < results.length; i++) {
            int[] range = ranges.get(i);
            byte[] bytes = stamped(range[0], range[1]);
            trimmed.written(range[0], range[1]);
            model.writing(range[0], bytes);
            results[i] = sim.start(i & 1, volume, BlockOperation.WRITE, range[0], range[1], 0, bytes);
        }
        for (SimHarness.Result result : results) {
            finish(result);
        }
    }

    private void trim(long offset, long length) throws PowerIsOff {
        for (int unmapped : trimmed.trim(offset, length)) {
            model.writing(unmapped, Arrays.copyOfRange(below, unmapped, unmapped + BLOCK));
        }
        finish(sim.start(1, volume, BlockOperation.DISCARD, offset, length, 0, null));
    }

    private void zero(long offset, long length) throws PowerIsOff {
        trimmed.written(offset, length);
        model.writing(offset, new byte[(int) length]);
        finish(sim.start(0, volume, BlockOperation.WRITE_ZEROES, offset, length, 0, null));
    }

    private void flush() throws PowerIsOff {
        finish(sim.start(1, volume, BlockOperation.FLUSH, 0, 0, 0, null));
        model.allStable();
    }

    private void finish(SimHarness.Result result) throws PowerIsOff {
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
