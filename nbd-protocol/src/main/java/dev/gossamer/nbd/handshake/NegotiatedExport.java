package dev.gossamer.nbd.handshake;

import dev.gossamer.nbd.wire.NbdFlags;
import java.util.List;

/**
 * What both sides agreed on, the end of a handshake.
 *
 * @param structuredReplies READ and errors are answered in chunks; always so with extended headers
 * @param extendedHeaders requests and replies have 64-bit lengths (T58)
 * @param blockSizeAsked the client asked for the block sizes in GO and must therefore keep to the minimum block (H30)
 * @param contexts selected for this export, at most 64; the id of the i-th is i + 1
 */
public record NegotiatedExport(
        ExportInfo export,
        boolean structuredReplies,
        boolean extendedHeaders,
        boolean blockSizeAsked,
        List<MetaContext> contexts) {
    /** As many as a {@code long} has bits, see {@link dev.gossamer.nbd.wire.NbdRequest#contextFilter} (M4). */
    public static final int CONTEXT_LIMIT = Long.SIZE;

    public NegotiatedExport {
        contexts = List.copyOf(contexts);
        if (extendedHeaders && !structuredReplies) {
            throw new IllegalArgumentException("extended headers imply structured replies");
        }
        if (contexts.size() > CONTEXT_LIMIT) {
            throw new IllegalArgumentException("more than " + CONTEXT_LIMIT + " metadata contexts");
        }
    }

    /** Whether the client may change nothing. */
    public boolean isReadOnly() {
        return (export.transmissionFlags() & NbdFlags.READ_ONLY) != 0;
    }

    /**
     * The flags as the client saw them. DF exists only where replies come in chunks (T1), a BLOCK_STATUS payload only
     * where there is something to choose from (2.1).
     */
    public int transmissionFlags() {
        int flags = export.transmissionFlags();
        if (structuredReplies) {
            flags |= NbdFlags.SEND_DF;
        }
        if (extendedHeaders && !contexts.isEmpty()) {
            flags |= NbdFlags.BLOCK_STATUS_PAYLOAD;
        }
        return flags;
    }
}
