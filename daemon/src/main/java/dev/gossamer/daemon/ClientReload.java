package dev.gossamer.daemon;

import dev.gossamer.daemon.config.ClientsConfig;
import dev.gossamer.daemon.server.NbdServer;
import dev.gossamer.io.StorageException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads who may connect, and the certificates: at the start, and again when somebody asks. Blocks; not on a loop. */
record ClientReload(ClientsConfig clients, NbdServer nbd) {
    private static final Logger LOG = LoggerFactory.getLogger(ClientReload.class);

    /** Connections stay; if anything is wrong, everything stays as it was. */
    void run() throws StorageException {
        nbd.apply(clients.read());
        LOG.info("client rules and certificates read");
    }
}
