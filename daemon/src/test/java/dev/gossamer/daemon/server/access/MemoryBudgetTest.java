package dev.gossamer.daemon.server.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.MemoryBudget.Cost;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import org.junit.jupiter.api.Test;

/** What fits into the direct memory of the process, and what is refused before it is used. */
class MemoryBudgetTest {
    private static final long MIB = 1 << 20;
    private static final long MANY = 1 << 20;
    private static final long HEAP = 1L << 40;

    private static ServerLimits limits(int connections, int handshakes) {
        return new ServerLimits(connections, 1000, handshakes, 64, 10);
    }

    private static long worst(ServerLimits limits) {
        return limits.handshakes() * MemoryBudget.HANDSHAKE_BYTES
                + (limits.connections() - limits.handshakes()) * MemoryBudget.CONNECTION_BYTES;
    }

    private static ServerLimits fit(MemoryBudget budget) throws StorageException {
        MemoryBudget.Fitted fitted = budget.fit(ServerLimits.DEFAULT);
        fitted.use();
        return fitted.limits();
    }

    /** TLS costs a copy of what is on its way; so fewer fit, and the distribution's limit holds the default. */
    @Test
    void clientsThatMayEncryptAreCountedWithWhatThatTakes() throws StorageException {
        ServerLimits plain = fit(new MemoryBudget(512 * MIB, HEAP, MANY, 1, Cost.of(true, false)));
        ServerLimits encrypted = fit(new MemoryBudget(512 * MIB, HEAP, MANY, 1, Cost.of(true, true)));
        assertTrue(encrypted.connections() < plain.connections(), encrypted + " and " + plain);
        long bytes = encrypted.handshakes() * MemoryBudget.TLS_HANDSHAKE_BYTES
                + (encrypted.connections() - encrypted.handshakes()) * MemoryBudget.CHANNEL_BYTES;
        assertTrue(bytes <= 512 * MIB, encrypted.toString());
        assertEquals(
                4000,
                fit(new MemoryBudget(1600 * MIB, HEAP, MANY, 1, Cost.of(true, true)))
                        .connections());
    }

    /** Every connection is a descriptor; without one nobody new is served, and no device can be opened. */
    @Test
    void connectionsFitIntoTheDescriptors() throws StorageException {
        assertEquals(
                500,
                fit(new MemoryBudget(1600 * MIB, HEAP, 1000, 2, Cost.ON_RING)).connections());
        StorageException refused =
                assertThrows(StorageException.class, () -> new MemoryBudget(1600 * MIB, HEAP, 1000, 2, Cost.ON_RING)
                        .fit(limits(501, 100)));
        assertTrue(refused.getMessage().contains("1000 are left for them"), refused.getMessage());
        assertTrue(refused.getMessage().contains("ulimit -n"), refused.getMessage());
    }

    /** Of the heap a quarter is theirs; the distribution's default holds the default at one address. */
    @Test
    void connectionsFitIntoTheHeap() throws StorageException {
        MemoryBudget one = new MemoryBudget(4096 * MIB, 256 * MIB, MANY, 1, Cost.ON_RING);
        assertEquals(4000, fit(one).connections());
        MemoryBudget four = new MemoryBudget(65536 * MIB, 256 * MIB, MANY, 4, Cost.of(true, true));
        ServerLimits fitted = fit(four);
        assertTrue(fitted.connections() * 4L * MemoryBudget.HEAP_BYTES <= 64 * MIB, fitted.toString());
        assertTrue(fitted.connections() > 1300, fitted.toString());
        StorageException refused = assertThrows(StorageException.class, () -> four.fit(limits(2000, 100)));
        assertTrue(refused.getMessage().contains("93 MiB of heap, and 64 MiB are theirs"), refused.getMessage());
        assertTrue(refused.getMessage().contains("-Xmx"), refused.getMessage());
    }

    /** What was fitted and given up leaves the old limits; until then it counts beside them. */
    @Test
    void limitsThatAreGivenUpLeaveTheOldOnes() throws StorageException {
        MemoryBudget budget = new MemoryBudget(1024 * MIB, HEAP, MANY, 1, Cost.ON_RING);
        budget.fit(limits(100, 16)).use();
        MemoryBudget.Fitted larger = budget.fit(limits(5000, 16));
        assertThrows(StorageException.class, () -> budget.take("nbd://a/data", 512 * MIB, 1));
        larger.giveUp();
        budget.take("nbd://a/data", 512 * MIB, 1);
    }

