package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.ThrowingLoop;
import dev.gossamer.thin.StatusContext;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Something throws in a task or a timer of the pool's worker while clients and management ask for what takes several
 * steps: whatever it is, and wherever, everybody gets an answer, and closing ends.
 */
class ThrownQueriesTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 40L * BLOCK;

    static Stream<Throwable> kinds() {
        return Stream.of(new AssertionError("an invariant"), new OutOfMemoryError("Java heap space"));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void everybodyIsAnswered(Throwable kind) throws Exception {
        int runs = 0;
        for (long n = 1; run(n, kind); n++) {
            runs++;
        }
        assertTrue(runs > 40, runs + " places");
    }

    /** @return whether there was an n-th place */
    private static boolean run(long n, Throwable kind) throws Exception {
        SimulatedDisk metadata = new SimulatedDisk(1 << 20);
        SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
        prepare(metadata, data);
        ThrowingLoop[] worker = new ThrowingLoop[1];
        SimPool sim = SimPool.open(
                metadata, data, n, 2, SimPool.OPTIONS, SimPool.NO_ORIGINS, loop -> worker[0] = new ThrowingLoop(loop));
        sim.loops.expectFaults();
        worker[0].throwAt(n, kind);
        StatusContext context = sim.pool.statusContexts().resolve("v", "base:allocation");
        ThinVolume u = sim.pool.openVolume("u");
        ThinVolume v = sim.pool.openVolume("v");
        List<CompletableFuture<?>> answers = new ArrayList<>();
        List<AskedStatus> queries = new ArrayList<>();
        AtomicInteger prefetched = new AtomicInteger();
        for (ThinVolume volume : List.of(u, v)) {
            queries.add(new AskedStatus(sim.loops).start(1, volume, 0, VOLUME, false, context));
            sim.loops.enter(
                    0, () -> volume.prefetch(sim.loops.loop(0), 0, VOLUME, errno -> prefetched.incrementAndGet()));
            answers.add(sim.pool.space().of(volume.name()));
        }
        answers.add(sim.pool.dmStatus());
        answers.add(sim.pool.jobs().owners(0, 60L * BLOCK));
        answers.add(sim.pool.releaseMetadataSnapshot());
        sim.loops.advance(1_000_000_000L);
        answers.add(sim.pool.resizeVolume("v", 2 * BLOCK + 512, true));
        answers.add(sim.pool.jobs().defragment("u"));
        sim.loops.advance(10_000_000_000L);
        answers.add(sim.pool.jobs().list());
        u.close();
        v.close();
        context.close();
        answers.add(sim.pool.close());
        sim.loops.advance(10_000_000_000L);
        String where = "worker's call " + n;
        for (int i = 0; i < answers.size(); i++) {
            assertTrue(answers.get(i).isDone(), "answer " + i + " never comes: " + where);
        }
        for (AskedStatus query : queries) {
            assertTrue(query.isAnswered(), "a query is never answered: " + where);
        }
        assertEquals(2, prefetched.get(), "what was to be cached is never answered: " + where);
        sim.close();
        return worker[0].hasThrown();
    }

    private static void prepare(SimulatedDisk metadata, SimulatedDisk data) throws Exception {
        SimPool.format(metadata, data);
        SimPool sim = SimPool.open(metadata, data, 1, 1);
        for (String name : List.of("u", "v")) {
            ThinVolume volume = sim.create(name, VOLUME);
            for (int i = 0; i < 12; i += 1 + i % 3) {
                assertEquals(Errno.OK, sim.write(volume, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
            }
            assertEquals(Errno.OK, sim.flush(volume));
            volume.close();
        }
        sim.await(sim.pool.reserveMetadataSnapshot());
        sim.snapshot("u", "s").close();
        sim.shutDown();
    }
}
