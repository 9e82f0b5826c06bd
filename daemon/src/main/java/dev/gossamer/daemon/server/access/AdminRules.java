package dev.gossamer.daemon.server.access;

import java.util.List;

/**
 * What users of this machine other than the daemon's own, and root, may do on the admin socket. The first rule that
 * fits decides; where none fits there are no rights. Immutable.
 */
public record AdminRules(List<Rule> rules) {
    /** Nobody else may do anything. */
    public static final AdminRules NONE = new AdminRules(List.of());

    /**
     * One line of the rules.
     *
     * @param userId null for every user
     */
    public record Rule(Long userId, AccessRights rights) {}

    public AdminRules {
        rules = List.copyOf(rules);
    }

    public AccessRights rights(long userId) {
        for (Rule rule : rules) {
            if (rule.userId() == null || rule.userId() == userId) {
                return rule.rights();
            }
        }
        return AccessRights.NONE;
    }

    /** Whether somebody else may do something, and so has to be able to connect. */
    public boolean letOthersIn() {
        return rules.stream().anyMatch(rule -> rule.rights() != AccessRights.NONE);
    }
}
