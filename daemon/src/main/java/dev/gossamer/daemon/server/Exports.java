package dev.gossamer.daemon.server;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.nbd.handshake.ExportDirectory;

/** What the server exports: names to show to clients, and the devices behind them. */
public interface Exports extends ExportDirectory {

    /**
     * Opens an export for one connection, which closes the device once when it ends. Called on the connection's event
     * loop, so it may not wait.
     *
     * @return null if the export is gone since the handshake looked it up
     */
    BlockDevice open(String name);
}
