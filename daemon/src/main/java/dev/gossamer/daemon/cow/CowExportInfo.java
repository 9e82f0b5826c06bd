package dev.gossamer.daemon.cow;

import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.wire.NbdFlags;

/** What clients are told of origins and snapshots. */
final class CowExportInfo {
    private static final int FLAGS = NbdFlags.HAS_FLAGS
            | NbdFlags.SEND_FLUSH
            | NbdFlags.SEND_FUA
            | NbdFlags.CAN_MULTI_CONN
            | NbdFlags.SEND_WRITE_ZEROES;

    private static final int PREFERRED_BLOCK_BYTES = 4096;
    private static final int MAXIMUM_PAYLOAD_BYTES = 32 << 20;

    private CowExportInfo() {}

    static ExportInfo of(String name, String description, long sizeBytes, int alignmentBytes, boolean trims) {
        return new ExportInfo(
                name,
                description,
                sizeBytes - sizeBytes % alignmentBytes,
                trims ? FLAGS | NbdFlags.SEND_TRIM : FLAGS,
                alignmentBytes,
                Math.max(PREFERRED_BLOCK_BYTES, alignmentBytes),
                MAXIMUM_PAYLOAD_BYTES);
    }
}
