package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Nobody's name, certificate or message forges a line, or moves what is on a terminal. */
class StandardErrorTest {
    private static final String FORGED =
            "x\r\n2026 [main] INFO Daemon - forged\u001b[2J\u009b1m\u2028\u202e\u0085\u0000";

    private final ByteArrayOutputStream written = new ByteArrayOutputStream();
    private final StandardError log = new StandardError(written, StandardCharsets.UTF_8);

    private List<String> lines() {
        String text = written.toString(StandardCharsets.UTF_8);
        assertTrue(
                text.codePoints()
                        .allMatch(c -> c == '\n' || c == '\t' || (c >= ' ' && c < 0x7f) || Character.isLetter(c)),
                text);
        return text.lines().toList();
    }

    @Test
    void aLineIsOneLine() {
        log.println("origin=o device=" + FORGED);
        log.println("origin=\u00e9 device=/srv/\u5377");
        assertEquals(
                List.of(
                        "origin=o device=x??2026 [main] INFO Daemon - forged?[2J?1m????",
                        "origin=\u00e9 device=/srv/\u5377"),
                lines());
    }

    @Test
    void soIsEachOfAStackTrace() {
        new IllegalStateException(FORGED, new IllegalArgumentException(FORGED)).printStackTrace(log);
        List<String> lines = lines();
        assertTrue(lines.getFirst().startsWith("java.lang.IllegalStateException: x??2026"), lines::toString);
        assertTrue(lines.get(1).startsWith("\tat "), lines::toString);
        assertTrue(
                lines.stream().allMatch(line -> line.matches("(Caused by: )?java.*|\t(at|\\.\\.\\.) .*")),
                lines::toString);
    }

    @Test
    void aCellIsInOneRow() {
        TextTable table = new TextTable("NAME", "DEVICE");
        table.row("o", "/srv/" + FORGED);
        String text = table.render();
        assertEquals(2, text.lines().count(), text);
        assertFalse(text.contains("\u001b"), text);
    }
}
