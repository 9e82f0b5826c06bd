package dev.gossamer.daemon.admin;

import dev.gossamer.daemon.server.ConnectionInfo;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A pool and the server that exports it, as the admin API sees them. Callable from any thread; futures complete once the
 * change is durable, or exceptionally with a {@link dev.gossamer.io.StorageException}.
 */
public interface ServedPool {

    /** All volumes, snapshots included, by id. */
    List<VolumeInfo> volumes();

    /** A volume by its name; null if there is none. */
    VolumeInfo volume(String name);

    CompletableFuture<VolumeInfo> createVolume(VolumeSpec spec);

    CompletableFuture<VolumeInfo> createSnapshot(String origin, String name, boolean readOnly);

    CompletableFuture<VolumeInfo> resizeVolume(String name, long sizeBytes);

    CompletableFuture<VolumeInfo> renameVolume(String name, String newName);

    CompletableFuture<Void> deleteVolume(String name);

    CompletableFuture<DaemonStatus> status();

    /** NBD connections in transmission, oldest first. */
    List<ConnectionInfo> connections();

    /** All metrics in Prometheus' text format. */
    CompletableFuture<String> metrics();
}
