package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gossamer.daemon.admin.FailureKind;
import java.io.PrintWriter;
import java.time.Duration;

/** Waits for a merge and shows how far it is, with the time left, on one line of a terminal. */
final class MergeProgress {
    private static final long POLL_MILLIS = 300;

    private final PoolOption pool;
    private final String path;
    private final PrintWriter terminal;
    private final boolean shown;

    /** @param shown whether somebody sees the line change */
    MergeProgress(PoolOption pool, String path, PrintWriter terminal, boolean shown) {
        this.pool = pool;
        this.path = path;
        this.terminal = terminal;
        this.shown = shown;
    }

    /** Returns when the snapshot is merged, and so is gone. */
    void follow(JsonNode begun) throws CommandFailed {
        String name = begun.path("name").asText();
        long startNanos = System.nanoTime();
        JsonNode now = begun;
        while (now != null) {
            String state = now.path("state").asText();
            if (!state.equals("merging") && !state.equals("merged")) {
                throw new CommandFailed(
                        FailureKind.FAILED,
                        "merge of " + name + " stopped: " + now.path("cause").asText()
                                + "; remove the cause and start the daemon again, it then goes on");
            }
            long merged = now.path("mergedChunks").asLong();
            long left = now.path("chunks").asLong();
            Duration since = Duration.ofNanos(System.nanoTime() - startNanos);
            show(share(merged, left) + timeLeft(merged, left, since));
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CommandFailed(FailureKind.FAILED, "interrupted; the merge goes on", e);
            }
            now = pool.askIfThere(path);
        }
        show("100%");
        if (shown) {
            terminal.println();
        }
    }

    /** How far it is. */
    static String share(long merged, long left) {
        long all = merged + left;
        return String.format("%d%%, %d of %d chunks", all == 0 ? 100 : 100 * merged / all, merged, all);
    }

    /** What is left takes as long for each chunk as what is done; empty while nothing is known. */
    static String timeLeft(long merged, long left, Duration since) {
        if (merged == 0 || left == 0) {
            return "";
        }
        long seconds = Math.ceilDiv(since.toMillis() * left, merged * 1000);
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
