package dev.gossamer.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * One pool directory and the {@code gossamer serve} process that serves it, started from the packaged distribution.
 * Life cycle: make the directory ({@link #create}, {@link #adopt}), {@link #start}, then {@link #stop} or {@link
 * #kill}, any number of times; {@link #close} leaves no process behind, whatever happened.
 */
final class Daemon implements AutoCloseable {
    /** A pool that another daemon seems to have is taken after a quarter of a minute, on a busy machine after two. */
    private static final Duration READY_LIMIT = Duration.ofMinutes(2);

    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);
    private static final Pattern TCP_ADDRESS = Pattern.compile("127\\.0\\.0\\.1:(\\d+)");
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Follows the last line that the daemon printed. */
    private static final String END = "(end of output)";

    private final Path directory;
    private final Path log;
    private final Map<String, String> environment = new HashMap<>();
    private Process process;
    private final StringBuilder output = new StringBuilder();
    private BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private String readyLine;

    private Daemon(Path directory) {
        this.directory = directory;
        this.log = directory.resolveSibling(directory.getFileName() + ".log");
    }

    /** A fresh file-backed pool in {@code scratch/pool}; not started. */
    static Daemon create(Path scratch, String... options) throws IOException, InterruptedException {
        Daemon daemon = new Daemon(scratch.resolve("pool"));
        List<String> command = new ArrayList<>(List.of("pool", "create", daemon.directory.toString()));
        command.addAll(List.of(options));
        gossamer(command.toArray(String[]::new)).expectStatus(0);
        return daemon;
    }

    /** A pool directory for two existing devices in {@code scratch/pool}; not started. */
    static Daemon adopt(Path scratch, Path metadata, Path data) throws IOException, InterruptedException {
        Daemon daemon = new Daemon(scratch.resolve("pool"));
        gossamer(
                        "pool",
                        "adopt",
                        daemon.directory.toString(),
                        "--data",
                        data.toString(),
                        "--metadata",
                        metadata.toString())
                .expectStatus(0);
        return daemon;
    }

    /** A pool directory for a thin pool of LVM's, over an origin, in {@code scratch/pool}; not started. */
    static Daemon adoptLvm(Path scratch, String pool, List<Path> volumes, String origin)
            throws IOException, InterruptedException {
        Daemon daemon = new Daemon(scratch.resolve("pool"));
        List<String> command = new ArrayList<>(
                List.of("pool", "adopt", daemon.directory.toString(), "--lvm", pool, "--origin", origin));
        volumes.forEach(volume -> command.addAll(List.of("--pv", volume.toString())));
        gossamer(command.toArray(String[]::new)).expectStatus(0);
        return daemon;
    }

    /** A pool directory that exists already, or that {@code quickstart} is going to make. */
    static Daemon of(Path directory) {
        return new Daemon(directory);
    }

    /** Runs one command of the distribution's command line; the result may be any exit status. */
    static Tool.Result gossamer(String... arguments) throws IOException, InterruptedException {
        return Tool.run(Tool.LIMIT, command(arguments));
    }

    /** As above, for one that may take longer than others. */
    static Tool.Result gossamer(Duration limit, String... arguments) throws IOException, InterruptedException {
        return Tool.run(limit, command(arguments));
    }

    private static List<String> command(String... arguments) {
        Path launcher =
                Path.of(System.getProperty("gossamer.home"), "bin", "gossamer").normalize();
        assertTrue(
                Files.isExecutable(launcher), () -> "no distribution at " + launcher + "; build it with: mvn verify");
        return Stream.concat(Stream.of(launcher.toString()), Stream.of(arguments))
                .toList();
    }

    /** A variable in the environment of what is started from now on. */
    Daemon with(String variable, String value) {
        environment.put(variable, value);
        return this;
    }

    /** Waits for the daemon to end by itself, and returns its exit code. */
    int awaitEnd() throws InterruptedException {
        assertTrue(process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS), () -> "still there\n" + logText());
        return process.exitValue();
    }

    /** Starts {@code gossamer serve} and returns when it has printed its ready line. */
    Daemon start(String... options) throws IOException, InterruptedException {
        return startCommand(Stream.concat(Stream.of("serve", directory.toString()), Stream.of(options))
                .toArray(String[]::new));
    }

    /** Starts a serving command that is not {@code serve}. */
    Daemon startCommand(String... arguments) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(command(arguments));
        builder.redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().putAll(environment);
        process = builder.start();
        lines = new LinkedBlockingQueue<>();
        readLinesInBackground(process.inputReader(UTF_8), lines);
        do {
            readyLine = lines.poll(READY_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            if (readyLine == null || readyLine.equals(END)) {
                Tool.end(process);
                fail("no ready line from gossamer " + String.join(" ", arguments) + ", exit code " + process.exitValue()
                        + "\n" + logText());
            }
            output.append(readyLine).append('\n');
        } while (!readyLine.startsWith("ready "));
        return this;
    }

    /** To the end, so that the daemon never blocks on its standard output. */
    private static void readLinesInBackground(BufferedReader reader, BlockingQueue<String> lines) {
        Thread.ofVirtual().start(() -> {
            try (reader) {
                reader.lines().forEach(lines::add);
            } catch (IOException | UncheckedIOException e) {
                lines.add(e.toString());
            }
            lines.add(END);
        });
    }

    /** SIGTERM; the daemon has to end by itself, with exit code 0. */
    void stop() throws InterruptedException, IOException {
        process.destroy();
        assertTrue(
                process.waitFor(STOP_LIMIT.toMillis(), TimeUnit.MILLISECONDS),
                () -> "still there after SIGTERM\n" + logText());
        assertEquals(0, process.exitValue(), this::logText);
    }

    /** Waits for the daemon to end by itself; its exit status. */
    int awaitEnd(Duration limit) throws InterruptedException {
        assertTrue(
                process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS), () -> "does not end by itself\n" + logText());
        return process.exitValue();
    }

    /** As {@link #stop}; then {@code thin_check} has to find nothing wrong and {@code thin_dump} has to work. */
    void stopAndCheck() throws InterruptedException, IOException {
        stop();
        thinCheck(metadata());
        Tool.succeed("thin_dump", metadata().toString());
    }

    /** SIGKILL: what a crash of the process looks like. */
    void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        process.onExit().join();
    }

    static void thinCheck(Path metadata) throws IOException, InterruptedException {
        Tool.succeed("thin_check", metadata.toString());
    }

    boolean isRunning() {
        return process != null && process.isAlive();
    }

    /** The process, which is the Java program itself: the launcher replaces itself by it. */
    long pid() {
        return process.pid();
    }

    Path directory() {
        return directory;
    }

    /** The metadata device of a file-backed pool. */
    Path metadata() {
        return directory.resolve("metadata");
    }

    /** The data device of a file-backed pool. */
    Path data() {
        return directory.resolve("data");
    }

    Path socket() {
        return directory.resolve("nbd.sock");
    }

    /** The NBD URI of an export over the Unix socket. */
    String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + socket();
    }

    /** What the daemon has printed on standard output so far, the ready line included; complete when it has ended. */
    String output() {
        for (String line = lines.poll(); line != null; line = lines.poll()) {
            output.append(line).append('\n');
        }
        return output.toString();
    }

    /** The port that {@code --listen tcp:127.0.0.1:0} was given, from the ready line. */
    int tcpPort() {
        Matcher matcher = TCP_ADDRESS.matcher(readyLine);
        assertTrue(matcher.find(), () -> "no TCP address in the ready line: " + readyLine);
        return Integer.parseInt(matcher.group(1));
    }

    /** Makes a volume, however large it is for a test's pool; {@code size} as on the command line: {@code 1G}. */
    void createVolume(String name, String size) throws IOException, InterruptedException {
        gossamer("volume", "create", "-p", directory.toString(), name, "--size", size, "--force")
                .expectStatus(0);
    }

    void createSnapshot(String volume, String name, String... options) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("snapshot", "create", "-p", directory.toString(), volume, name));
        command.addAll(List.of(options));
        gossamer(command.toArray(String[]::new)).expectStatus(0);
    }

    /** {@code volume list --json}. */
    List<JsonNode> volumes() throws IOException, InterruptedException {
        Tool.Result result =
                gossamer("volume", "list", "-p", directory.toString(), "--json").expectStatus(0);
        return StreamSupport.stream(JSON.readTree(result.out()).spliterator(), false)
                .toList();
    }

    /** The device id of a volume. */
    long volumeId(String name) throws IOException, InterruptedException {
        List<JsonNode> found = volumes().stream()
                .filter(volume -> volume.path("name").asText().equals(name))
                .toList();
        assertEquals(1, found.size(), () -> "volumes named " + name);
        return found.getFirst().path("id").asLong(-1);
    }

    /** What the daemon has logged so far. */
    String logText() {
        try (Stream<String> lines = Files.lines(log)) {
            return "log of " + directory + ":\n" + lines.collect(Collectors.joining("\n"));
        } catch (IOException e) {
            return "no log: " + e;
        }
    }

    @Override
    public void close() {
        if (process != null) {
            kill();
        }
    }
}
