package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.handshake.Peer;
import java.util.List;
import java.util.regex.Pattern;

/**
 * One line of the access rules: who, which exports, what.
 *
 * @param conditions all must fit; none fits everybody
 * @param exports names, in which {@code *} stands for any characters; one must fit, none fits every export
 */
public record AccessRule(List<PeerCondition> conditions, List<String> exports, AccessRights rights) {
    public AccessRule {
        conditions = List.copyOf(conditions);
        exports = List.copyOf(exports);
    }

    boolean fits(Peer peer, String export) {
        return conditions.stream().allMatch(condition -> condition.fits(peer))
                && (exports.isEmpty() || exports.stream().anyMatch(pattern -> fits(pattern, export)));
    }

    private static boolean fits(String pattern, String export) {
        int star = pattern.indexOf('*');
        if (star < 0) {
            return pattern.equals(export);
        }
        // Compiled each time: handshakes are rare, and rules are few.
        return Pattern.matches("\\Q" + pattern.replace("*", "\\E.*\\Q") + "\\E", export);
    }

    boolean needsCertificate() {
        return conditions.stream().anyMatch(PeerCondition.Certificate.class::isInstance);
    }
}
