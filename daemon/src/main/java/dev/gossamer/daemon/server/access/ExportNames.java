package dev.gossamer.daemon.server.access;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The exports that a rule is about: names, in which {@code *} stands for any characters; one must fit, no name at all
 * fits every export. Asked for each export of a long list, so it is a look-up but for names with a star, and makes no
 * objects. Immutable.
 */
public final class ExportNames {
    private final List<String> written;
    private final Set<String> names = new HashSet<>();
    private final List<String> patterns = new ArrayList<>();
    private final boolean all;

    public ExportNames(List<String> written) {
        this.written = List.copyOf(written);
        all = written.isEmpty();
        for (String name : written) {
            if (name.indexOf('*') < 0) {
                names.add(name);
            } else {
                patterns.add(name);
            }
        }
    }

    /** As they are in the rule, in order. */
    public List<String> written() {
        return written;
    }

    boolean contains(String export) {
        if (all || names.contains(export)) {
            return true;
        }
        for (String pattern : patterns) {
            if (fits(pattern, export)) {
                return true;
            }
        }
        return false;
    }

    /** What stands behind the last star is tried at each place until it fits; an earlier star never has to be. */
    private static boolean fits(String pattern, String name) {
        int at = 0;
        int next = 0;
        int star = -1;
        int tried = 0;
        while (at < name.length()) {
            if (next < pattern.length() && pattern.charAt(next) == '*') {
                star = next++;
                tried = at;
            } else if (next < pattern.length() && pattern.charAt(next) == name.charAt(at)) {
                next++;
                at++;
            } else if (star >= 0) {
                next = star + 1;
                at = ++tried;
            } else {
                return false;
            }
        }
        while (next < pattern.length() && pattern.charAt(next) == '*') {
            next++;
        }
        return next == pattern.length();
    }
}
