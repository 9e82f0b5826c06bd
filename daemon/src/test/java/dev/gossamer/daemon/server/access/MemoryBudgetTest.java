package dev.gossamer.daemon.server.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import org.junit.jupiter.api.Test;

/** What fits into the direct memory of the process, and what is refused before it is used. */
class MemoryBudgetTest {
    private static final long MIB = 1 << 20;

    private static ServerLimits limits(int connections, int handshakes) {
        return new ServerLimits(connections, 1000, handshakes, 64, 10);
    }

    private static long worst(ServerLimits limits) {
        return limits.handshakes() * MemoryBudget.HANDSHAKE_BYTES
                + (limits.connections() - limits.handshakes()) * MemoryBudget.CONNECTION_BYTES;
    }

    @Test
    void defaultsAreLoweredToWhatFits() throws StorageException {
        for (long mib : new long[] {64, 128, 256, 512, 768, 1024, 4096}) {
            for (int listeners : new int[] {1, 2, 5}) {
                MemoryBudget budget = new MemoryBudget(mib * MIB, listeners);
                if (mib < 100 && listeners == 5) {
                    assertThrows(StorageException.class, () -> budget.fit(ServerLimits.DEFAULT));
                    continue;
                }
                ServerLimits fitted = budget.fit(ServerLimits.DEFAULT);
                assertTrue(worst(fitted) * listeners <= mib * MIB, mib + " MiB: " + fitted);
                assertTrue(fitted.connections() <= 4000 && fitted.handshakes() <= 1000, fitted.toString());
            }
        }
    }

    @Test
    void theDistributionsLimitHoldsTheDefaultNumberOfConnections() throws StorageException {
        assertEquals(
                4000, new MemoryBudget(768 * MIB, 1).fit(ServerLimits.DEFAULT).connections());
        assertEquals(ServerLimits.DEFAULT, new MemoryBudget(4096 * MIB, 2).fit(ServerLimits.DEFAULT));
    }

    @Test
    void whatWasAskedForAndDoesNotFitIsRefusedInOneLine() throws StorageException {
        MemoryBudget budget = new MemoryBudget(256 * MIB, 2);
        StorageException refused = assertThrows(StorageException.class, () -> budget.fit(limits(3000, 100)));
        assertEquals(Errno.EINVAL, refused.errno());
        assertEquals(1, refused.getMessage().lines().count());
        assertTrue(refused.getMessage().contains("lower 'connections'"), refused.getMessage());
        assertTrue(refused.getMessage().contains("-XX:MaxDirectMemorySize"), refused.getMessage());
        assertEquals(limits(500, 50), budget.fit(limits(500, 50)));
    }

    @Test
    void remoteDevicesCountUntilTheyAreClosed() throws StorageException {
        MemoryBudget budget = new MemoryBudget(256 * MIB, 1);
        boolean[] closed = {false};
        budget.take("nbd://a/data", 96 * MIB, () -> closed[0]);
        ServerLimits beside = budget.fit(ServerLimits.DEFAULT);
        assertTrue(worst(beside) <= (256 - 96) * MIB, beside.toString());
        StorageException refused =
                assertThrows(StorageException.class, () -> budget.take("nbd://b/more", 96 * MIB, () -> false));
        assertTrue(refused.getMessage().startsWith("nbd://b/more can take 96 MiB"), refused.getMessage());
        closed[0] = true;
        budget.take("nbd://b/more", 60 * MIB, () -> false);
    }
}
