package dev.gossamer.thin;

import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.rate.RateWaits;
import java.time.Instant;
import java.util.UUID;

/**
 * A volume as the user sees it, at one moment. Snapshots are volumes too.
 *
 * @param id thin device id, 24 bits
 * @param uuid null for a volume of an adopted pool that nobody has named
 * @param name unique in the pool; the export name
 * @param sizeBytes virtual size
 * @param mappedBytes data blocks mapped, shared ones included, in bytes
 * @param ownBytes of these, mapped since its last snapshot, and no other volume's; -1: not known, or not yet (AC-1)
 * @param promisedBytes of the pool's space, mapped or not (AC-13)
 * @param readOnly writes are refused
 * @param originId the volume this is a snapshot of, or -1; the origin may be gone
 * @param createdAt null for a volume of an adopted pool that nobody has named
 * @param openCount connections that have the volume open
 * @param limits what it may take of the pool's space
 * @param rates what clients may do with it in a second
 * @param rateWaits what that has cost them since the pool was opened
 * @param externalOrigin path or URI of what shows through where nothing is mapped; null for zeros
 * @param externalOriginFailure why that cannot be used, so that reads of it fail; null if it can
 * @param damage what is wrong with its metadata, so that requests that need it or would change it fail; null: nothing
 *     known
 */
public record VolumeInfo(
        int id,
        UUID uuid,
        String name,
        long sizeBytes,
        long mappedBytes,
        long ownBytes,
        long promisedBytes,
        boolean readOnly,
        int originId,
        Instant createdAt,
        int openCount,
        VolumeLimits limits,
        IoRates rates,
        RateWaits rateWaits,
        String externalOrigin,
        String externalOriginFailure,
        String damage) {

    /** Whether the volume was made as a snapshot of another. */
    public boolean isSnapshot() {
        return originId >= 0;
    }
}
