package dev.gossamer.daemon.admin;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.SizeText;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.concurrent.CompletableFuture;

/**
 * Bounds what the sizes of volumes promise, as a multiple of the pool's data (rule AC-16): a size that is a slip of the
 * pen is refused, and who means it says so.
 */
final class OverCommit {
    /** Sizes that come to more than this are refused. */
    static final int MOST = 1000;

    private final PoolAdmin pool;

    OverCommit(PoolAdmin pool) {
        this.pool = pool;
    }

    /**
     * Whether volumes that can be written may have so many bytes more together.
     *
     * @param force they may
     */
    CompletableFuture<Void> allow(long moreBytes, boolean force) {
        if (force || moreBytes <= 0) {
            return CompletableFuture.completedFuture(null);
        }
        return pool.status().thenCompose(status -> check(status.pool(), moreBytes));
    }

    private static CompletableFuture<Void> check(PoolStatus pool, long moreBytes) {
        double data = (double) pool.dataBlocks() * pool.blockBytes();
        double ratio = pool.space().overCommit() + moreBytes / data;
        if (ratio <= MOST) {
            return CompletableFuture.completedFuture(null);
        }
        String times = new BigDecimal(ratio).round(new MathContext(2)).toPlainString();
        return CompletableFuture.failedFuture(new StorageException(
                Errno.EINVAL,
                "with " + SizeText.of(moreBytes) + " more, volumes would have " + times
                        + " times what the pool has; the bound is " + MOST + " (--force)"));
    }
}
