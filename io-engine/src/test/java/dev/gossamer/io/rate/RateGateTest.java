package dev.gossamer.io.rate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.ForwardingLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimLoops;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rates in virtual time: exact, in order, whatever loops do and however late they are. */
class RateGateTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long MILLI = 1_000_000L;

    private final SimLoops loops = new SimLoops(7, 3, 1 << 20);
    private final RateGate gate = new RateGate();

    /** A connection that always has more to do: what it may begin is done at once. */
    private final class Client {
        final RateTurn turn;
        final boolean writes;
        final long bytes;
        final int loop;
        long done;
        long asked;
        boolean hasMemory = true;
        boolean stopped;

        Client(int loop, boolean writes, long bytes) {
            this(loop, loops.loop(loop), writes, bytes);
        }

        Client(int loop, IoLoop its, boolean writes, long bytes) {
            this.loop = loop;
            this.writes = writes;
            this.bytes = bytes;
            turn = new RateTurn(gate, its, this::goOn);
        }

        Client start() {
            loops.enter(loop, this::goOn);
            return this;
        }

        void goOn() {
            asked++;
            while (!stopped && (!turn.isLimited() || turn.mayGo(writes, bytes))) {
                if (!hasMemory) {
                    turn.giveBack();
                    return;
                }
                if (++done > 1_000_000) {
                    throw new AssertionError("nothing limits it");
                }
            }
        }

        void stop() {
            stopped = true;
            loops.enter(loop, turn::leave);
        }
    }

    @AfterEach
    void close() {
        loops.close();
    }

    private static IoRates iops(long rate) {
        return new IoRates(rate, 0, 0, 0, 0, 0, 0);
    }

    private void runFor(long seconds) {
        loops.advance(seconds * SECOND);
    }

    /** A tenth of a second may be saved up, and each client may have one on its way. */
    private static void assertExact(long perSecond, long seconds, long done, long slack) {
        long least = perSecond * seconds;
        assertTrue(
                done >= least * 98 / 100 && done <= least + perSecond / 10 + slack,
                done + " in " + seconds + " s at " + perSecond + " a second");
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 7, 1000, 33_333, 70_000})
    void aRateIsExactForAllLoopsTogetherAndAllHaveTheSame(long rate) {
        gate.set(iops(rate));
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            clients.add(new Client(i % 3, i % 2 == 0, 4096).start());
        }
        long seconds = rate < 10 ? 200 : 5;
        runFor(seconds);
        long done = clients.stream().mapToLong(client -> client.done).sum();
        assertExact(rate, seconds, done, 5);
        for (Client client : clients) {
            // What was saved up at the beginning is whoever's came first.
            assertTrue(
                    client.done >= (done - rate / 10) / 5 - 2 && client.done <= done / 5 + rate / 10 + 2,
                    "one of five had " + client.done + " of " + done);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {512, 4096, 1 << 20, 32 << 20})
    void bytesAreExactWhateverTheirPieces(long bytes) {
        long rate = 50_000_001;
        gate.set(new IoRates(0, 0, 0, rate, 0, 0, 0));
        Client one = new Client(0, false, bytes).start();
        Client other = new Client(1, true, bytes).start();
        long seconds = bytes > rate / 10 ? 100 : 3;
        runFor(seconds);
        assertExact(rate, seconds, (one.done + other.done) * bytes, 2 * bytes);
        assertTrue(Math.abs(one.done - other.done) <= rate / 10 / bytes + 2, one.done + " and " + other.done);
    }

    @Test
    void readsAndWritesHaveRatesOfTheirOwnAndBesideThemOneForBoth() {
        gate.set(new IoRates(1500, 1000, 800, 0, 0, 0, 0));
        Client reader = new Client(0, false, 4096).start();
        Client writer = new Client(1, true, 4096).start();
        runFor(10);
        assertExact(1500, 10, reader.done + writer.done, 2);
        assertTrue(reader.done <= 1000 * 10 + 101, "reads " + reader.done);
        assertTrue(writer.done >= 690 * 10 && writer.done <= 800 * 10 + 81, "writes " + writer.done);
    }

    @Test
    void whatLimitsWritesIsNothingToReads() {
        gate.set(new IoRates(0, 0, 10, 0, 0, 1 << 20, 0));
        new Client(0, true, 1 << 20).start();
        runFor(1);
        Client reader = new Client(0, false, 1 << 20);
        loops.enter(0, () -> {
            for (int i = 0; i < 10_000; i++) {
                assertTrue(reader.turn.mayGo(false, 1 << 20));
            }
        });
    }

    /** Unmapping moves no bytes; it waits for operations alone. */
    @Test
    void whatHasNoBytesDoesNotWaitForThem() {
        gate.set(new IoRates(0, 0, 0, 0, 0, 1 << 20, 0));
        Client trims = new Client(0, true, 0);
        loops.enter(0, () -> {
            assertTrue(
                    trims.turn.mayGo(true, 32 << 20), "one that is larger than the burst goes, and is paid for later");
            assertTrue(trims.turn.mayGo(true, 0));
            assertFalse(trims.turn.mayGo(true, 1));
        });
    }

    @Test
    void aBurstIsWhatWasNotUsedForSoLongAndNoMore() {
        gate.set(new IoRates(100, 0, 0, 0, 0, 0, 3000));
        Client client = new Client(0, false, 4096).start();
        assertEquals(301, client.done);
        runFor(2);
        assertEquals(501, client.done);
        client.stop();
        runFor(1000);
        Client next = new Client(0, false, 4096).start();
        assertEquals(301, next.done);
    }

    /** Each loop stands still for up to 8 ms at a time, as on a machine that is busy with something else. */
    @Test
    void loopsThatAreLateLoseNothingAndNobodyGetsTheShareOfOthers() {
        SplittableRandom random = Seeds.splittable(11);
        gate.set(iops(20_000));
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            clients.add(new Client(i % 2, new LateLoop(loops.loop(i % 2), random), false, 4096).start());
        }
        runFor(5);
        long done = clients.stream().mapToLong(client -> client.done).sum();
        assertExact(20_000, 5, done, 4);
        for (Client client : clients) {
            assertTrue(client.done >= 98_000 / 4 * 0.95, "one of four had " + client.done + " of " + done);
        }
    }

    /** A loop whose timers come late. */
    private static final class LateLoop extends ForwardingLoop {
        private final SplittableRandom random;

        LateLoop(IoLoop loop, SplittableRandom random) {
            super(loop);
            this.random = random;
        }

        @Override
        public void schedule(Runnable task, long delayNanos) {
            super.schedule(task, delayNanos + random.nextLong(8 * MILLI));
        }
    }

    @Test
    void otherRatesHoldAtOnceForThoseInLineAndNoneAfterwards() {
        gate.set(new IoRates(0, 0, 0, 64 << 10, 0, 0, 0));
        Client client = new Client(0, true, 32 << 20).start();
        Client other = new Client(1, false, 32 << 20).start();
        runFor(10);
        assertEquals(1, client.done + other.done);
        assertEquals(2, gate.waits().waiting());
        gate.set(iops(10));
        runFor(1);
        assertTrue(client.done + other.done >= 10, "with the old rate it is one in nine minutes");
        client.stopped = true;
        other.stopped = true;
        gate.set(IoRates.NONE);
        loops.runUntilIdle();
        assertEquals(0, gate.waits().waiting());
        assertFalse(client.turn.isWaiting());
        assertFalse(gate.isLimited());
    }

    @Test
    void theSameRatesAgainFillNothingUp() {
        gate.set(iops(10));
        Client client = new Client(0, false, 4096).start();
        assertEquals(2, client.done);
        for (int i = 0; i < 100; i++) {
            gate.set(iops(10));
        }
        loops.runUntilIdle();
        assertEquals(2, client.done);
    }

    /** What it would have cost is nobody's any more, and who is behind it does not wait for it. */
    @Test
    void whoLeavesTheLineGivesUpHisPlaceAndPaysNothing() {
        gate.set(new IoRates(0, 0, 0, 1 << 20, 0, 0, 0));
        Client first = new Client(0, false, 1 << 20).start();
        assertEquals(1, first.done);
        Client large = new Client(1, true, 1L << 32).start();
        Client last = new Client(2, false, 4096).start();
        assertEquals(3, gate.waits().waiting());
        first.stop();
        large.stop();
        assertEquals(1, gate.waits().waiting());
        runFor(1);
        assertTrue(last.done > 0, "waits for somebody who has gone");
    }

    /** Called, and gone before it comes: the next one is called in its place. */
    @Test
    void whoIsCalledAndDoesNotComeHoldsUpNobody() {
        gate.set(iops(1));
        Client first = new Client(0, false, 4096).start();
        Client second = new Client(1, false, 4096).start();
        loops.enter(2, () -> {});
        while (first.turn.isWaiting()) {
            loops.standStill(SECOND / 2);
            loops.enter(2, () -> new RateTurn(gate, loops.loop(2), () -> {}).mayGo(false, 4096));
        }
        first.stop();
        assertFalse(second.turn.isWaiting(), "has the place of the first");
    }

    @Test
    void whatFindsNoMemoryHasUsedNothing() {
        gate.set(iops(10));
        Client client = new Client(0, false, 4096);
        client.hasMemory = false;
        for (int i = 0; i < 100; i++) {
            client.start();
        }
        assertEquals(0, client.done);
        client.hasMemory = true;
        client.start();
        assertEquals(2, client.done, "a tenth of a second's, and the one that goes with it");
    }

    @Test
    void aLineOfThousandsIsAskedNoMoreThanItIsLetGo() {
        gate.set(iops(1000));
        List<Client> clients = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            clients.add(new Client(i % 3, false, 4096).start());
        }
        runFor(10);
        long asked = clients.stream().mapToLong(client -> client.asked).sum();
        assertTrue(asked <= 2000 + 10_100, "woken " + asked + " times for 10 000 commands");
        assertTrue(clients.stream().allMatch(client -> client.done >= 4), "somebody was passed over");
        assertEquals(2000, gate.waits().waiting());
        assertTrue(gate.waits().commands() >= 9_900 && gate.waits().nanos() > 9_900 * SECOND);
    }

    @Test
    void aLoopWithoutMemoryForATimerIsAskedAgain() {
        gate.set(iops(10));
        loops.expectFaults();
        int[] refusals = {3};
        IoLoop scarce = new ForwardingLoop(loops.loop(0)) {
            @Override
            public void schedule(Runnable task, long delayNanos) {
                if (refusals[0]-- > 0) {
                    throw new OutOfMemoryError("for a timer");
                }
                super.schedule(task, delayNanos);
            }
        };
        Client client = new Client(0, scarce, false, 4096).start();
        runFor(2);
        assertExact(10, 2, client.done, 1);
        assertEquals(3, loops.faults().size());
    }

    @Test
    void ratesThatCannotBeAreRefused() {
        for (IoRates wrong : List.of(
                iops(-1),
                iops(IoRates.MOST_IOPS + 1),
                new IoRates(0, 0, 0, IoRates.LEAST_BANDWIDTH - 1, 0, 0, 0),
                new IoRates(0, 0, 0, 0, IoRates.MOST_BANDWIDTH + 1, 0, 0),
                new IoRates(0, 0, 0, 0, 0, -5, 0),
                new IoRates(0, -3, 0, 0, 0, 0, 0),
                new IoRates(0, 0, Long.MAX_VALUE, 0, 0, 0, 0),
                new IoRates(1, 0, 0, 0, 0, 0, 9),
                new IoRates(1, 0, 0, 0, 0, 0, IoRates.MOST_BURST_MILLIS + 1))) {
            assertThrows(StorageException.class, wrong::check, wrong.toString());
        }
    }
}
