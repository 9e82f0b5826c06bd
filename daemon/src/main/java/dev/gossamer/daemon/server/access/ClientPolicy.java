package dev.gossamer.daemon.server.access;

/** Which clients are served, and who may ask what; exchanged as a whole when the configuration is read again. */
public record ClientPolicy(AccessRules access, ServerLimits limits, AdminRules admin) {
    /** As far as nothing is configured. */
    public static final ClientPolicy DEFAULT =
            new ClientPolicy(AccessRules.OPEN, ServerLimits.DEFAULT, AdminRules.NONE);

    /** The same with other limits. */
    public ClientPolicy withLimits(ServerLimits newLimits) {
        return new ClientPolicy(access, newLimits, admin);
    }
}
