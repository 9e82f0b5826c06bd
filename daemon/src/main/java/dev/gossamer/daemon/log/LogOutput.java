package dev.gossamer.daemon.log;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.event.Level;

/**
 * Where log lines go: standard error, in the form that was asked for. If a journal reads it, each line begins with its
 * level in the journal's way and has no time, which the journal knows. Any thread.
 */
public final class LogOutput {
    private static final Path STANDARD_ERROR = Path.of("/proc/self/fd/2");
    private static final LogOutput PROCESS = new LogOutput(isJournal(System.getenv("JOURNAL_STREAM"), STANDARD_ERROR));

    private final boolean journal;
    private volatile LogForm form = LogForm.TEXT;

    /** @param journal whether the lines' reader wants their level before them */
    LogOutput(boolean journal) {
        this.journal = journal;
    }

    static LogOutput ofProcess() {
        return PROCESS;
    }

    /** From now on, in all this process. */
    public static void use(LogForm form) {
        PROCESS.form = form;
    }

    void setForm(LogForm newForm) {
        form = newForm;
    }

    /**
     * Whether the file is the one that systemd has connected to its journal: a variable that was inherited by somebody
     * whose output goes elsewhere says nothing.
     *
     * @param stream device and inode, with a colon between; null if there is none
     */
    static boolean isJournal(String stream, Path file) {
        if (stream == null) {
            return false;
        }
        try {
            return stream.equals(Files.getAttribute(file, "unix:dev") + ":" + Files.getAttribute(file, "unix:ino"));
        } catch (IOException e) {
            return false;
        }
    }

    /** The lines of an event stay together. */
    void write(LogLine line, PrintStream out) {
        List<String> lines = form == LogForm.JSON ? List.of(line.json()) : line.text(!journal);
        String prefix = journal ? "<" + priority(line.level()) + ">" : "";
        synchronized (this) {
            for (String each : lines) {
                out.println(prefix + each);
            }
        }
    }

    /** As syslog counts. */
    private static int priority(Level level) {
        return switch (level) {
            case ERROR -> 3;
            case WARN -> 4;
            case INFO -> 6;
            case DEBUG, TRACE -> 7;
        };
    }
}
