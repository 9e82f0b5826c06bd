package dev.gossamer.daemon.server.export;

import dev.gossamer.nbd.handshake.ExportDirectory;
import dev.gossamer.nbd.handshake.MetaContext;
import java.util.List;

/** What the server exports: names to show to clients, and the devices behind them. */
public interface Exports extends ExportDirectory {

    /**
     * Opens an export for one connection, which closes it once when it ends. Called on the connection's event loop, so
     * it may not wait.
     *
     * @param contexts the metadata contexts that the client selected for it
     * @return null if the export, or what a context compares it with, is gone since the handshake looked it up
     */
    OpenExport open(String name, List<MetaContext> contexts);
}
