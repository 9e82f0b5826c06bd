package dev.gossamer.thin.offline;

/** Whose bytes a tool writes (OT-3). */
public enum Compat {
    /** Ours: as version 1, with what is better. */
    NONE,
    /** thin-provisioning-tools 0.9. */
    V0_9,
    /** thin-provisioning-tools 1.x. */
    V1
}
