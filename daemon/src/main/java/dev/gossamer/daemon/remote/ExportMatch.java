package dev.gossamer.daemon.remote;

import dev.gossamer.io.BlockGeometry;
import dev.gossamer.nbd.client.RemoteExport;
import dev.gossamer.nbd.wire.NbdFlags;

/**
 * What a server's export means as a block device, and whether a new connection leads to one that can stand for it (C5).
 */
final class ExportMatch {
    /** What requests rely on once they have been cut for an export. */
    private static final int RELIED_ON = NbdFlags.SEND_FLUSH
            | NbdFlags.SEND_FUA
            | NbdFlags.SEND_TRIM
            | NbdFlags.SEND_WRITE_ZEROES
            | NbdFlags.SEND_FAST_ZERO
            | NbdFlags.CAN_MULTI_CONN;

    private ExportMatch() {}

    /** A last piece that is shorter than the minimum block cannot be reached. */
    static BlockGeometry geometry(RemoteExport export, boolean readOnly) {
        int unit = export.minimumBlockBytes();
        boolean discards = export.offers(NbdFlags.SEND_TRIM);
        return new BlockGeometry(export.sizeBytes() & -(long) unit, unit, readOnly, discards ? unit : 0);
    }

    /** Null if {@code found} can stand for {@code opened}; else why not. It may be larger and may offer more. */
    static String refusal(RemoteExport opened, RemoteExport found, boolean readOnly) {
        if (found.sizeBytes() < opened.sizeBytes()) {
            return "the export has shrunk from " + opened.sizeBytes() + " to " + found.sizeBytes() + " bytes";
        }
        if (found.offers(NbdFlags.READ_ONLY) && !readOnly) {
            return "the export has become read-only";
        }
        if (found.minimumBlockBytes() > opened.minimumBlockBytes()
                || found.maximumPayloadBytes() < RequestCutter.payloadLimitBytes(opened)) {
            return "the export takes other block sizes than before";
        }
        int missing = opened.transmissionFlags() & ~found.transmissionFlags() & RELIED_ON;
        if (missing != 0) {
            return "the export lacks what it offered before (transmission flags 0x" + Integer.toHexString(missing)
                    + ")";
        }
        return null;
    }
}
