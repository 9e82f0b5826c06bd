package dev.gossamer.thin.job;

import dev.gossamer.thin.metadata.BlockMoves;
import java.util.List;

/** What whoever has blocks moved is told, however they are. */
interface MoveOutcome {
    /** Whether zeros will do for what cannot be read. */
    default boolean acceptsLosses() {
        return false;
    }

    /** Parts of blocks could not be read, and are zeros at the new place, if losses are accepted. */
    default void lost(List<BlockMoves.Owner> owners, List<BlockCopies.Lost> parts) {
        throw new AssertionError("losses are not accepted");
    }

    /** Nothing was changed, and nothing can be now. */
    void failed(Throwable cause);
}
