package dev.gossamer.nbd.handshake;

import java.util.List;

/**
 * The exports one peer may see. Called on the connection's event loop, so it must answer from memory, open nothing and
 * take no lock that can be held long (H5).
 */
public interface ExportDirectory {
    /** Every export this peer may use; the list must not change after it was returned. */
    List<ExportInfo> list();

    /** The export of this name or {@code null}. The empty name asks for the default export, if there is one. */
    ExportInfo find(String name);

    /** Whether the server is stopping: then no negotiation succeeds any more (H27). */
    default boolean isStopping() {
        return false;
    }
}
