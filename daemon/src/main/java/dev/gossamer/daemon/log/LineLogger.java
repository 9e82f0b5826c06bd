package dev.gossamer.daemon.log;

import java.time.Instant;
import java.util.Locale;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;

/** A logger: makes lines of what is important enough. Markers say nothing here. */
final class LineLogger extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1L;

    private static final int OFF = Integer.MAX_VALUE;

    private final String shortName;
    private final int threshold;
    private final transient LogOutput output;

    LineLogger(String name, int threshold, LogOutput output) {
        this.name = name;
        this.shortName = name.substring(name.lastIndexOf('.') + 1);
        this.threshold = threshold;
        this.output = output;
    }

    /** What a word of {@code log.properties} lets through. */
    static int threshold(String word) {
        return word.equals("off")
                ? OFF
                : Level.valueOf(word.toUpperCase(Locale.ROOT)).toInt();
    }

    private boolean isEnabled(Level level) {
        return level.toInt() >= threshold;
    }

    @Override
    public boolean isTraceEnabled() {
        return isEnabled(Level.TRACE);
    }

    @Override
    public boolean isDebugEnabled() {
        return isEnabled(Level.DEBUG);
    }

    @Override
    public boolean isInfoEnabled() {
        return isEnabled(Level.INFO);
    }

    @Override
    public boolean isWarnEnabled() {
        return isEnabled(Level.WARN);
    }

    @Override
    public boolean isErrorEnabled() {
        return isEnabled(Level.ERROR);
    }

    @Override
    protected String getFullyQualifiedCallerName() {
        return null; // nobody prints where a line was made
    }

    @Override
    protected void handleNormalizedLoggingCall(
            Level level, Marker marker, String pattern, Object[] arguments, Throwable cause) {
        String thread = Thread.currentThread().getName();
        output.write(
                new LogLine(Instant.now(), level, shortName, thread, String.valueOf(pattern), arguments, cause),
                System.err);
    }
}
