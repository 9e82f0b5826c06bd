package dev.gossamer.thin;

/**
 * How a pool stands for space at one moment, beyond the plain counts.
 *
 * @param dataBlocksFree data blocks that can be allocated now
 * @param dataBlocksReserved of those, held back for volumes with a reservation
 * @param dataBlocksEmergency of those, kept for volumes that are critical
 * @param dataBlocksMissing blocks that were promised to volumes and are not there
 * @param counting whether it is still being counted what volumes have, so that too much is held for them
 * @param overCommit sizes of all volumes that can be written, as a multiple of the data
 * @param dataLowWaterBlocks free data blocks at which the first event comes (W-1)
 * @param dataLow whether no more than that are free
 * @param metadataBlocksFree metadata blocks that can be allocated now, without the reserve (ST-2)
 * @param metadataLowWaterBlocks likewise (W-2)
 * @param metadataLow likewise
 * @param onFull what was asked for when the pool was opened
 * @param onFullEffective what happens now: the time-out turns QUEUE into ERROR (M-7)
 * @param waitingRequests writes waiting for space
 * @param waitedNanos how long somebody has been waiting
 * @param withheldBytes memory that freed blocks take which cannot be allocated yet; see {@link PoolCaches}
 * @param autoExtendBytes ceiling of the data device's own growth, 0 = it does not grow by itself
 */
public record SpaceStatus(
        long dataBlocksFree,
        long dataBlocksReserved,
        long dataBlocksEmergency,
        long dataBlocksMissing,
        boolean counting,
        double overCommit,
        long dataLowWaterBlocks,
        boolean dataLow,
        long metadataBlocksFree,
        long metadataLowWaterBlocks,
        boolean metadataLow,
        OnFull onFull,
        OnFull onFullEffective,
        int waitingRequests,
        long waitedNanos,
        long withheldBytes,
        long autoExtendBytes) {}
