package dev.gossamer.thin.offline;

/**
 * What the user says of a pool whose superblock does not; null: nothing.
 *
 * @param dataBlockSectors size of a data block
 */
public record RepairSettings(Integer dataBlockSectors, Long dataBlocks, Long transactionId) {}
