package dev.gossamer.nbd.client;

import dev.gossamer.nbd.handshake.MetaContext;
import java.util.List;

/**
 * An export as its server described it, checked for what the rest of the client relies on.
 *
 * @param name canonical if the server told, else the one that was asked for
 * @param description text for people, may be empty
 * @param sizeBytes 0 to 2^63 - 1
 * @param transmissionFlags {@code HAS_FLAGS} and others of {@link dev.gossamer.nbd.wire.NbdFlags}
 * @param minimumBlockBytes unit of every offset and length
 * @param preferredBlockBytes unit that avoids read-modify-write in the server
 * @param maximumPayloadBytes longest READ and WRITE, at most 64 MiB
 * @param structuredReplies replies may come in chunks; always so with extended headers
 * @param extendedHeaders requests and replies have 64-bit lengths
 * @param contexts what BLOCK_STATUS answers for, with the server's ids; at most 64
 */
public record RemoteExport(
        String name,
        String description,
        long sizeBytes,
        int transmissionFlags,
        int minimumBlockBytes,
        int preferredBlockBytes,
        int maximumPayloadBytes,
        boolean structuredReplies,
        boolean extendedHeaders,
        List<MetaContext> contexts) {
    public RemoteExport {
        contexts = List.copyOf(contexts);
    }

    /** Whether the server set this transmission flag. */
    public boolean offers(int transmissionFlag) {
        return (transmissionFlags & transmissionFlag) != 0;
    }
}
