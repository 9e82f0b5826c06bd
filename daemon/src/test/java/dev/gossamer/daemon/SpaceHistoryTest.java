package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.admin.SpaceTrend;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class SpaceHistoryTest {
    private static final long MINUTE = 60_000_000_000L;

    private final SpaceHistory history = new SpaceHistory(CompletableFuture::new);

    @Test
    void aSteadyGrowthIsToldWithItsEnd() {
        for (int i = 0; i < 10; i++) {
            history.add(i * MINUTE, i * 1000L, 100_000 - i * 1000L);
        }
        SpaceTrend trend = history.trend();
        assertTrue(trend.known());
        assertEquals(60_000, trend.bytesPerHour());
        assertEquals(91 * 60, trend.fullInSeconds());
    }

    @Test
    void oneBurstDoesNotDecide() {
        for (int i = 0; i < 60; i++) {
            history.add(i * MINUTE, i * 1000L + (i == 30 ? 50_000 : 0), 1 << 20);
        }
        assertEquals(60_000.0, (double) history.trend().bytesPerHour(), 2000.0);
    }

    @Test
    void whatWasLongAgoIsForgotten() {
        for (int i = 0; i < 200; i++) {
            history.add(i * MINUTE, i < 100 ? i * 1000L : 100_000, 1 << 20);
        }
        assertEquals(0, history.trend().bytesPerHour());
        assertEquals(-1, history.trend().fullInSeconds());
    }

    @Test
    void tooFewLooksAndShrinkingSayNothingOfAnEnd() {
        history.add(0, 1000, 10);
        history.add(MINUTE, 2000, 10);
        assertFalse(history.trend().known());
        for (int i = 2; i < 10; i++) {
            history.add(i * MINUTE, 10_000 - i * 1000L, 10);
        }
        assertEquals(-1, history.trend().fullInSeconds());
    }
}
