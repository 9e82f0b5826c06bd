package dev.gossamer.thin;

/**
 * A pool's condition at one moment.
 *
 * @param mode what the pool can do
 * @param modeCause why it is not WRITE, or empty
 * @param needsCheck the superblock's flag: a metadata operation failed and the metadata wants checking
 * @param blockBytes size of a data block
 * @param dataBlocks data blocks in total
 * @param dataBlocksUsed data blocks with a reference
 * @param metadataBlocks metadata blocks of 4 KiB in total
 * @param metadataBlocksUsed metadata blocks with a reference
 * @param transactionId the user's transaction id of the superblock
 * @param heldRoot block of the metadata snapshot, 0 = none
 * @param time snapshots ever taken
 * @param volumes number of volumes, snapshots included
 * @param space how it stands for space
 * @param reclaimVolumes deleted volumes whose blocks are still being reclaimed
 * @param reclaimBlocks mappings left of these; the data blocks behind them come free where nobody else has them
 * @param discard what TRIM comes to on the pool's data device
 */
public record PoolStatus(
        PoolMode mode,
        String modeCause,
        boolean needsCheck,
        int blockBytes,
        long dataBlocks,
        long dataBlocksUsed,
        long metadataBlocks,
        long metadataBlocksUsed,
        long transactionId,
        long heldRoot,
        long time,
        int volumes,
        SpaceStatus space,
        int reclaimVolumes,
        long reclaimBlocks,
        DiscardMode discard) {}
