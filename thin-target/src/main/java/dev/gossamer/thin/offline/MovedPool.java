package dev.gossamer.thin.offline;

import java.io.IOException;

/** Passes on a pool as it is after a {@link ShrinkPlan} has been carried out. */
public final class MovedPool extends PassingSink {
    private final ShrinkPlan plan;

    public MovedPool(PoolSink sink, ShrinkPlan plan) {
        super(sink);
        this.plan = plan;
    }

    @Override
    public void beginPool(Pool pool) throws IOException {
        sink.beginPool(new Pool(
                pool.time(),
                pool.transactionId(),
                pool.needsCheck(),
                pool.version(),
                pool.dataBlockSectors(),
                plan.blocks()));
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        long done = 0;
        while (done < length) {
            long from = dataBlock + done;
            ShrinkPlan.Move move = plan.moveOf(from);
            long together = move == null
                    ? Math.max(1, Math.min(length - done, plan.blocks() - from))
                    : Math.min(length - done, move.from() + move.length() - from);
            long to = move == null ? from : move.to() + from - move.from();
            sink.mapping(virtualBlock + done, to, together, time);
            done += together;
        }
    }
}