    @Test
    void defaultsAreLoweredToWhatFits() throws StorageException {
        for (long mib : new long[] {64, 128, 256, 512, 768, 1024, 4096}) {
            for (int listeners : new int[] {1, 2, 5}) {
                MemoryBudget budget = new MemoryBudget(mib * MIB, HEAP, MANY, listeners, Cost.ON_RING);
                if (mib < 100 && listeners == 5) {
                    assertThrows(StorageException.class, () -> budget.fit(ServerLimits.DEFAULT));
                    continue;
                }
                ServerLimits fitted = fit(budget);
                assertTrue(worst(fitted) * listeners <= mib * MIB, mib + " MiB: " + fitted);
                assertTrue(fitted.connections() <= 4000 && fitted.handshakes() <= 1000, fitted.toString());
            }
        }
    }

    @Test
    void theDistributionsLimitHoldsTheDefaultNumberOfConnections() throws StorageException {
        assertEquals(
                4000,
                fit(new MemoryBudget(1600 * MIB, HEAP, MANY, 1, Cost.ON_RING)).connections());
        assertEquals(ServerLimits.DEFAULT, fit(new MemoryBudget(4096 * MIB, HEAP, MANY, 2, Cost.ON_RING)));
    }

    @Test
    void whatWasAskedForAndDoesNotFitIsRefusedInOneLine() throws StorageException {
        MemoryBudget budget = new MemoryBudget(256 * MIB, HEAP, MANY, 2, Cost.ON_RING);
        StorageException refused = assertThrows(StorageException.class, () -> budget.fit(limits(3000, 100)));
        assertEquals(Errno.EINVAL, refused.errno());
        assertEquals(1, refused.getMessage().lines().count());
        assertTrue(refused.getMessage().contains("lower 'connections'"), refused.getMessage());
        assertTrue(refused.getMessage().contains("-XX:MaxDirectMemorySize"), refused.getMessage());
        assertEquals(limits(500, 50), budget.fit(limits(500, 50)).limits());
    }

    @Test
    void remoteDevicesCountUntilTheyAreClosed() throws StorageException {
        MemoryBudget budget = new MemoryBudget(256 * MIB, HEAP, MANY, 1, Cost.ON_RING);
        boolean[] closed = {false};
        RemoteShare first = budget.take("nbd://a/data", 12 * MIB, 8);
        assertEquals(8, first.connections());
        first.opened(8, () -> closed[0]);
        ServerLimits beside = fit(budget);
        assertTrue(worst(beside) <= (256 - 96) * MIB, beside.toString());
        StorageException refused = assertThrows(StorageException.class, () -> budget.take("nbd://b/more", 96 * MIB, 1));
        assertTrue(refused.getMessage().startsWith("nbd://b/more can take 96 MiB"), refused.getMessage());
        assertEquals(1, refused.getMessage().lines().count());
        closed[0] = true;
        budget.take("nbd://b/more", 60 * MIB, 1);
    }

    /** Clients have taken what they may before, and each device leaves something for the next one. */
    @Test
    void remoteDevicesThatAreOpenedLaterGetFewerConnectionsAndNotAnError() throws StorageException {
        MemoryBudget budget = new MemoryBudget(768 * MIB, HEAP, MANY, 1, Cost.ON_RING);
        budget.take("nbd://a/data", 12 * MIB, 8);
        budget.take("nbd://a/metadata", 12 * MIB, 8);
        fit(budget);
        for (int i = 0; i < 4; i++) {
            int connections = budget.take("nbd://a/origin" + i, 12 * MIB, 8).connections();
            assertTrue(connections >= 1 && connections < 8, connections + " connections");
        }
    }

    @Test
    void whatADeviceDoesNotUseIsFree() throws StorageException {
        MemoryBudget budget = new MemoryBudget(160 * MIB, HEAP, MANY, 1, Cost.ON_RING);
        RemoteShare share = budget.take("nbd://a/data", 12 * MIB, 8);
        assertEquals(5, share.connections());
        share.opened(1, () -> false);
        assertEquals(4, budget.take("nbd://b/data", 12 * MIB, 8).connections());
        RemoteShare failed = budget.take("nbd://c/data", 12 * MIB, 8);
        failed.giveBack();
        assertEquals(2, budget.take("nbd://d/data", 12 * MIB, 8).connections());
    }

    /** They stay when limits are lowered, with all that they may take. */
    @Test
    void whoIsThereCountsUntilHeLeavesWhateverTheLimitsHaveBecome() throws StorageException {
        int[] there = {900};
        MemoryBudget budget = new MemoryBudget(256 * MIB, HEAP, MANY, 1, Cost.ON_RING);
        budget.watch(new MemoryBudget.Clients() {
            @Override
            public int connections() {
                return there[0];
            }

            @Override
            public int handshakes() {
                return there[0] / 10;
            }
        });
        budget.fit(limits(1000, 100)).use();
        budget.fit(limits(16, 16)).use();
        StorageException refused =
                assertThrows(StorageException.class, () -> budget.take("nbd://a/data", 120 * MIB, 1));
        assertEquals(Errno.ENOMEM, refused.errno());
        there[0] = 16;
        budget.take("nbd://a/data", 120 * MIB, 1);
    }
}
