package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.StorageIdentity;
import dev.gossamer.io.sim.SimHarness;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * An origin and its snapshots on devices of the test's choice, all of it on the test's thread, interleaved by one seed:
 * I/O loops 0 to n-1 and the worker on loop n.
 */
final class SimSet extends SimHarness {
    final SnapshotSet set;

    SimSet(BlockDevice origin, long seed, int ioLoops) {
        this(origin, seed, ioLoops, UnaryOperator.identity());
    }

    /** @param worker what the set gets for its worker's loop */
    SimSet(BlockDevice origin, long seed, int ioLoops, UnaryOperator<IoLoop> worker) {
        super(seed, ioLoops, BUFFER_BYTES);
        try {
            set = SnapshotSet.over(origin, null, worker.apply(worker()), ioLoops());
        } catch (StorageException e) {
            throw new AssertionError(e);
        }
    }

    /** @param known what the origin must be */
    SimSet(BlockDevice origin, StorageIdentity known, long seed, int ioLoops) throws StorageException {
        super(seed, ioLoops, BUFFER_BYTES);
        boolean done = false;
        try {
            set = SnapshotSet.over(origin, known, worker(), ioLoops());
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    Result startWrite(int loop, BlockDevice device, long offset, byte[] data) {
        return start(loop, device, BlockOperation.WRITE, offset, data.length, 0, data);
    }

    int readErrno(BlockDevice device) {
        return finish(start(0, device, BlockOperation.READ, 0, 4096, 0, null)).errno;
    }

    int command(BlockDevice device, BlockOperation operation, long offset, long length) {
        return finish(start(0, device, operation, offset, length, 0, null)).errno;
    }

    <T> T await(CompletableFuture<T> answer) throws StorageException {
        return SnapshotSet.join(completed(answer));
    }

    /** The message of a refusal. */
    String refused(CompletableFuture<?> answer) {
        return assertThrows(StorageException.class, () -> await(answer)).getMessage();
    }

    SnapshotStatus create(SnapshotSpec spec, BlockDevice store) throws StorageException {
        return await(set.create(spec, store));
    }

    Snapshot createAndOpen(SnapshotSpec spec, BlockDevice store) throws StorageException {
        create(spec, store);
        return set.openSnapshot(spec.name());
    }

    SnapshotStatus status(String name) throws StorageException {
        return await(set.status(name));
    }

    /** Closes the set in good order; checks that nothing was left behind. */
    void shutDown() throws StorageException {
        await(set.close());
        assertEquals(0, inUse(), "requests or buffers leaked");
        close();
    }
}
