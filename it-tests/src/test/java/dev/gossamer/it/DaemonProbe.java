package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gossamer.daemon.admin.AdminClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a running daemon holds, seen from outside: file descriptors, its log, and the metrics that it publishes. */
final class DaemonProbe {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** What has ended is cleared away by event loops, one after the other; on a busy machine that takes its time. */
    private static final long SETTLE_MILLIS = 30_000;

    private final Daemon daemon;

    DaemonProbe(Daemon daemon) {
        this.daemon = daemon;
    }

    /** Open file descriptors, without those of this question. */
    long descriptors() throws IOException {
        try (Stream<Path> open = Files.list(Path.of("/proc", Long.toString(daemon.pid()), "fd"))) {
            return open.count();
        }
    }

    /** Threads of the process. */
    long threads() throws IOException {
        try (Stream<Path> tasks = Files.list(Path.of("/proc", Long.toString(daemon.pid()), "task"))) {
            return tasks.count();
        }
    }

    /** What {@code status} shows, as the API has it. */
    JsonNode status() throws IOException {
        return JSON.readTree(new AdminClient(daemon.directory().resolve("admin.sock"))
                .send("GET", "/v1/status", "")
                .body());
    }

    /** Asks for a change, which has to be accepted. */
    void post(String path, String body) throws IOException {
        AdminClient.Answer answer = new AdminClient(daemon.directory().resolve("admin.sock")).send("POST", path, body);
        assertTrue(answer.status() < 300, answer::toString);
    }

    /** The sum of all samples of this metric whose labels contain {@code label}. */
    double metric(String name, String label) throws IOException {
        String text = new AdminClient(daemon.directory().resolve("admin.sock"))
                .send("GET", "/metrics", "")
                .body();
        assertTrue(text.contains("# TYPE " + name + " "), () -> "no metric " + name + " in:\n" + text);
        return text.lines()
                .filter(line -> line.startsWith(name + "{") || line.startsWith(name + " "))
                .filter(line -> line.contains(label))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    double metric(String name) throws IOException {
        return metric(name, "");
    }

    /** Returns the number of open descriptors once no connection is left. */
    long awaitIdle() throws IOException, InterruptedException {
        long end = System.nanoTime() + SETTLE_MILLIS * 1_000_000;
        while (System.nanoTime() - end < 0 && !isIdle()) {
            Thread.sleep(20);
        }
        return descriptors();
    }

    /** No connection, no request and no transfer memory is left, and as many descriptors are open as there were. */
    void awaitNothingHeld(long descriptorsBefore) throws IOException, InterruptedException {
        long end = System.nanoTime() + SETTLE_MILLIS * 1_000_000;
        while (System.nanoTime() - end < 0 && !(isIdle() && descriptors() == descriptorsBefore)) {
            Thread.sleep(20);
        }
        assertEquals(0, metric("gossamer_nbd_connections"), "connections in transmission");
        assertEquals(0, metric("gossamer_loop_requests"), "block requests in use");
        assertEquals(0, metric("gossamer_loop_buffer_used_bytes"), "transfer memory in use");
        assertEquals(descriptorsBefore, descriptors(), "open descriptors");
    }

    private boolean isIdle() throws IOException {
        return metric("gossamer_nbd_connections") == 0 && metric("gossamer_loop_buffer_used_bytes") == 0;
    }

    /**
     * Peers that misbehave are nothing to be excited about (H14): no warning, no stack trace. What a busy machine lets
     * take long is not theirs.
     */
    void assertQuietLog() {
        String log = daemon.logText()
                .lines()
                .filter(line -> !line.contains("slow request"))
                .collect(Collectors.joining("\n"));
        assertFalse(log.contains("Exception") || log.contains("WARN") || log.contains("ERROR"), log);
    }
}
