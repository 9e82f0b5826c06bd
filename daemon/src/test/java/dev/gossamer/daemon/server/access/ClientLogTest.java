package dev.gossamer.daemon.server.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.ClientLog.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ClientLogTest {
    private static final int FLOOD = 10_000;
    private static final PeerName PEER = new PeerName("192.0.2.1:4711", "unknown");

    private final List<String> lines = new ArrayList<>();
    private final AtomicLong nanos = new AtomicLong();
    private final ClientLog log = RecordedLog.into(lines, nanos);

    private void pass(int seconds) {
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
    }

    private static long number(String line) {
        return Long.parseLong(line.substring(line.lastIndexOf("leftOut=") + "leftOut=".length()));
    }

    @ParameterizedTest
    @EnumSource
    void aFloodOfAnyKindIsBoundedAndHidesNoOther(Kind flooding) {
        for (int i = 0; i < FLOOD; i++) {
            log.line(flooding, " number={}", i);
        }
        int written = lines.size();
        assertTrue(written >= 1 && written <= 50, lines::toString);
        for (Kind other : Kind.values()) {
            if (other != flooding) {
                log.line(other, " quiet");
                assertTrue(lines.getLast().endsWith(" quiet"), lines::getLast);
            }
        }
        assertEquals(written + Kind.values().length - 1, lines.size());
    }

    @ParameterizedTest
    @EnumSource
    void theNextLineTellsHowManyWereLeftOut(Kind kind) {
        for (int i = 0; i < FLOOD; i++) {
            log.line(kind, " number={}", i);
        }
        int written = lines.size();
        pass(1);
        log.line(kind, " later");
        assertTrue(lines.getLast().endsWith(" later leftOut=" + (FLOOD - written)), lines::getLast);
        pass(1);
        log.line(kind, " later still");
        assertTrue(lines.getLast().endsWith(" later still"), lines::getLast);
    }

    @ParameterizedTest
    @EnumSource
    void afterAFloodItIsToldWithoutANextLineAndOnce(Kind kind) {
        for (int i = 0; i < FLOOD; i++) {
            log.line(kind, " number={}", i);
        }
        int written = lines.size();
        log.tellLeftOut();
        assertEquals(written, lines.size(), "while it goes on, its own lines tell");
        pass(2);
        log.tellLeftOut();
        assertEquals(FLOOD - written, number(lines.getLast()));
        assertTrue(lines.getLast().contains(" lines left out kind=\""), lines::getLast);
        pass(2);
        log.tellLeftOut();
        log.close();
        assertEquals(written + 1, lines.size(), lines::toString);
    }

    @Test
    void theEndTellsOfAllKinds() {
        for (Kind kind : Kind.values()) {
            for (int i = 0; i < FLOOD; i++) {
                log.line(kind, " number={}", i);
            }
        }
        int written = lines.size();
        log.close();
        List<String> told = lines.subList(written, lines.size());
        assertEquals(Kind.values().length, told.size());
        assertEquals(
                (long) FLOOD * Kind.values().length,
                written + told.stream().mapToLong(ClientLogTest::number).sum(),
                "every line was written or is counted");
    }

    @Test
    void whatPeersChooseIsOneLineOfABoundedLength() {
        log.refused(Kind.TLS, PEER, "not TLS: \r\n2026 INFO forged\u2028\u0000\u001b[31m" + "f00d".repeat(20_000));
        log.refusedExport("a\nb {} c", PEER, "{}");
        for (String line : lines) {
            assertTrue(line.length() < 700, line);
            assertTrue(line.chars().allMatch(c -> c >= ' ' && c != 0x2028), line);
        }
        assertEquals("INFO refused export=a?b {} c peer=192.0.2.1:4711 identity=unknown why={}", lines.get(1));
    }
}
