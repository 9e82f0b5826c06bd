package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.commit.Committer;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The n-th write, read or flush of the metadata device fails, for every n of a scripted run (rule E-6): the pool ends
 * in the mode that M-2 says, opens again, and has everything that was acknowledged as durable, although all that was
 * not flushed is lost as well.
 */
class MetadataFaultTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 2L << 20;

    private final SimulatedDisk metadataBase = new SimulatedDisk(1 << 20);
    private final SimulatedDisk dataBase = new SimulatedDisk(64L * BLOCK);

    @BeforeEach
    void aPoolWithAVolumeAndItsSnapshot() throws StorageException {
        SimPool.format(metadataBase, dataBase);
        try (SimPool sim = SimPool.open(metadataBase, dataBase, 1, 1)) {
            ThinVolume volume = sim.create("v", VOLUME);
            sim.write(volume, 0, new byte[4 * BLOCK]);
            sim.snapshot("v", "s").close();
            volume.close();
            sim.shutDown();
        }
    }

    /** E-1: abort works, the flag is written: READ_ONLY, and it stays so (M-4). */
    @ParameterizedTest
    @EnumSource(names = {"READ", "WRITE", "FLUSH"})
    void oneFailureMakesThePoolReadOnlyAndLosesNothingDurable(BlockOperation operation) throws StorageException {
        long n = 1;
        while (run(operation, n, n)) {
            n++;
        }
        assertTrue(n > 4, "the run has only " + n + " operations of this kind");
    }

    /**
     * M-2: abort reads and the flag is written; if that cannot be, FAIL (M-5: also close works). The flag is written
     * with FUA, so a device that only cannot flush takes it.
     */
    @ParameterizedTest
    @EnumSource(names = {"READ", "WRITE", "FLUSH"})
    void aDeviceThatStaysBrokenMakesThePoolFailAndLosesNothingDurable(BlockOperation operation)
            throws StorageException {
        long n = 1;
        while (run(operation, n, Long.MAX_VALUE)) {
            n++;
        }
        assertTrue(n > 4, "the run has only " + n + " operations of this kind");
    }

    /** @return whether the fault came to pass */
    private boolean run(BlockOperation operation, long first, long last) throws StorageException {
        String where = operation + " " + first + (first == last ? " fails" : " and all later fail");
        PowerSupply power = new PowerSupply();
        SimulatedDisk metadata = metadataBase.copy(power);
        SimulatedDisk data = dataBase.copy(power);
        FaultPlan faults = new FaultPlan();
        SectorModel model = new SectorModel(VOLUME);
        boolean hit;
        boolean flagged = false;
        ReadsAhead device = new ReadsAhead(new FaultyDevice(metadata, faults));
        try (SimPool sim = SimPool.open(device, data, first, 2)) {
            faults.failDuring(operation, first, last, Errno.EIO);
            new Script(sim, model).run();
            hit = faults.failures() > 0;
            // The worker reads again what could not be read ahead.
            boolean harmless = !hit || (first == last && device.failed);
            boolean flagWritten = first == last || operation == BlockOperation.FLUSH;
            PoolMode expected = harmless ? PoolMode.WRITE : flagWritten ? PoolMode.READ_ONLY : PoolMode.FAIL;
            assertEquals(expected, sim.pool.mode(), where);
            if (!harmless) {
                PoolStatus status = sim.status();
                flagged = status.needsCheck();
                assertEquals(flagWritten, flagged, where);
                assertTrue(!status.modeCause().isEmpty(), where);
                assertEquals(1, sim.pool.eventCount(PoolEvent.Kind.MODE), where + ": one event per transition (M-6)");
            }
            sim.loops.runUntilIdle();
            assertEquals(0, sim.inUse(), where + ": requests leaked");
            if (first % 2 == 0) {
                // M-5: closing works in every mode. It may report that the last commit failed.
                CompletableFuture<Void> closed = sim.pool.close();
                sim.loops.runUntilIdle();
                assertTrue(closed.isDone(), where);
            }
        }
        metadata.crashLosingAll();
        data.crashLosingAll();
        SimPool.assertSound(metadata, where);
        try (SimPool sim = SimPool.open(metadata, data, first, 1)) {
            assertEquals(flagged ? PoolMode.READ_ONLY : PoolMode.WRITE, sim.pool.mode(), where + ": M-4");
            model.check(sim.read(sim.pool.openVolume("v"), 0, (int) VOLUME), where);
        }
        return hit;
    }

    /** Notes whether a read that the worker does not wait for has failed. */
    private static final class ReadsAhead extends ForwardingDevice {
        boolean failed;

        ReadsAhead(BlockDevice disk) {
            super(disk);
        }

        @Override
        public void submit(BlockRequest request) {
            if (request.loop().index() >= 0 && request.operation() == BlockOperation.READ) {
                request.push((done, errno) -> {
                    failed |= errno != Errno.OK;
                    done.complete(errno);
                });
            }
            below.submit(request);
        }
    }

    /** Writes, trims, flushes and messages; errors end nothing. The model learns what was acknowledged as durable. */
    private static final class Script {
        private final SimPool sim;
        private final SectorModel model;
        private ThinVolume volume;
        private int stamp;

        Script(SimPool sim, SectorModel model) {
            this.sim = sim;
            this.model = model;
        }

        void run() {
            volume = sim.pool.openVolume("v");
            write(BLOCK, 512, 0);
            flush();
            write(6 * BLOCK, BLOCK, BlockRequest.FUA);
            message(sim.pool.createVolume(new VolumeSpec("w", VOLUME)));
            ThinVolume other = sim.pool.openVolume("w");
            if (other != null) {
                sim.write(other, 0, new byte[3 * BLOCK]);
                other.close();
            }
            write(2 * BLOCK, 4096, 0);
            message(sim.pool.createSnapshot("v", "t", false));
            write(2 * BLOCK, 4096, 0);
            write(8 * BLOCK, 3 * BLOCK, 0);
            flush();
            trim(8L * BLOCK, 2L * BLOCK);
            write(9 * BLOCK, 512, 0);
            message(sim.pool.renameVolume("s", "s2"));
            message(sim.pool.renameVolume("s2", "s"));
            flush();
            write(0, 5 * BLOCK, 0);
            message(sim.pool.deleteVolume("t"));
            message(sim.pool.resizeVolume("w", VOLUME * 2, false));
            write(20 * BLOCK, 700, BlockRequest.FUA);
            message(sim.pool.deleteVolume("w"));
            write(21 * BLOCK, 4096, 0);
            sim.loops.advance(Committer.PERIOD_NANOS);
            write(0, 4096, 0);
            flush();
            volume.close();
        }

        private void write(int offset, int length, int flags) {
            byte[] bytes = new byte[length];
            Arrays.fill(bytes, (byte) ++stamp);
            model.writing(offset, bytes);
            int errno = sim.write(volume, offset, bytes, flags);
            if (errno != Errno.OK) {
                model.unsure(offset, length);
            } else if (flags == BlockRequest.FUA) {
                model.stable(offset, length);
            }
        }

        private void trim(long offset, long length) {
            model.writing(offset, new byte[(int) length]);
            int errno = sim.trim(volume, offset, length);
            // TRIM is advice: in a frozen pool it succeeds without effect (E-2).
            if (sim.pool.mode().isMetadataReadOnly()) {
                model.unsure(offset, length);
            }
            assertEquals(sim.pool.mode() == PoolMode.FAIL ? Errno.EIO : Errno.OK, errno);
        }

        private void flush() {
            if (sim.flush(volume) == Errno.OK) {
                model.allStable();
            }
        }

        private void message(CompletableFuture<?> answer) {
            sim.loops.runUntilIdle();
            assertTrue(answer.isDone(), "a message hangs");
        }
    }
}
