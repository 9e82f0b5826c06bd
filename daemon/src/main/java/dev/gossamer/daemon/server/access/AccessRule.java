package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.handshake.Peer;
import java.util.List;

/**
 * One line of the access rules: who, which exports, what.
 *
 * @param conditions all must fit; none fits everybody
 * @param exports what the rule is about
 */
public record AccessRule(List<PeerCondition> conditions, ExportNames exports, AccessRights rights) {
    public AccessRule {
        conditions = List.copyOf(conditions);
    }

    boolean fits(Peer peer, String export) {
        return isAbout(peer) && exports.contains(export);
    }

    boolean isAbout(Peer peer) {
        for (PeerCondition condition : conditions) {
            if (!condition.fits(peer)) {
                return false;
            }
        }
        return true;
    }

    boolean needsCertificate() {
        return conditions.stream().anyMatch(PeerCondition.Certificate.class::isInstance);
    }
}
