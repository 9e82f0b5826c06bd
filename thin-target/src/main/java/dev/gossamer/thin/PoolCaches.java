package dev.gossamer.thin;

import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * What a pool may keep in memory to save reads of its metadata device.
 *
 * @param metadataBlocks metadata blocks, 4 KiB each; at least 64
 * @param regionWords longs that the extent maps of all volumes together may take (rule EM-9)
 */
public record PoolCaches(int metadataBlocks, long regionWords) {
    /** Extent maps take a quarter of the heap. */
    public static final PoolCaches DEFAULT =
            new PoolCaches(PoolMetadata.CACHE_BLOCKS, Runtime.getRuntime().maxMemory() / 4 / Long.BYTES);
}
