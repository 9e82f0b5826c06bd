package dev.gossamer.daemon.server.access;

/** What a peer may do with an export. */
public enum AccessRights {
    /** The export does not exist for it. */
    NONE,
    /** It sees the export as a read-only one. */
    READ_ONLY,
    READ_WRITE
}
