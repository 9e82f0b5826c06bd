package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdFlags;

/**
 * What both sides agreed on, the end of a handshake.
 *
 * @param structuredReplies READ and errors are answered in chunks
 * @param blockSizeAsked the client asked for the block sizes in GO and must therefore keep to the minimum block (H30)
 */
public record NegotiatedExport(ExportInfo export, boolean structuredReplies, boolean blockSizeAsked) {
    /** The flags as the client saw them. DF exists only where replies come in chunks (T1). */
    public int transmissionFlags() {
        return structuredReplies ? export.transmissionFlags() | NbdFlags.SEND_DF : export.transmissionFlags();
    }
}
