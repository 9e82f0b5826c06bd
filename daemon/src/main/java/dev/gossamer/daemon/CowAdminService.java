package dev.gossamer.daemon;

import dev.gossamer.daemon.admin.CowAdmin;
import dev.gossamer.daemon.cow.CowFacts;
import dev.gossamer.daemon.cow.CowName;
import dev.gossamer.daemon.cow.CowRequest;
import dev.gossamer.daemon.cow.CowService;
import dev.gossamer.daemon.device.OpenerThreads;
import dev.gossamer.daemon.device.OriginDevices;
import dev.gossamer.daemon.server.NbdServer;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * Classic snapshots as the admin API sees them: keeps clients away while that is needed. What waits does so
 * on threads for that.
 */
final class CowAdminService implements CowAdmin {
    private final CowService cow;
    private final NbdServer nbd;
    private final OriginDevices origins;
    private final OpenerThreads threads;

    CowAdminService(CowService cow, NbdServer nbd, OriginDevices origins, OpenerThreads threads) {
        this.cow = cow;
        this.nbd = nbd;
        this.origins = origins;
        this.threads = threads;
    }

    @Override
    public CompletableFuture<List<CowFacts>> list() {
        return threads.run(cow::all);
    }

    @Override
    public CompletableFuture<CowFacts> find(String export) {
        return threads.run(() -> cow.facts(export));
    }

    @Override
    public CompletableFuture<CowFacts> create(CowRequest request, boolean anyPath) {
        OriginDevices.Asking asking = new OriginDevices.Asking(anyPath, nbd.addresses());
        return threads.run(() -> cow.create(request, (location, options) -> origins.open(location, options, asking)));
    }

    @Override
    public CompletableFuture<Void> delete(String export, boolean force) {
        Supplier<CompletableFuture<Void>> change = () -> alone(
                export,
                force,
                () -> threads.run(() -> {
                    cow.delete(export, force);
                    return null;
                }));
        return threads.run(() -> {
                    cow.facts(export);
                    return force && cow.isMerging(export)
                            ? CowName.parse(export).origin()
                            : "";
                })
                .thenCompose(origin -> origin.isEmpty() ? change.get() : alone(origin, true, change));
    }

    @Override
    public CompletableFuture<CowFacts> merge(String export, boolean force) {
        return threads.run(() -> {
                    cow.facts(export);
                    return CowName.parse(export).origin();
                })
                .thenCompose(origin ->
                        alone(origin, force, () -> alone(export, force, () -> threads.run(() -> cow.merge(export)))));
    }

    /** Makes a change while nobody has an export open, and nobody can open it. */
    private <T> CompletableFuture<T> alone(String export, boolean force, Supplier<CompletableFuture<T>> change) {
        List<String> peers = nbd.connections().peersOf(export);
        if (!force && !peers.isEmpty()) {
            return CompletableFuture.failedFuture(new StorageException(
                    Errno.EBUSY,
                    export + " is in use by " + String.join(", ", peers)
                            + "; disconnect and try again, or use --force"));
        }
        return nbd.disconnectAll(export, change);
    }

    @Override
    public List<String> peersOf(String export) {
        return nbd.connections().peersOf(export);
    }
}
