package dev.gossamer.snapshot;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.sim.SimHarness;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.ThrowingLoop;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Something throws in the middle of the snapshot worker's work, wherever it asks its loop for something: every request
 * is answered, and closing ends.
 */
class ThrownSnapshotFaultsTest {
    private static final int SIZE = 128 << 10;
    private static final int CHUNK = 4096;

    static Stream<Throwable> kinds() {
        return Stream.of(
                new AssertionError("an invariant"),
                new IllegalStateException("a bug"),
                new OutOfMemoryError("Java heap space"));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whereverTheWorkerAsksItsLoop(Throwable kind) throws Exception {
        int runs = 0;
        for (long n = 1; run(n, kind); n++) {
            runs++;
        }
        assertTrue(runs > 20, runs + " places");
    }

    /** @return whether there was an n-th place */
    private static boolean run(long n, Throwable kind) throws Exception {
        ThrowingLoop[] worker = new ThrowingLoop[1];
        SimulatedDisk disk = new SimulatedDisk(SIZE);
        SimSet sim = new SimSet(disk, n, 2, loop -> worker[0] = new ThrowingLoop(loop));
        sim.loops.expectFaults();
        sim.create(SnapshotSpec.of("s", StoreType.PERSISTENT).withChunkBytes(CHUNK), new SimulatedDisk(2 * SIZE));
        sim.create(SnapshotSpec.of("t", StoreType.PERSISTENT).withChunkBytes(4 * CHUNK), new SimulatedDisk(2 * SIZE));
        worker[0].throwAt(n, kind);
        List<SimHarness.Result> results = new ArrayList<>();
        List<CompletableFuture<?>> answers = new ArrayList<>();
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) 3);
        try (BlockDevice origin = sim.set.openOrigin();
                Snapshot snapshot = sim.set.openSnapshot("s")) {
            for (int i = 0; i < 8; i++) {
                results.add(sim.startWrite(i % 2, origin, (long) i * CHUNK, data));
                results.add(sim.start(1, snapshot, BlockOperation.READ, (long) i * CHUNK, CHUNK, 0, null));
                results.add(sim.startWrite(0, snapshot, (long) (i + 8) * CHUNK + 512, Arrays.copyOf(data, 512)));
            }
            results.add(sim.start(0, snapshot, BlockOperation.FLUSH, 0, 0, 0, null));
            sim.loops.advance(5_000_000_000L);
            results.add(sim.startWrite(1, origin, 20L * CHUNK, data));
            answers.add(sim.set.status("s"));
            sim.loops.advance(5_000_000_000L);
        }
        answers.add(sim.set.delete("t"));
        sim.loops.advance(5_000_000_000L);
        answers.add(sim.set.close());
        sim.loops.advance(5_000_000_000L);
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
