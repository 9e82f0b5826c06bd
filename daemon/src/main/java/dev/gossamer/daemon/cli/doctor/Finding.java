package dev.gossamer.daemon.cli.doctor;

import java.util.Locale;

/**
 * What one look has found.
 *
 * @param about one or two words
 * @param what a fact, as a line
 * @param advice what to do about it; empty if nothing
 */
public record Finding(Level level, String about, String what, String advice) {
    /** How bad it is. */
    public enum Level {
        FINE,
        WARNING,
        FAULT;

        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static Finding fine(String about, String what) {
        return new Finding(Level.FINE, about, what, "");
    }

    static Finding warning(String about, String what, String advice) {
        return new Finding(Level.WARNING, about, what, advice);
    }

    static Finding fault(String about, String what, String advice) {
        return new Finding(Level.FAULT, about, what, advice);
    }
}
