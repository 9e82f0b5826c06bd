package dev.gossamer.thin.offline;

/**
 * What the user says of a pool whose superblock does not; null: nothing.
 *
 * @param dataBlockSectors size of a data block
 */
public record RepairSettings(Integer dataBlockSectors, Long dataBlocks, Long transactionId) {
    /** The same; what the user does not say is this, which somebody else says. */
    public RepairSettings or(long otherBlockSectors, long otherDataBlocks, long otherTransactionId) {
        boolean possible =
                otherBlockSectors <= Integer.MAX_VALUE && MetadataSource.isBlockSize((int) otherBlockSectors);
        return new RepairSettings(
                dataBlockSectors == null && possible ? Integer.valueOf((int) otherBlockSectors) : dataBlockSectors,
                dataBlocks == null ? Long.valueOf(otherDataBlocks) : dataBlocks,
                transactionId == null ? Long.valueOf(otherTransactionId) : transactionId);
    }
}
