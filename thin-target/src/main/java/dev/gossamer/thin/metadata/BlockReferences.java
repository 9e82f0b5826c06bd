package dev.gossamer.thin.metadata;

/**
 * What changes who refers to which data block, beside provisioning and unmapping.
 *
 * @param sharing how blocks get more owners
 * @param moves how owners get other blocks
 */
public record BlockReferences(BlockSharing sharing, BlockMoves moves) {}
