package dev.gossamer.daemon.admin;

import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import java.util.List;

/**
 * What may still be promised to volumes (OP-21): the one formula for the API, metrics and orchestrators. A thin pool
 * promises more than it has, up to {@code over-commit} times its data; what was promised to volumes that can be written
 * is gone, and so is what they have reserved.
 *
 * @param provisionedBytes sizes of all volumes that can be written
 * @param reservedBytes what volumes have reserved
 * @param availableBytes over-commit x data - provisioned - reserved, never below 0
 * @param maximumVolumeBytes the largest volume that can be made now
 */
public record Capacity(long provisionedBytes, long reservedBytes, long availableBytes, long maximumVolumeBytes) {

    /**
     * What may be promised now.
     *
     * @param overCommit how many times the data may be promised, at least 1
     */
    public static Capacity of(PoolStatus pool, List<VolumeInfo> volumes, int overCommit) {
        double provisioned = 0; // a sum of sizes may be beyond 2^63
        double reserved = 0;
        for (VolumeInfo volume : volumes) {
            provisioned += volume.readOnly() ? 0 : volume.sizeBytes();
            reserved += volume.limits().reserveBytes();
        }
        double promised = (double) pool.dataBlocks() * pool.blockBytes() * overCommit;
        long available = bytes(Math.max(0, promised - provisioned - reserved));
        long largest = Math.min(available, VolumeSpec.MAX_SIZE_BYTES);
        return new Capacity(
                bytes(provisioned),
                bytes(reserved),
                available,
                largest / VolumeSpec.SIZE_STEP_BYTES * VolumeSpec.SIZE_STEP_BYTES);
    }

    private static long bytes(double value) {
        return (long) Math.min(value, (double) Long.MAX_VALUE);
    }
}
