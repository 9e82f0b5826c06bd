package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.ThrowingLoop;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Something throws in the middle of the snapshot worker's work, in an admission, a completion, a task or a timer,
 * wherever it asks its loop for something: every request is answered, and closing ends.
 */
class ThrownSnapshotFaultsTest {
    private static final int SIZE = 128 << 10;
    private static final int CHUNK = 4096;
    private static final SnapshotSpec SPEC =
            SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK);

    static Stream<Throwable> kinds() {
        return Stream.of(
                new AssertionError("an invariant"),
                new IllegalStateException("a bug"),
                new OutOfMemoryError("Java heap space"));
    }

    /** What clients and management ask of a set that has snapshots "s" and "t", whose answers must come. */
    private abstract static class Story {
        final SimulatedDisk disk = new SimulatedDisk(SIZE);
        final List<SimHarness.Result> results = new ArrayList<>();
        final List<CompletableFuture<?>> answers = new ArrayList<>();
        final byte[] data = new byte[CHUNK];
        SimSet sim;

        abstract void prepare() throws StorageException;

        abstract void tell() throws StorageException;

        void write(int loop, BlockDevice device, long chunk) {
            results.add(sim.startWrite(loop, device, chunk * CHUNK, data));
        }

        /** @return whether there was an n-th place */
        final boolean run(long n, Throwable kind) throws Exception {
            ThrowingLoop[] worker = new ThrowingLoop[1];
            sim = new SimSet(disk, n, 2, loop -> worker[0] = new ThrowingLoop(loop));
            sim.loops.expectFaults();
            Arrays.fill(data, (byte) 3);
            prepare();
            worker[0].throwAt(n, kind);
            tell();
            sim.loops.advance(5_000_000_000L);
            answers.add(sim.set.close());
            sim.loops.advance(10_000_000_000L);
            for (int i = 0; i < results.size(); i++) {
                assertTrue(results.get(i).isDone(), "request " + i + " is never answered: worker's call " + n);
            }
            for (int i = 0; i < answers.size(); i++) {
                assertTrue(answers.get(i).isDone(), "answer " + i + " never comes: worker's call " + n);
            }
            sim.close();
            return worker[0].hasThrown();
        }
    }

    private static void tellEachPlace(Supplier<Story> story, Throwable kind) throws Exception {
        int runs = 0;
        for (long n = 1; story.get().run(n, kind); n++) {
            runs++;
        }
        assertTrue(runs > 20, runs + " places");
    }

    private static final class Copies extends Story {
        @Override
        void prepare() throws StorageException {
            sim.create(SPEC, new SimulatedDisk(2 * SIZE));
            sim.create(SPEC.withName("t").withChunkBytes(4 * CHUNK), new SimulatedDisk(2 * SIZE));
        }

        @Override
        void tell() throws StorageException {
            try (BlockDevice origin = sim.set.openOrigin();
                    Snapshot snapshot = sim.set.openSnapshot("s")) {
                for (int i = 0; i < 8; i++) {
                    write(i % 2, origin, i);
                    results.add(sim.start(1, snapshot, BlockOperation.READ, (long) i * CHUNK, CHUNK, 0, null));
                    long part = (long) (i + 8) * CHUNK + 512;
                    results.add(sim.startWrite(0, snapshot, part, Arrays.copyOf(data, 512)));
                    write(1, snapshot, i + 16);
                }
                results.add(sim.start(0, snapshot, BlockOperation.FLUSH, 0, 0, 0, null));
                sim.loops.advance(5_000_000_000L);
                write(1, origin, 20);
                answers.add(sim.set.status("s"));
                answers.add(sim.set.suspend("s"));
                write(0, snapshot, 25);
                sim.loops.advance(5_000_000_000L);
                answers.add(sim.set.resume("s"));
                sim.loops.advance(5_000_000_000L);
            }
            answers.add(sim.set.delete("t"));
        }
    }

    /** Its store is full: writes wait for one that grows late, and look again by a timer. */
    private static final class Full extends Story {
        @Override
        void prepare() throws StorageException {
            StoreGrowth growth = (name, total, done) -> sim.loops.loop(0).schedule(done, 1_500_000_000L);
            SimulatedDisk small = new SimulatedDisk(8 * CHUNK);
            sim.create(SPEC.withFullStore(StoreFullAction.FAIL_WRITES, 4_000_000_000L, growth), small);
        }

        @Override
        void tell() throws StorageException {
            try (BlockDevice origin = sim.set.openOrigin();
                    Snapshot snapshot = sim.set.openSnapshot("s")) {
                for (int i = 0; i < 10; i++) {
                    write(i % 2, origin, i);
                    write(i % 2, snapshot, i + 12);
                }
                for (int i = 0; i < 8; i++) {
                    sim.loops.advance(1_000_000_000L);
                    write(0, origin, i);
                }
                answers.add(sim.set.storeGrown("s"));
            }
        }
    }

    /** A merge with writes to what is being merged, beside a snapshot that needs the old contents. */
    private static final class Merge extends Story {
        private final boolean closesEarly;

        Merge(boolean closesEarly) {
            this.closesEarly = closesEarly;
        }

        @Override
        void prepare() throws StorageException {
            sim.create(SPEC, new SimulatedDisk(2 * SIZE));
            sim.create(SPEC.withName("t"), new SimulatedDisk(2 * SIZE));
            try (Snapshot snapshot = sim.set.openSnapshot("s")) {
                for (int i = 0; i < 16; i += 1 + i % 3) {
                    sim.write(snapshot, (long) i * CHUNK, data);
                }
            }
        }

        @Override
        void tell() throws StorageException {
            sim.await(sim.set.merge("s").exceptionally(failed -> null));
            if (!closesEarly) {
                answers.add(sim.set.mergeFinished());
            }
            try (BlockDevice origin = sim.set.openOrigin()) {
                for (int i = 0; i < 16; i++) {
                    write(i % 2, origin, i);
                }
                sim.loops.advance(1_000);
                answers.add(sim.set.stopMerge());
                sim.loops.advance(1_000_000_000L);
                answers.add(sim.set.continueMerge());
                write(0, origin, 3);
                if (closesEarly) {
                    answers.add(sim.set.close());
                }
                sim.loops.advance(5_000_000_000L);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whileChunksAreCopied(Throwable kind) throws Exception {
        tellEachPlace(Copies::new, kind);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whileWritesWaitForRoom(Throwable kind) throws Exception {
        tellEachPlace(Full::new, kind);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whileASnapshotIsMerged(Throwable kind) throws Exception {
        tellEachPlace(() -> new Merge(false), kind);
        tellEachPlace(() -> new Merge(true), kind);
    }
}
