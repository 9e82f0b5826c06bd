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
 * Reads who may connect, who may manage, and the certificates: at the start, and again when somebody asks, one at a
 * time. Blocks; not on a loop.
 */
final class ClientReload {
    private static final Logger LOG = LoggerFactory.getLogger(ClientReload.class);

    private final ClientsConfig clients;
    private final MemoryBudget memory;
    private final NbdServer nbd;
    private final AdminGate admin;

    ClientReload(ClientsConfig clients, MemoryBudget memory, NbdServer nbd, AdminGate admin) {
        this.clients = clients;
        this.memory = memory;
        this.nbd = nbd;
        this.admin = admin;
        memory.watch(nbd.clients());
    }

    /**
     * Connections stay; if anything is wrong, everything stays as it was. So what can go wrong comes first, the mode of
     * the admin socket last of all; what follows only exchanges what is ready.
     */
    synchronized void run() throws StorageException {
        ClientPolicy read = clients.read();
        MemoryBudget.Fitted fitted = memory.fit(read.limits());
        try {
            ClientPolicy policy = read.withLimits(fitted.limits());
            Runnable exchange = nbd.prepare(policy);
            admin.apply(policy.admin());
            exchange.run();
            clients.inForce();
        } catch (StorageException | RuntimeException | Error e) {
            fitted.giveUp();
            throw e;
        }
        fitted.use();
        LOG.info("client rules and certificates read");
    }
}
