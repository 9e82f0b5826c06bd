package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.remote.RemoteLog.Kind;
import dev.gossamer.io.sim.RecordingLogger;
import dev.gossamer.io.sim.SimLoops;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A server that comes and goes as often as it can fills nobody's disk with lines about it. */
class RemoteLogTest {
    private static final int FLOOD = 10_000;
    private static final long SECOND = 1_000_000_000;

    private final SimLoops loops = new SimLoops(1, 1, 4096);
    private final RecordingLogger lines = new RecordingLogger();
    private final RemoteLog log = new RemoteLog("nbd://server/x", loops.loop(0), lines);

    @AfterEach
    void close() {
        loops.close();
    }

    @ParameterizedTest
    @EnumSource
    void aFloodOfAnyKindIsBoundedHidesNoOtherAndIsToldOf(Kind flooding) {
        for (int i = 0; i < FLOOD; i++) {
            log.line(flooding, i);
        }
        int written = lines.lines().size();
        assertTrue(written >= 1 && written <= 50, lines.lines()::toString);
        for (Kind other : Kind.values()) {
            if (other != flooding) {
                log.line(other, "quiet");
                assertTrue(lines.lines().getLast().endsWith(": quiet"), lines.lines()::toString);
            }
        }
        loops.runUntilIdle();
        loops.advance(10 * SECOND);
        String told = lines.lines().getLast();
        assertTrue(told.contains("lines left out kind=\"nbd://server/x: "), told);
        assertTrue(told.endsWith(" leftOut=" + (FLOOD - written)), told);
        assertEquals(written + Kind.values().length, lines.lines().size());
    }

    @Test
    void whatAServerSaysIsOneLineOfABoundedLength() {
        log.line(Kind.FAILED, "no: \r\n2026 INFO forged\u2028\u0000\u001b[31m\u009b1m" + "f00d".repeat(20_000));
        new RemoteLog("nbd://server/a\nb" + "c".repeat(5000), loops.loop(0), lines).line(Kind.LOST, "{} gone");
        List<String> written = lines.lines();
        assertTrue(written.getLast().endsWith(": connection lost: {} gone"), written.getLast());
        for (String line : written) {
            assertTrue(line.length() < 1200, line);
            assertTrue(line.chars().allMatch(c -> c >= ' ' && c != 0x2028 && (c < 0x7f || c > 0x9f)), line);
        }
    }
}
