package dev.gossamer.daemon.server.access;

/** Which clients are served; exchanged as a whole when the configuration is read again. */
public record ClientPolicy(AccessRules access, ServerLimits limits) {
    /** As far as nothing is configured. */
    public static final ClientPolicy DEFAULT = new ClientPolicy(AccessRules.OPEN, ServerLimits.DEFAULT);
}
