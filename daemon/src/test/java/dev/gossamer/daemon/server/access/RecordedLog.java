package dev.gossamer.daemon.server.access;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.helpers.MessageFormatter;

/** Logs whose lines a test looks at, each with its level, by a clock that stands still or that the test sets. */
public final class RecordedLog {
    private RecordedLog() {}

    /** By a clock that stands still. */
    public static ClientLog into(List<String> lines) {
        return into(lines, new AtomicLong());
    }

    static ClientLog into(List<String> lines, AtomicLong nanos) {
        return new ClientLog(
                (level, cause, pattern, arguments) ->
                        lines.add(level + " " + MessageFormatter.basicArrayFormat(pattern, arguments)),
                nanos::get);
    }
}
