package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.BlockDeviceContract;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Nested;

/** The contract of a block device on origin, snapshot and merge. */
class DeviceContractTest {

    abstract static class OnASet extends BlockDeviceContract {
        final SimLoops loops = new SimLoops(7, 2, 16 << 20);
        final SimulatedDisk origin = new SimulatedDisk(SIZE_BYTES);
        final SnapshotSet set;

        OnASet() {
            try {
                set = SnapshotSet.over(origin, null, loops.loop(1), List.<IoLoop>of(loops.loop(0)));
            } catch (StorageException e) {
                throw new AssertionError(e);
            }
        }

        @Override
        protected LoopDriver startLoop() throws StorageException {
            await(set.create(
                    SnapshotSpec.of("fine", StoreType.PERSISTENT)
                            .withChunkBytes(4096)
                            .withDiscard(true, false),
                    new SimulatedDisk(2 * SIZE_BYTES)));
            await(set.create(
                    SnapshotSpec.of("coarse", StoreType.TRANSIENT).withChunkBytes(64 << 10),
                    new SimulatedDisk(SIZE_BYTES)));
            return LoopDriver.of(loops, 0);
        }

        @Override
        protected void stopLoop() {
            loops.close();
        }

        final <T> T await(CompletableFuture<T> answer) throws StorageException {
            loops.runUntilIdle();
            assertTrue(answer.isDone(), "an operation hangs");
            return SnapshotSet.join(answer);
        }
    }

    @Nested
    class AnOrigin extends OnASet {
        @Override
        protected BlockDevice open(boolean readOnly) throws StorageException {
            origin.setReadOnly(readOnly);
            return set.openOrigin();
        }
    }

    @Nested
    class ASnapshot extends OnASet {
        @Override
        protected BlockDevice open(boolean readOnly) {
            return set.openSnapshot("fine");
        }
    }

    @Nested
    class ATransientSnapshot extends OnASet {
        @Override
        protected BlockDevice open(boolean readOnly) {
            return set.openSnapshot("coarse");
        }
    }

    @Nested
    class AMergeThatIsStopped extends OnASet {
        private boolean begun;

        private void zeroEverySecondChunk() {
            try (Snapshot snapshot = set.openSnapshot("fine")) {
                for (int at = 0; at < SIZE_BYTES; at += 8192) {
                    int offset = at;
                    loops.enter(0, () -> {
                        BlockRequest zeroing = loops.loop(0)
                                .requests()
                                .acquire()
                                .command(BlockOperation.WRITE_ZEROES, offset, 4096, 0);
                        zeroing.push((done, errno) -> {
                            done.recycle();
                            assertEquals(Errno.OK, errno);
                        });
                        snapshot.submit(zeroing);
                    });
                }
                loops.runUntilIdle();
            }
        }

        @Override
        protected BlockDevice open(boolean readOnly) throws StorageException {
            if (!begun) {
                begun = true;
                zeroEverySecondChunk();
                CompletableFuture<SnapshotStatus> merging = set.merge("fine");
                while (!merging.isDone()) {
                    assertTrue(loops.runOne());
                }
                await(set.stopMerge());
                assertEquals(SnapshotState.MERGING, await(set.status("fine")).state());
            }
            return set.openOrigin();
        }

        /** S-D4: TRIM is accepted and ignored. */
        @Override
        protected void discarded(byte[] content, int offsetBytes, int lengthBytes) {
            // The model stays as it is.
        }
    }
}
