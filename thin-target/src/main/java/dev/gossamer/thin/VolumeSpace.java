package dev.gossamer.thin;

/**
 * What a volume holds of the pool's data space.
 *
 * @param mappedBytes all that is mapped
 * @param exclusiveBytes of that, what no other volume and no metadata snapshot refers to: what deleting it would free
 */
public record VolumeSpace(long mappedBytes, long exclusiveBytes) {
    /** What other volumes, or a metadata snapshot, would miss. */
    public long sharedBytes() {
        return mappedBytes - exclusiveBytes;
    }
}
