package dev.gossamer.thin;

import java.util.List;

/**
 * What a dedupe is to do.
 *
 * @param volumes names of those whose blocks are looked at, snapshots among them if they are to be; none: all there are
 * @param dryRun only counts what looks equal
 * @param bytesPerSecond reads no more; 0: no limit
 */
public record DedupeSpec(List<String> volumes, boolean dryRun, long bytesPerSecond) {
    /** Of all volumes, without a limit. */
    public static final DedupeSpec ALL = new DedupeSpec(List.of(), false, 0);

    public DedupeSpec {
        volumes = List.copyOf(volumes);
    }
}
