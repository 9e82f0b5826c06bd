package dev.gossamer.daemon.admin;

import dev.gossamer.daemon.server.connection.ConnectionInfo;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.SetSpace;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpace;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.pool.PoolJobs;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/**
 * A pool and the server that exports it, as the admin API sees them. Callable from any thread; futures complete once
 * the change is durable, or exceptionally with a {@link dev.gossamer.io.StorageException}.
 */
public interface PoolAdmin {

    /** All volumes, snapshots included, by id. */
    List<VolumeInfo> volumes();

    /** The names of all volumes, found while somebody walks over them. */
    Iterable<String> volumeNames();

    /** A volume by its name; null if there is none. */
    VolumeInfo volume(String name);

    CompletableFuture<VolumeInfo> createVolume(VolumeSpec spec);

    /**
     * Makes a volume over a device outside the pool, named by a path or an URI.
     *
     * @param anyPath not only those that {@code allow-paths} in pool.yaml allows
     */
    CompletableFuture<VolumeInfo> createVolumeOver(VolumeSpec spec, String origin, boolean anyPath);

    /** Takes snapshots of one or several volumes as of one instant: all or none. */
    CompletableFuture<List<VolumeInfo>> createSnapshots(List<SnapshotSpec> snapshots);

    /**
     * Gives a volume the contents of one of its lineage; what it held becomes a snapshot.
     *
     * @param keepAs name of that snapshot, or null
     * @param force disconnect the volume's clients first
     * @return that snapshot
     */
    CompletableFuture<VolumeInfo> rollBack(String name, String source, String keepAs, boolean force);

    /**
     * Changes a volume's size.
     *
     * @param force shrinks it even while clients have it open
     */
    CompletableFuture<VolumeInfo> resizeVolume(String name, long sizeBytes, boolean force);

    CompletableFuture<VolumeInfo> renameVolume(String name, String newName);

    /**
     * Deletes a volume.
     *
     * @param only the one that is meant; null: the one that has the name now, though another may have it once its
     *     clients have gone
     * @param force disconnects its clients first
     */
    CompletableFuture<Void> deleteVolume(String name, UUID only, boolean force);

    /** Changes what a volume may take of the pool's space. */
    CompletableFuture<VolumeInfo> limitVolume(String name, VolumeLimits limits);

    /** Changes what clients may do with a volume in a second. */
    CompletableFuture<VolumeInfo> rateVolume(String name, IoRates rates);

    /** Counts what a volume has for itself. */
    CompletableFuture<VolumeSpace> spaceOf(String name);

    /** What deleting volumes together would free. */
    CompletableFuture<SetSpace> spaceIfDeleted(Set<String> names);

    /** Takes larger devices into use; 0 = as large as the device is, negative = leaves it alone. */
    CompletableFuture<Void> grow(long dataBytes, long metadataBytes);

    /** Compares and swaps dm-thin's transaction id. */
    CompletableFuture<Void> setTransactionId(long expected, long value);

    /** Keeps the present mappings readable; the answer is the block of the metadata snapshot. */
    CompletableFuture<Long> reserveMetadataSnapshot();

    CompletableFuture<Void> releaseMetadataSnapshot();

    /** What runs long in the background; what must not touch classic snapshots is begun with the two below. */
    PoolJobs jobs();

    CompletableFuture<JobInfo> cloneRange(CloneSpec spec);

    CompletableFuture<JobInfo> dedupe(DedupeSpec spec);

    /** The kernel's status lines. */
    CompletableFuture<List<String>> dmStatus();

    CompletableFuture<DaemonStatus> status();

    /** NBD connections in transmission, oldest first. */
    List<ConnectionInfo> connections();

    /** Peers of the connections that a volume cannot be deleted under. */
    List<String> peersOf(String volume);

    /** Reads again who may connect, and the certificates. */
    CompletableFuture<Void> reload();

    /** What may still be promised to volumes. */
    CompletableFuture<Capacity> capacity();

    /** Whether the pool is served at all (OP-32). */
    boolean isHealthy();

    /** All metrics in Prometheus' text format. */
    CompletableFuture<String> metrics();
}
