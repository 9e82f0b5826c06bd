package dev.gossamer.thin;

import java.util.List;
import java.util.function.Predicate;

/**
 * What a dedupe is to do.
 *
 * @param volumes names of those whose blocks are looked at, snapshots among them if they are to be; none: all there are
 * @param dryRun only counts what looks equal
 * @param bytesPerSecond reads no more; 0: no limit
 * @param spared names of volumes that keep their blocks to themselves; asked on the worker before each change, for such
 *     a volume may be made while the job runs
 */
public record DedupeSpec(List<String> volumes, boolean dryRun, long bytesPerSecond, Predicate<String> spared) {
    /** Of all volumes, without a limit. */
    public static final DedupeSpec ALL = new DedupeSpec(List.of(), false, 0);

    public DedupeSpec {
        volumes = List.copyOf(volumes);
    }

    /** One that spares nobody. */
    public DedupeSpec(List<String> volumes, boolean dryRun, long bytesPerSecond) {
        this(volumes, dryRun, bytesPerSecond, name -> false);
    }

    /** The same, but that these volumes share nothing. */
    public DedupeSpec sparing(Predicate<String> others) {
        return new DedupeSpec(volumes, dryRun, bytesPerSecond, others);
    }
}
