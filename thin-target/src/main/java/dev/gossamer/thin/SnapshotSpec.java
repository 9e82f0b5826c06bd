package dev.gossamer.thin;

/**
 * A snapshot to take.
 *
 * @param origin name of the volume
 * @param name name of the snapshot, see {@link VolumeSpec#checkName}
 * @param readOnly whether writes to the snapshot are refused
 */
public record SnapshotSpec(String origin, String name, boolean readOnly) {}
