package dev.gossamer.daemon.cow;

import dev.gossamer.snapshot.SnapshotStatus;
import java.util.List;

/**
 * An origin and its snapshots at one moment.
 *
 * @param device path or URI
 * @param sizeBytes 0 if it could not be opened
 * @param failure why it is not exported; empty if it is
 */
public record CowFacts(String name, String device, long sizeBytes, String failure, List<OfSnapshot> snapshots) {
    public CowFacts {
        snapshots = List.copyOf(snapshots);
    }

    /**
     * One snapshot.
     *
     * @param export ORIGIN@SNAPSHOT
     * @param store path or URI, or name of a volume of the pool
     * @param inPool whether it is such a volume
     * @param type as {@link CowWords} has it
     * @param fullAction likewise
     * @param status null while the origin is not there
     */
    public record OfSnapshot(
            String export, String store, boolean inPool, String type, String fullAction, SnapshotStatus status) {}

    /** The snapshot of that export; null if there is none. */
    public OfSnapshot snapshot(String export) {
        return snapshots.stream()
                .filter(each -> each.export().equals(export))
                .findFirst()
                .orElse(null);
    }
}
