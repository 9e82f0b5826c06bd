package dev.gossamer.nbd.handshake;

import java.util.List;

/**
 * The exports a peer may see. Called on the connection's event loop, so it must answer from memory, open nothing and
 * take no lock that can be held long (H5).
 *
 * <p>What a peer may not use does not exist for it: it is in no list and not found (X9). That includes exports that
 * need TLS, for a peer that does not use it.
 */
public interface ExportDirectory {
    /** Every export this peer may use; the list must not change after it was returned. */
    List<ExportInfo> list(Peer peer);

    /** The export of this name or {@code null}. The empty name asks for the default export, if there is one. */
    ExportInfo find(Peer peer, String name);

    /**
     * Names of the metadata contexts of an export that a peer has found (H21). Of a family with very many members it
     * may give the wildcard instead, a name that ends in a colon; the codec does so above 256 (M8).
     *
     * @param exportName canonical
     */
    default List<String> metaContexts(Peer peer, String exportName) {
        return List.of();
    }

    /**
     * The canonical name of the metadata context that this query names, or null. A wildcard names none.
     *
     * @param exportName canonical
     * @param query has a colon
     */
    default String metaContext(Peer peer, String exportName, String query) {
        return metaContexts(peer, exportName).contains(query) && !query.endsWith(":") ? query : null;
    }

    /** Whether some exports exist only for peers that use TLS; others are then told so instead of "unknown" (H35). */
    default boolean hasTlsOnlyExports() {
        return false;
    }

    /** Whether the server is stopping: then no negotiation succeeds any more (H27). */
    default boolean isStopping() {
        return false;
    }
}
