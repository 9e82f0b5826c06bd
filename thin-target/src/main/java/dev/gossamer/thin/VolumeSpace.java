package dev.gossamer.thin;

/**
 * What a volume holds of the pool's data space.
 *
 * @param mappedBytes all that is mapped
 * @param exclusiveBytes of that, what no other volume and no metadata snapshot refers to: what deleting it would free
 * @param runs pieces that a sequential reader finds on the data device: neighbours in the volume that are neighbours
 * there
 * @param leastRuns pieces that it would find at best: what is mapped in one piece in the volume
 */
public record VolumeSpace(long mappedBytes, long exclusiveBytes, long runs, long leastRuns) {
    /** What other volumes, or a metadata snapshot, would miss. */
    public long sharedBytes() {
        return mappedBytes - exclusiveBytes;
    }
}
