package dev.gossamer.thin.space;

import dev.gossamer.thin.metadata.PoolMetadata;

/**
 * How much memory data blocks may take that were freed and cannot be allocated yet: they wait for their commit, for
 * requests that looked them up, for discards (rule DI-6a). Each step ends without anybody's doing; until then whoever
 * would free more by the thousand waits: TRIM, reclaiming, shrinking. Writes, which free a block each at most, go on.
 * Worker's thread.
 */
public final class WithheldLimit {
    private final PoolMetadata metadata;
    private final long limitBytes;

    public WithheldLimit(PoolMetadata metadata, long limitBytes) {
        this.metadata = metadata;
        this.limitBytes = limitBytes;
    }

    /** Whether nothing more is to be freed now. Blocks will be released, then who waits for space is called. */
    boolean isReached() {
        return metadata.withheldBytes() > limitBytes;
    }
}
