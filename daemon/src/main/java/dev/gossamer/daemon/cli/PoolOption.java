package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.admin.FailureKind;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.io.Reason;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import picocli.CommandLine.Option;

/** {@code -p DIR}: which pool a command is about, and the way to the daemon that serves it. */
final class PoolOption {
    /** What picocli makes the default directory of. */
    static final String DEFAULT = "${env:GOSSAMER_POOL:-gossamer-pool}";

    private static final int NOT_FOUND = 404;

    @Option(
            names = {"-p", "--pool"},
            paramLabel = "DIR",
            defaultValue = DEFAULT,
            description = "Pool directory; default $GOSSAMER_POOL, else ./gossamer-pool.")
    private Path directory;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "How long to wait for the daemon's answer; 0 is for ever; default ${DEFAULT-VALUE}.")
    private int timeoutSeconds;

    private final JsonMapper json = new JsonMapper();

    /** Asks the daemon; its refusal becomes the command's failure. The text is what it answered. */
    String ask(String method, String path, JsonNode body) throws CommandFailed {
        return textOf(send(method, path, body));
    }

    /** Reads what may be gone: null if it is. */
    JsonNode askIfThere(String path) throws CommandFailed {
        AdminClient.Answer answer = send("GET", path, null);
        return answer.status() == NOT_FOUND ? null : parse(textOf(answer));
    }

    private AdminClient.Answer send(String method, String path, JsonNode body) throws CommandFailed {
        PoolDirectory pool = new PoolDirectory(directory);
        try {
            return new AdminClient(pool.adminSocket(), Duration.ofSeconds(Math.max(0, timeoutSeconds)))
                    .send(method, path, body == null ? "" : body.toString());
        } catch (IOException e) {
            throw unreachable(pool, e);
        }
    }

    /** Reads a stream of the daemon's until it ends, or the reader has enough. */
    void follow(String path, AdminClient.Lines lines) throws CommandFailed {
        PoolDirectory pool = new PoolDirectory(directory);
        AdminClient.Answer refusal;
        try {
            refusal = new AdminClient(pool.adminSocket(), Duration.ofSeconds(Math.max(0, timeoutSeconds)))
                    .follow(path, lines);
        } catch (IOException e) {
            throw unreachable(pool, e);
        }
        if (refusal != null) {
            textOf(refusal);
        }
    }

    private String textOf(AdminClient.Answer answer) throws CommandFailed {
        if (answer.isSuccess()) {
            return answer.body();
        }
        JsonNode refusal = parse(answer.body());
        String error = refusal.path("error").asText();
        throw new CommandFailed(
                FailureKind.ofWord(refusal.path("kind").asText()),
                error.isEmpty() ? "the daemon answered HTTP status " + answer.status() : error);
    }

    /** Where the daemon answers. */
    Path adminSocket() {
        return new PoolDirectory(directory).adminSocket();
    }

    /** An export of the pool, as NBD clients write it; its form is that of {@code NbdUri}. */
    String exportUri(String export) {
        return "nbd+unix:///" + segment(export) + "?socket="
                + segment(new PoolDirectory(directory).nbdSocket().toString()).replace("%2F", "/");
    }

    /** The tree of an answer. */
    JsonNode parse(String answer) throws CommandFailed {
        try {
            return json.readTree(answer);
        } catch (JsonProcessingException e) {
            throw new CommandFailed(FailureKind.FAILED, "the daemon's answer is no JSON; is it of another version?", e);
        }
    }

    /** A name as a segment of a path. */
    static String segment(String name) {
        return URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
    }

    private CommandFailed unreachable(PoolDirectory pool, IOException cause) {
        if (cause instanceof AdminClient.Silent) {
            return new CommandFailed(
                    FailureKind.NO_DAEMON,
                    "the daemon does not answer, after " + timeoutSeconds
                            + " s; it may still do what was asked: look at"
                            + " its log, or wait longer with --timeout SECONDS",
                    cause);
        }
        if (!Files.exists(pool.config())) {
            return new CommandFailed(
                    FailureKind.NOT_THERE,
                    directory + " is no pool; make one with: gossamer pool create " + directory
                            + " (or name the right one with -p DIR)",
                    cause);
        }
        if (cause instanceof java.nio.file.AccessDeniedException || isDenied(cause)) {
            return new CommandFailed(
                    FailureKind.NOT_ALLOWED,
                    "you may not use " + pool.adminSocket() + "; run this as the user or group that serves the pool",
                    cause);
        }
        if (Files.exists(pool.adminSocket()) && !(cause instanceof ConnectException)) {
            return new CommandFailed(FailureKind.NO_DAEMON, "the daemon cannot be asked: " + Reason.of(cause), cause);
        }
        return new CommandFailed(
                FailureKind.NO_DAEMON,
                "no daemon is serving " + directory + "; start it with: gossamer serve " + directory,
                cause);
    }

    private static boolean isDenied(IOException cause) {
        return String.valueOf(cause.getMessage()).contains("Permission denied");
    }
}
