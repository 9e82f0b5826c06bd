package dev.gossamer.snapshot;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.worker.RunCutter;
import dev.gossamer.snapshot.copy.ChunkRun;

/**
 * Cuts requests where a snapshot's table does. What is in the store is served there; the rest is the device's that
 * asks.
 */
abstract class StoreRuns extends RunCutter<ChunkRun> {
    private final OriginLoops loops;
    private final CowSnapshot snapshot;

    StoreRuns(OriginLoops loops, CowSnapshot snapshot) {
        super(loops.runs());
        this.loops = loops;
        this.snapshot = snapshot;
    }

    /** Whether chunks that are not in the store are served together. */
    abstract boolean joinsMissing(BlockRequest request);

    /** Serves a piece that is not in the store: as many chunks as there are, or one, as {@link #joinsMissing} says. */
    abstract void serveMissing(BlockRequest piece);

    @Override
    protected final void find(ChunkRun run, BlockRequest request, long fromBytes, long toBytes) {
        run.find(
                snapshot.table(),
                snapshot.chunkShift(),
                snapshot.sizeBytes(),
                fromBytes,
                toBytes,
                joinsMissing(request));
    }

    @Override
    protected final void serve(BlockRequest piece, ChunkRun run) {
        if (!run.isInStore()) {
            serveMissing(piece);
            return;
        }
        if (piece.operation() == BlockOperation.WRITE_ZEROES) {
            // The chunk is the snapshot's for ever, so its space must stay allocated.
            piece.setFlags(piece.flags() | BlockRequest.NO_UNMAP);
        }
        loops.writes().enter(piece, run.storeOffsetBytes());
        snapshot.storeDevice().start(piece);
    }
}
