package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.handshake.Peer;
import java.util.List;

/**
 * Who may use which export. The first rule that fits decides; where none fits there are no rights (X9).
 *
 * @param rules in order, or null where nothing was said: then everybody whom a listener lets in may do everything
 */
public record AccessRules(List<AccessRule> rules) {
    /** Everybody may do everything. */
    public static final AccessRules OPEN = new AccessRules(null);

    public AccessRules {
        rules = rules == null ? null : List.copyOf(rules);
    }

    AccessRights rights(Peer peer, String export) {
        if (rules == null) {
            return AccessRights.READ_WRITE;
        }
        for (AccessRule rule : rules) {
            if (rule.fits(peer, export)) {
                return rule.rights();
            }
        }
        return AccessRights.NONE;
    }

    /** Those rules alone that this peer fits, so that many exports are asked for without asking who it is each time. */
    AccessRules about(Peer peer) {
        return rules == null
                ? this
                : new AccessRules(
                        rules.stream().filter(rule -> rule.isAbout(peer)).toList());
    }

    /** Whether certificates make a difference: then some exports may exist for peers with TLS only. */
    public boolean needCertificates() {
        return rules != null && rules.stream().anyMatch(AccessRule::needsCertificate);
    }
}
