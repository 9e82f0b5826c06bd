package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Rule S-V7: what is below a store takes no changes any more, as a pool whose metadata want checking. Whatever step of
 * a copy meets that first, the policy decides, and with fail-writes nothing is lost.
 */
class ReadOnlyBelowTest {
    private static final int CHUNK = 4096;
    private static final int SIZE = 256 << 10;
    private static final long SECOND = 1_000_000_000;

    /** The step that meets it. */
    enum Step {
        COPY,
        FLUSH,
        /** Refused, and not written. */
        RECORD,
        /** Written, and its flush failed. */
        RECORD_BUT_DONE
    }

    /** As a volume of a pool that has become read-only: new blocks and FLUSH fail. */
    private static final class Store extends ForwardingDevice {
        private final Step step;
        boolean readOnly;

        Store(BlockDevice below, Step step) {
            super(below);
            this.step = step;
        }

        @Override
        public BlockGeometry geometry() {
            BlockGeometry is = below.geometry();
            return new BlockGeometry(is.sizeBytes(), is.alignmentBytes(), readOnly, is.discardBytes());
        }

        @Override
        public void submit(BlockRequest request) {
            BlockOperation operation = request.operation();
            boolean meets = operation == BlockOperation.WRITE
                    && switch (step) {
                        case COPY -> !request.hasFlag(BlockRequest.FUA);
                        case FLUSH -> false;
                        case RECORD, RECORD_BUT_DONE -> request.hasFlag(BlockRequest.FUA);
                    };
            meets |= operation == BlockOperation.FLUSH && step == Step.FLUSH;
            if (!readOnly || !meets) {
                below.submit(request);
            } else if (step == Step.RECORD_BUT_DONE) {
                request.push((done, errno) -> done.complete(Errno.EIO));
                below.submit(request);
            } else {
                request.complete(Errno.EIO);
            }
        }
    }

    private final SimulatedDisk origin = new SimulatedDisk(SIZE);
    private final SimulatedDisk storeDisk = new SimulatedDisk(2 * SIZE);

    private static byte[] filled(int value, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    private static SnapshotSpec spec(StoreFullAction action, long holdBackNanos) {
        return SnapshotSpec.of("s", StoreType.PERSISTENT)
                .withChunkBytes(CHUNK)
                .withFullStore(action, holdBackNanos, StoreGrowth.NONE);
    }

    @BeforeEach
    void fill() {
        origin.writeNow(0, filled(1, SIZE));
    }

    private static void pass(SimSet sim, int seconds) {
        for (int i = 0; i < 2 * seconds; i++) {
            sim.loops.advance(SECOND / 2);
        }
    }

    @ParameterizedTest
    @EnumSource(Step.class)
    void withFailWritesTheSnapshotIsKeptAndTheOriginIsHeld(Step step) throws StorageException {
        Store store = new Store(storeDisk, step);
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            Snapshot snapshot = sim.createAndOpen(spec(StoreFullAction.FAIL_WRITES, 3 * SECOND), store);
            BlockDevice open = sim.set.openOrigin();
            assertEquals(Errno.OK, sim.write(open, 0, filled(2, CHUNK)));
            store.readOnly = true;
            SimHarness.Result first = sim.startWrite(0, open, CHUNK, filled(2, 3 * CHUNK));
            SimHarness.Result other = sim.startWrite(1, snapshot, 8 * CHUNK, filled(3, 512));
            pass(sim, 2);
            assertFalse(first.isDone(), "held");
            pass(sim, 3);
            assertEquals(Errno.EIO, first.errno, "it is not full");
            assertEquals(Errno.EIO, other.errno);
            assertEquals(Errno.EIO, sim.write(open, 9 * CHUNK, filled(2, CHUNK)), "at once");
            assertEquals(Errno.OK, sim.write(open, 0, filled(4, CHUNK)), "the store has that");
            assertEquals(
                    SnapshotState.ACTIVE,
                    sim.status("s").state(),
                    sim.status("s").cause());
            assertArrayEquals(filled(1, SIZE), sim.read(snapshot, 0, SIZE));
            assertArrayEquals(filled(1, SIZE - CHUNK), sim.read(open, CHUNK, SIZE - CHUNK));
            snapshot.close();
            open.close();
            sim.shutDown();
        }
        goesOnAfterwards();
    }

    /** The pool is well again and the daemon has been started. */
    private void goesOnAfterwards() throws StorageException {
        try (SimSet again = new SimSet(origin, 2, 2)) {
            again.await(again.set.load(spec(StoreFullAction.FAIL_WRITES, 0), storeDisk));
            Snapshot snapshot = again.set.openSnapshot("s");
            assertArrayEquals(filled(1, SIZE), again.read(snapshot, 0, SIZE));
            BlockDevice open = again.set.openOrigin();
            assertEquals(Errno.OK, again.write(open, 0, filled(5, SIZE)));
            assertArrayEquals(filled(1, SIZE), again.read(snapshot, 0, SIZE));
            snapshot.close();
            open.close();
            again.shutDown();
        }
    }

    /** Whoever lets the snapshot go for the origin's sake keeps the origin. */
    @ParameterizedTest
    @EnumSource(Step.class)
    void elseTheSnapshotIsLostAfterAWhile(Step step) throws StorageException {
        Store store = new Store(storeDisk, step);
        try (SimSet sim = new SimSet(origin, 1, 2)) {
            sim.create(spec(StoreFullAction.INVALIDATE_SNAPSHOT, 3 * SECOND), store);
            BlockDevice open = sim.set.openOrigin();
            assertEquals(Errno.OK, sim.write(open, 0, filled(2, CHUNK)));
            store.readOnly = true;
            SimHarness.Result write = sim.startWrite(0, open, CHUNK, filled(2, 3 * CHUNK));
            pass(sim, 2);
            assertFalse(write.isDone(), "held");
            pass(sim, 3);
            assertEquals(Errno.OK, write.errno);
            assertEquals(SnapshotState.INVALID, sim.status("s").state());
            assertEquals("its store takes no changes any more", sim.status("s").cause());
            open.close();
            store.readOnly = false;
            sim.shutDown();
        }
    }
}
