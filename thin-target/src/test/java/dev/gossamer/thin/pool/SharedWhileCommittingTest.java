package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.SlowDisk;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.job.Jobs;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * D-6a with a block whose owner differs in all three states: nobody's in the committed one, b's in the one that is
 * being written, and a's in the running one, by a clone whose source has let go since. A crash leads to any of them.
 */
class SharedWhileCommittingTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int WORKER = 2;

    private static final byte[] OF_B = ThinPoolTest.bytes(1, BLOCK);
    private static final byte[] NEWER_OF_B = ThinPoolTest.bytes(2, BLOCK);
    private static final byte[] OF_A = ThinPoolTest.bytes(3, BLOCK);

    private final SimulatedDisk metadataDisk = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
    private final SlowDisk metadata = new SlowDisk(metadataDisk);
    private SimPool sim;
    private ThinVolume a;
    private ThinVolume b;
    private SimHarness.Result flush;

    enum LetGo {
        BY_WRITING,
        BY_TRIM
    }

    @BeforeEach
    void bsNewBlockIsClonedWhileItsTransactionIsWritten() throws StorageException {
        SimPool.format(metadataDisk, data);
        sim = SimPool.open(metadata, data, 1, WORKER);
        JobRig jobs = new JobRig(sim);
        a = sim.create("a", 8L * BLOCK);
        b = sim.create("b", 8L * BLOCK);
        assertEquals(Errno.OK, sim.write(b, 5L * BLOCK, ThinPoolTest.bytes(9, BLOCK)));
        assertEquals(Errno.OK, sim.flush(b));
        JobInfo job = jobs.start(new CloneSpec("b", 0, 4L * BLOCK, "a", 0, false), JobRig.steps(1));
        sim.await(sim.pool.jobs().pause(job.id()));
        assertEquals(Errno.OK, sim.write(b, 0, OF_B));
        metadata.hold(request -> request.loop().index() == WORKER
                && request.operation() == BlockOperation.WRITE
                && request.offsetBytes() == 0);
        flush = sim.start(1, b, BlockOperation.FLUSH, 0, 0, 0, null);
        sim.loops.runUntilIdle();
        assertEquals(1, metadata.heldCount(), "the superblock of the transaction that maps b's block");
        sim.await(sim.pool.jobs().resume(job.id()));
        for (int i = 0; i < 500 && !Arrays.equals(OF_B, sim.read(a, 0, BLOCK)); i++) {
            sim.loops.advance(Jobs.PAUSE_NANOS / 4);
        }
        sim.await(sim.pool.jobs().pause(job.id()));
        assertArrayEquals(OF_B, sim.read(a, 0, BLOCK), "cloned meanwhile");
    }

    private void bLetsGo(LetGo how) throws StorageException {
        assertEquals(Errno.OK, how == LetGo.BY_TRIM ? sim.trim(b, 0, BLOCK) : sim.write(b, 0, NEWER_OF_B));
    }

    /** The superblock that is held back reaches the disk, and then the power fails. */
    private byte[] bAfterACut() throws StorageException {
        for (BlockRequest request : List.copyOf(metadata.held())) {
            byte[] superblock = new byte[4096];
            request.buffer().bytes().get(request.bufferOffsetBytes(), superblock);
            metadataDisk.changeNow(0, superblock.length, superblock, true);
        }
        sim.close();
        data.flushNow();
        metadataDisk.crashLosingAll();
        try (SimPool after = SimPool.open(metadataDisk, data, 3, 1)) {
            return after.read(after.pool.openVolume("b"), 0, BLOCK);
        }
    }

    @ParameterizedTest
    @EnumSource
    void d6aACutBetweenTheTwoTransactionsShowsNobodyElsesData(LetGo how) throws StorageException {
        bLetsGo(how);
        long copies = sim.pool.counters().brokenSharings.sum();
        assertEquals(Errno.OK, sim.write(a, 0, OF_A));
        assertEquals(1, sim.pool.counters().brokenSharings.sum() - copies, "written where b has its block after a cut");
        assertFalse(flush.isDone());
        metadata.hold(request -> false);
        byte[] found = bAfterACut();
        assertFalse(Arrays.equals(OF_A, found), "b reads what a has written");
        assertArrayEquals(OF_B, found, "what the transaction names");
    }

    @ParameterizedTest
    @EnumSource
    void d6aNorIsWhatBWasToldToBeStableLost(LetGo how) throws StorageException {
        bLetsGo(how);
        assertEquals(Errno.OK, sim.write(a, 0, OF_A));
        metadata.letGo(sim);
        assertEquals(Errno.OK, flush.errno);
        assertArrayEquals(OF_B, bAfterACut(), "what the flush has answered for");
    }

    @Test
    void onceTheFrozenStateIsCommittedAndTheNextAsWellABlockIsWrittenInPlace() throws StorageException {
        bLetsGo(LetGo.BY_TRIM);
        metadata.letGo(sim);
        assertEquals(Errno.OK, flush.errno);
        assertEquals(Errno.OK, sim.flush(b));
        assertEquals(Errno.OK, sim.flush(a));
        long copies = sim.pool.counters().brokenSharings.sum();
        assertEquals(Errno.OK, sim.write(a, 0, OF_A));
        assertEquals(0, sim.pool.counters().brokenSharings.sum() - copies, "a's alone in every state");
        assertTrue(sim.pool.counters().endedSharings.sum() > 0);
        sim.close();
    }
}
