package dev.gossamer.daemon.cli.tools;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** A bar with the time to go, on a terminal, for what lasts over two seconds. One thread. */
final class ToolProgress implements AutoCloseable {
    private static final long SILENT_NANOS = 2_000_000_000L;
    private static final long STEP_NANOS = 200_000_000L;
    private static final int BAR = 30;
    private static final double NANOS = 1e9;

    private final PrintWriter err;
    private final String what;
    private final boolean shown;
    private final long total;
    private final long start = System.nanoTime();
    private long done;
    private long next = start + SILENT_NANOS;
    private boolean drawn;

    /**
     * @param total how much there is to do, roughly
     * @param quiet nothing is to be shown
     */
    ToolProgress(PrintWriter err, String what, long total, boolean quiet) {
        this.err = err;
        this.what = what;
        this.total = Math.max(1, total);
        this.shown = !quiet && isTerminal();
    }

    private static boolean isTerminal() {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    /** So much more is done. */
    void add(long more) {
        done += more;
        if (!shown) {
            return;
        }
        long now = System.nanoTime();
        if (now - next >= 0) {
            next = now + STEP_NANOS;
            draw(now);
        }
    }

    private void draw(long now) {
        double part = Math.min(1, (double) done / total);
        int filled = (int) (part * BAR);
        double seconds = (now - start) / NANOS;
        double toGo = part == 0 ? 0 : seconds / part - seconds;
        err.print(String.format(
                Locale.ROOT,
                "\r%s [%s%s] %3.0f%%, %.0f s to go ",
                what,
                "=".repeat(filled),
                " ".repeat(BAR - filled),
                part * 100,
                toGo));
        err.flush();
        drawn = true;
    }

    /** Takes the bar away. */
    @Override
    public void close() {
        if (drawn) {
            err.print("\r" + " ".repeat(what.length() + BAR + 30) + "\r");
            err.flush();
        }
    }
}
