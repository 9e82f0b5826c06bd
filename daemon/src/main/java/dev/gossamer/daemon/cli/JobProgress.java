package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gossamer.daemon.admin.FailureKind;
import java.io.Console;
import java.io.PrintWriter;

/** Follows a job until it is over, and shows on a terminal how far it is. */
final class JobProgress {
    private static final long POLL_MILLIS = 200;

    private final PoolOption pool;
    private final PrintWriter terminal;
    private final boolean shown;

    /** @param shown whether somebody looks at the terminal */
    JobProgress(PoolOption pool, PrintWriter terminal, boolean shown) {
        this.pool = pool;
        this.terminal = terminal;
        this.shown = shown;
    }

    /** Returns the job as it is in the end, which is well. */
    JsonNode follow(JsonNode started) throws CommandFailed {
        JsonNode now = started;
        String id = started.path("id").asText();
        while (!isOver(now)) {
            show(share(now) + timeLeft(now));
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CommandFailed(
                        FailureKind.FAILED, "interrupted; job " + id + " goes on, 'gossamer job show " + id + "'", e);
            }
            now = pool.parse(pool.ask("GET", "/v1/jobs/" + id, null));
        }
        show("");
        String state = now.path("state").asText();
        if (!state.equals("done")) {
            throw new CommandFailed(
                    FailureKind.FAILED,
                    "job " + id + " " + state + ": " + now.path("message").asText());
        }
        return now;
    }

    @SuppressWarnings("SystemConsoleNull") // It does in a runtime without the module that edits lines, as ours.
    static boolean isTerminal() {
        Console console = System.console();
        return console != null && console.isTerminal();
    }

    private static boolean isOver(JsonNode job) {
        return switch (job.path("state").asText()) {
            case "running", "paused" -> false;
            default -> true;
        };
    }

    /** How far a job is. */
    static String share(JsonNode job) {
        long total = job.path("totalBytes").asLong();
        long done = job.path("doneBytes").asLong();
        return total == 0 ? "-" : 100 * done / total + "%, " + ByteSize.format(done) + " of " + ByteSize.format(total);
    }

    /** How long it takes yet; empty while that cannot be told. */
    static String timeLeft(JsonNode job) {
        long seconds = job.path("remainingSeconds").asLong();
        if (seconds <= 0) {
            return "";
        }
        return ", " + (seconds < 60 ? seconds + " s" : seconds / 60 + " min " + seconds % 60 + " s") + " left";
    }

    private void show(String text) {
        if (shown) {
            // To the end of the line: the text before may have been longer.
            terminal.print("\r" + text + "\u001b[K");
            terminal.flush();
        }
    }
}
