package dev.gossamer.thin.job;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.DurationHistogram;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Jobs make way for clients whose p99 rises (RL-7): by latencies that are counted here, and no clock. */
class PaceTest {
    private static final long STEP = 2_000_000L;
    private static final long MICROS = 1_000L;

    private final DurationHistogram reads = new DurationHistogram();
    private final DurationHistogram writes = new DurationHistogram();
    private final Pace pace = new Pace();
    private long now;

    private void clients(int requests, long nanos) {
        for (int i = 0; i < requests; i++) {
            (i % 3 == 0 ? writes : reads).add(nanos);
        }
    }

    private long look() {
        now += Pace.LOOK_NANOS;
        return pace.restNanos(STEP, now);
    }

    private void begin() {
        pace.watch(() -> List.of(reads, writes));
        clients(1000, 300 * MICROS);
        pace.working(true, now);
    }

    @Test
    void withoutClientsAJobRestsAsLongAsItWorked() {
        pace.working(true, now);
        assertEquals(STEP, look());
        assertEquals(Pace.LEAST_NANOS, pace.restNanos(10, now));
    }

    /** Seed 142 of the simulation: such a job rested for another three minutes. */
    @Test
    void aStepInWhichTheDiskStalledOrTimeLeaptMakesNoRestWithoutEnd() {
        begin();
        assertEquals(Pace.MOST_NANOS, pace.restNanos(188_000_000_000L, now));
        assertEquals(Pace.MOST_NANOS, pace.restNanos(Long.MAX_VALUE, now));
        clients(1000, 4000 * MICROS);
        look();
        assertEquals(2 * STEP, pace.restNanos(STEP, now), "and those that follow are no longer for it");
    }

    @Test
    void rl7JobsSlowDownWhileTheP99IsAboveTwiceTheUsualAndRecover() {
        begin();
        clients(200, 400 * MICROS);
        assertEquals(STEP, look(), "as usual");
        for (int i = 1; i <= 6; i++) {
            clients(980, 300 * MICROS);
            clients(20, 4000 * MICROS); // two in a hundred
            assertEquals(STEP << i, look());
        }
        clients(1000, 4000 * MICROS);
        assertEquals(STEP * Pace.MAX_FACTOR, look(), "never slower than that");
        for (int i = 0; i < 20; i++) {
            clients(1000, 300 * MICROS);
            look();
        }
        assertEquals(1, pace.factor(), "nobody is in their way any more");
    }

    /** One in a hundred may take longer. */
    @Test
    void rl7RareSlowRequestsAreNoReason() {
        begin();
        for (int i = 0; i < 10; i++) {
            clients(995, 300 * MICROS);
            clients(5, 50_000 * MICROS);
            assertEquals(STEP, look());
        }
    }

    @Test
    void rl7FewRequestsAreCountedOnUntilTheyTellSomething() {
        begin();
        for (int i = 0; i < 3; i++) {
            clients(30, 4000 * MICROS);
            assertEquals(STEP, look());
        }
        clients(30, 4000 * MICROS);
        assertEquals(2 * STEP, look());
    }

    /** Between looks nothing changes, however many steps there are. */
    @Test
    void rl7ItLooksAFewTimesASecond() {
        begin();
        clients(1000, 4000 * MICROS);
        assertEquals(STEP, pace.restNanos(STEP, now + Pace.LOOK_NANOS - 1));
        assertEquals(2 * STEP, look());
    }

    @Test
    void rl7WhatJobsThatHardlyWorkDoNotChangeIsTheNewMeasure() {
        begin();
        for (int i = 0; i < 6 + Pace.MAX_VAIN_LOOKS; i++) {
            clients(1000, 4000 * MICROS);
            look();
        }
        assertEquals(Pace.MAX_FACTOR, pace.factor());
        for (int i = 0; i < 20; i++) {
            clients(1000, 4000 * MICROS);
            look();
        }
        assertEquals(1, pace.factor(), "another program is to blame");
    }

    @Test
    void whatClientsHaveBetweenJobsIsWhatTheyAreUsedTo() {
        begin();
        pace.working(false, now);
        clients(1000, 4000 * MICROS);
        pace.working(true, now);
        clients(1000, 4500 * MICROS);
        assertEquals(STEP, look());
        clients(1000, 30_000 * MICROS);
        assertTrue(look() > STEP);
    }

    @Test
    void theP99IsWithinItsBucket() {
        long[] counts = new long[DurationHistogram.buckets()];
        assertEquals(0, Pace.p99(counts));
        counts[0] = 99;
        counts[2] = 1;
        assertEquals(100 * MICROS, Pace.p99(counts));
        counts[2] = 100;
        assertTrue(Pace.p99(counts) > 480 * MICROS && Pace.p99(counts) <= 500 * MICROS);
        counts[DurationHistogram.buckets() - 1] = 1000;
        assertEquals(30_000_000 * MICROS, Pace.p99(counts), "no more can be told");
    }
}
