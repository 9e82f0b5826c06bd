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
    /**
     * Every export, made while somebody walks over it, piece by piece and perhaps never to the end; what comes or goes
     * meanwhile may be in it or not. Null stands for an export that this peer may not use: finding the next one that it
     * may would take as long as there are exports.
     */
    Iterable<ExportInfo> list(Peer peer);

    /** How many exports there are at most; where there can be thousands, without walking over them. */
    default int count(Peer peer) {
        int count = 0;
        for (ExportInfo export : list(peer)) {
            count += export == null ? 0 : 1;
        }
        return count;
    }

    /** The only export of a list; null if there is none, or another. */
    static ExportInfo onlyOne(Iterable<ExportInfo> exports) {
        ExportInfo found = null;
        for (ExportInfo export : exports) {
            if (export != null && found != null) {
                return null;
            }
            found = export == null ? found : export;
        }
        return found;
    }

    /** What the empty name stands for; empty if that depends on what there is. */
    default String defaultName() {
        return "";
    }

    /** Why there is no default export, for the client that named none; several may be named. */
    default String whyNoDefault(Peer peer) {
        return "there is no default export";
    }

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
