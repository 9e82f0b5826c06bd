package dev.gossamer.daemon.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** {@code gossamer events} on a daemon in this process. */
@Timeout(60)
class EventsCommandTest extends CommandsFixture {
    @Test
    void whatHasBeenChangedIsAnEventWithWhoDidIt() throws Exception {
        assertEquals(0, run("events --past"), err);
        assertEquals("", out);
        assertEquals(0, run("volume create web --size 1M"), err);
        assertEquals(5, run("volume create web --size 1M"), "which changes nothing");
        assertEquals(0, run("events --past"), err);
        assertEquals(1, out.lines().count(), out);
        assertTrue(out.contains("  change  uid:"), out);
        assertTrue(out.contains(" POST /v1/volumes {\"name\":\"web\""), out);
        assertEquals(0, run("events --past --json"), err);
        assertEquals(1, new JsonMapper().readTree(out).path("number").asInt(), out);
    }

    @Test
    void eventsComeAsTheyHappenAndEndWithTheDaemon() throws Exception {
        StringWriter told = new StringWriter();
        StringWriter wrong = new StringWriter();
        String[] line = {"events", "-p", pool.toString()};
        CompletableFuture<Integer> reader = CompletableFuture.supplyAsync(() -> GossamerCommand.commandLine(line)
                .setOut(new PrintWriter(told, true))
                .setErr(new PrintWriter(wrong, true))
                .execute(line));
        assertEquals(0, run("volume create web --size 1M"), err);
        while (!told.toString().contains("POST /v1/volumes") && !reader.isDone()) {
            Thread.sleep(20);
        }
        stop();
        assertEquals(9, reader.get(30, TimeUnit.SECONDS), wrong::toString);
        assertTrue(wrong.toString().startsWith("gossamer: the daemon is stopping"), wrong::toString);
    }

    @Test
    void withoutADaemonThereAreNone() throws Exception {
        stop();
        assertEquals(9, run("events"));
        assertTrue(err.contains("no daemon is serving"), err);
    }
}
