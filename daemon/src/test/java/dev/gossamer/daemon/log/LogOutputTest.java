package dev.gossamer.daemon.log;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** The forms of a log line (OP-35). */
class LogOutputTest {
    private static final Instant AT = Instant.parse("2026-11-30T15:00:00.123456Z");

    @TempDir
    private Path scratch;

    private static LogLine line(Level level, Throwable cause, String pattern, Object... arguments) {
        return new LogLine(AT, level, "NbdServer", "main", pattern, arguments, cause);
    }

    private static String written(boolean journal, LogForm form, LogLine line) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        LogOutput output = new LogOutput(journal);
        output.setForm(form);
        output.write(line, new PrintStream(bytes, true, UTF_8));
        return bytes.toString(UTF_8);
    }

    private static JsonNode json(LogLine line) throws IOException {
        String text = written(false, LogForm.JSON, line);
        assertEquals(1, text.lines().count(), text);
        return new JsonMapper().readTree(text);
    }

    @Test
    void valuesAreMembersByTheirNames() throws IOException {
        JsonNode node = json(line(
                Level.WARN, null, "slow request export={} millis={} open={} name=\"{}\"", "web", 1500L, true, "a b"));
        assertEquals("slow-request", node.path("event").asText());
        assertEquals("warn", node.path("level").asText());
        assertEquals("2026-11-30T15:00:00.123456Z", node.path("ts").asText());
        assertEquals("NbdServer", node.path("logger").asText());
        assertEquals("web", node.path("export").asText());
        assertTrue(node.path("millis").isIntegralNumber());
        assertEquals(1500, node.path("millis").asLong());
        assertTrue(node.path("open").isBoolean());
        assertEquals("a b", node.path("name").asText());
        assertEquals(
                "slow request export=web millis=1500 open=true name=\"a b\"",
                node.path("msg").asText());
    }

    /** Whoever chooses a name chooses no field, and no line. */
    @Test
    void whatAClientSaysMakesNoField() throws IOException {
        JsonNode node = json(line(Level.INFO, null, "refused export={} why={}", "x level=error\n{\"ts\":1}", null));
        assertEquals("info", node.path("level").asText());
        assertEquals("x level=error\n{\"ts\":1}", node.path("export").asText());
        assertTrue(node.path("why").isNull());
        assertEquals("refused", node.path("event").asText());
    }

    @Test
    void ourOwnMembersCannotBeTaken() throws IOException {
        JsonNode node = json(line(Level.INFO, null, "odd level={} msg={} level={}", "x", "y", "z"));
        assertEquals("info", node.path("level").asText());
        assertEquals("x", node.path("level_").asText());
        assertEquals("y", node.path("msg_").asText());
    }

    @Test
    void aLineWithoutNamesIsItsWords() throws IOException {
        JsonNode node = json(line(Level.INFO, null, "{} of {} at=", 1, 2));
        assertFalse(node.has("event"));
        assertEquals("1 of 2 at=", node.path("msg").asText());
        assertEquals("done", json(line(Level.INFO, null, "done")).path("msg").asText());
    }

    @Test
    void aTraceIsOneMemberAndManyLinesOfText() throws IOException {
        LogLine line = line(Level.ERROR, new IllegalStateException("broken"), "connection failed peer={}", "uid:1");
        assertTrue(json(line).path("error").asText().startsWith("java.lang.IllegalStateException: broken\n\tat "));
        String text = written(false, LogForm.TEXT, line);
        assertTrue(text.contains("[main] ERROR NbdServer - connection failed peer=uid:1\njava.lang."), text);
        String journal = written(true, LogForm.TEXT, line);
        assertTrue(journal.lines().allMatch(each -> each.startsWith("<3>")), journal);
    }

    @Test
    void aJournalIsToldTheLevelAndNotTheTime() {
        LogLine line = line(Level.WARN, null, "low");
        assertEquals("<4>[main] WARN NbdServer - low\n", written(true, LogForm.TEXT, line));
        assertTrue(written(true, LogForm.JSON, line).startsWith("<4>{\"ts\""));
        assertTrue(
                written(false, LogForm.TEXT, line).matches("2026-11-30T\\d\\d:00:00\\.123\\S+ \\[main\\] WARN .*\n"));
    }

    @Test
    void aJournalIsWhereItsVariablePoints() throws IOException {
        Path file = Files.createFile(scratch.resolve("log"));
        String own = Files.getAttribute(file, "unix:dev") + ":" + Files.getAttribute(file, "unix:ino");
        assertTrue(LogOutput.isJournal(own, file));
        assertFalse(LogOutput.isJournal("8:1", file));
        assertFalse(LogOutput.isJournal(null, file));
        assertFalse(LogOutput.isJournal(own, scratch.resolve("none")));
    }

    @Test
    void librariesAreQuietAndWeAreFound() {
        assertTrue(LoggerFactory.getLogger(LogOutputTest.class) instanceof LineLogger);
        assertTrue(LoggerFactory.getLogger("dev.gossamer.x.Y").isInfoEnabled());
        assertFalse(LoggerFactory.getLogger("dev.gossamer.x.Y").isDebugEnabled());
        assertFalse(LoggerFactory.getLogger("io.netty.util.Z").isInfoEnabled());
        assertTrue(LoggerFactory.getLogger("io.netty.util.Z").isWarnEnabled());
        assertFalse(new LineLogger("x", LineLogger.threshold("off"), new LogOutput(false)).isErrorEnabled());
    }
}
