package dev.gossamer.daemon.log;

import java.util.Locale;

/** How a log line looks. */
public enum LogForm {
    /** {@code 2026-11-30T15:00:00.000Z [main] INFO NbdServer - listening address=tcp:127.0.0.1:10809}. */
    TEXT,
    /** An object a line: ts, level, logger, thread, event, the line's values, msg, and error with its trace. */
    JSON;

    /** As people write it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String toString() {
        return word();
    }
}
