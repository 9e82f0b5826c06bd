package dev.gossamer.thin.job;

import dev.gossamer.thin.metadata.BlockMoves;

/**
 * How much one task of the worker takes on of who has data blocks, in places looked at and owners found: some
 * milliseconds each.
 *
 * @param together for several blocks, of which fewer are taken if that is not enough
 * @param alone for one block; with more it is moved by parts
 * @param pair for two blocks that are to become one; with more, by parts
 * @param part for a part of one's owners
 * @param places of blocks that are remembered between search and move
 */
public record MoveLimits(int together, int alone, int pair, int part, int places) {
    /** Those of a pool. */
    public static final MoveLimits NORMAL =
            new MoveLimits(BlockMoves.MAX_WORK, BlockMoves.MAX_BLOCK_WORK, 1 << 15, BlockMoves.MAX_WORK, 1 << 16);
}
