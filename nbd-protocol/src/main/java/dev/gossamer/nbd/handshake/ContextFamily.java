package dev.gossamer.nbd.handshake;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The metadata contexts whose names begin alike, as a client is told about them. */
final class ContextFamily {
    /** A family with more members is told as its wildcard: nobody reads through thousands of snapshots (M8). */
    static final int LISTED_LIMIT = 256;

    private ContextFamily() {}

    /**
     * Adds the names that begin with {@code prefix}, which is empty or ends in a colon; of a family that is too large,
     * the smaller families within it, or only the wildcard.
     */
    static void list(String prefix, List<String> names, Set<String> listed) {
        List<String> family =
                names.stream().filter(name -> name.startsWith(prefix)).toList();
        if (family.size() <= LISTED_LIMIT) {
            listed.addAll(family);
            return;
        }
        Set<String> members = new LinkedHashSet<>();
        for (String name : family) {
            int colon = name.indexOf(':', prefix.length());
            members.add(colon < 0 ? name : name.substring(0, colon + 1));
        }
        if (members.size() > LISTED_LIMIT) {
            listed.add(prefix);
            return;
        }
        for (String member : members) {
            if (member.length() > prefix.length() && member.endsWith(":")) {
                list(member, family, listed);
            } else {
                listed.add(member);
            }
        }
    }
}
