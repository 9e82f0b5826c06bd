package dev.gossamer.daemon.server.connection;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.sim.SimHarness;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who is woken when memory is given back: those whom it helps. */
class MemoryWaitersTest {
    private static final int CAPACITY = 256 << 20;
    private static final int LARGE = 32 << 20;
    private static final int SMALL = 64 << 10;
    private static final int LIMIT = 64 << 20;

    private static final class Sim extends SimHarness {
        Sim() {
            super(1, 1, CAPACITY);
        }
    }

    private final Sim sim = new Sim();
    private final LoopLoad load = new LoopLoad(sim.loops.loop(0));
    private final List<Client> waiting = new ArrayList<>();
    private int tries;

    private final class Client {
        final HeldMemory memory = new HeldMemory(sim.loops.loop(0), load, LIMIT, this::tryIt);
        IoBuffer buffer;

        void tryIt() {
            tries++;
            buffer = memory.tryAcquire(LARGE);
        }
    }

    @AfterEach
    void close() {
        sim.close();
    }

    private void onLoop(Runnable task) {
        sim.loops.enter(0, task);
        sim.loops.runUntilIdle();
    }

    private List<Client> fill() {
        List<Client> all = new ArrayList<>();
        onLoop(() -> {
            for (int i = 0; i < 1000; i++) {
                Client client = new Client();
                client.tryIt();
                (client.buffer == null ? waiting : all).add(client);
            }
        });
        assertTrue(waiting.size() > 990, () -> waiting.size() + " wait");
        tries = 0;
        return all;
    }

    @Test
    void aPageThatHelpsNobodyWakesNobody() {
        fill();
        HeldMemory other = new HeldMemory(sim.loops.loop(0), load, LIMIT, () -> {});
        onLoop(() -> {
            for (int i = 0; i < 100; i++) {
                IoBuffer small = other.tryAcquire(SMALL);
                assertNotNull(small);
                other.giveBack(small);
            }
        });
        assertEquals(0, tries);
    }

    @Test
    void theFirstThatItHelpsIsWokenAndThenTheNext() {
        List<Client> holders = fill();
        onLoop(() -> holders.get(0).memory.giveBack(holders.get(0).buffer));
        assertNotNull(waiting.get(0).buffer);
        assertNull(waiting.get(1).buffer);
        assertEquals(1, tries);
        onLoop(() -> {
            holders.get(1).memory.giveBack(holders.get(1).buffer);
            holders.get(2).memory.giveBack(holders.get(2).buffer);
        });
        assertNotNull(waiting.get(1).buffer);
        assertNotNull(waiting.get(2).buffer);
        assertEquals(3, tries);
    }

    /** What had arrived before it was refused asks again, however often. */
    @Test
    void eachStandsInTheLineOnce() {
        List<Client> holders = fill();
        onLoop(() -> {
            for (int i = 0; i < 3; i++) {
                waiting.get(0).tryIt();
            }
            assertEquals(waiting.size(), load.memoryWaiters().count());
            waiting.get(0).memory.stopWaiting();
            assertEquals(waiting.size() - 1, load.memoryWaiters().count());
        });
        holders.clear();
    }

    /** It got what it waited for by asking once more: it is not pressed any more. */
    @Test
    void whoGetsItByItselfWaitsNoLonger() {
        List<Client> holders = fill();
        onLoop(() -> {
            holders.get(0).memory.giveBack(holders.get(0).buffer);
            waiting.get(5).tryIt();
            assertNotNull(waiting.get(5).buffer);
            assertEquals(waiting.size() - 1, load.memoryWaiters().count());
        });
    }

    /** Its memory is not lost to those behind it. */
    @Test
    void whoDoesNotWantItAnyMoreLeavesItToTheNext() {
        List<Client> holders = fill();
        onLoop(() -> {
            waiting.get(0).memory.stopWaiting();
            holders.get(0).memory.giveBack(holders.get(0).buffer);
        });
        assertNull(waiting.get(0).buffer);
        assertNotNull(waiting.get(1).buffer);
    }
}
