package dev.gossamer.daemon.admin;

import dev.gossamer.daemon.cow.CowFacts;
import dev.gossamer.daemon.cow.CowRequest;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Origins and classic snapshots as the admin API sees them. Callable from any thread; futures fail with a
 * {@link dev.gossamer.io.StorageException}.
 */
public interface CowAdmin {
    CompletableFuture<List<CowFacts>> list();

    /** The origin of an export, with its snapshots. */
    CompletableFuture<CowFacts> find(String export);

    CompletableFuture<CowFacts> create(CowRequest request, boolean anyPath);

    /**
     * Deletes a snapshot, or stops serving an origin.
     *
     * @param force disconnects clients first
     */
    CompletableFuture<Void> delete(String export, boolean force);

    /**
     * Begins a merge.
     *
     * @param force disconnects the clients of the snapshot and of its origin first
     */
    CompletableFuture<CowFacts> merge(String export, boolean force);

    /** Peers that have an export open. */
    List<String> peersOf(String export);
}
