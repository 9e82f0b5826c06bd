package dev.gossamer.thin;

import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * What a pool may keep in memory, to save reads of its metadata device and while freed blocks are on their way.
 *
 * @param metadataBlocks metadata blocks, 4 KiB each; at least 64
 * @param regionWords longs that the extent maps of all volumes together may take (rule EM-9)
 * @param withheldBytes what blocks that were freed, and cannot be allocated yet, may take; then trims and reclaiming
 *     wait (rule DI-6a)
 */
public record PoolCaches(int metadataBlocks, long regionWords, long withheldBytes) {
    private static final long HEAP_BYTES = Runtime.getRuntime().maxMemory();

    /** Extent maps take a quarter of the heap, freed blocks a 32nd: a million runs of them for 256 MiB. */
    public static final PoolCaches DEFAULT =
            new PoolCaches(PoolMetadata.CACHE_BLOCKS, HEAP_BYTES / 4 / Long.BYTES, HEAP_BYTES / 32);
}
