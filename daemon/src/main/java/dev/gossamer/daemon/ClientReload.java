package dev.gossamer.daemon;

import dev.gossamer.daemon.admin.AdminGate;
import dev.gossamer.daemon.config.ClientsConfig;
import dev.gossamer.daemon.server.NbdServer;
import dev.gossamer.daemon.server.access.ClientPolicy;
import dev.gossamer.daemon.server.access.MemoryBudget;
import dev.gossamer.io.StorageException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads who may connect, who may manage, and the certificates: at the start, and again when somebody asks. Blocks; not
 * on a loop.
 */
record ClientReload(ClientsConfig clients, MemoryBudget memory, NbdServer nbd, AdminGate admin) {
    private static final Logger LOG = LoggerFactory.getLogger(ClientReload.class);

    /** Connections stay; if anything is wrong with the files, everything stays as it was. */
    void run() throws StorageException {
        ClientPolicy read = clients.read();
        ClientPolicy policy = read.withLimits(memory.fit(read.limits()));
        nbd.apply(policy);
        admin.apply(policy.admin());
        LOG.info("client rules and certificates read");
    }
}
