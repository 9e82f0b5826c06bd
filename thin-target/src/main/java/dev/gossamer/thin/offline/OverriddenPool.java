package dev.gossamer.thin.offline;

import java.io.IOException;
import java.util.function.UnaryOperator;

/** Passes on what it is told, but for the pool's own facts. */
public final class OverriddenPool extends PassingSink {
    private final UnaryOperator<Pool> change;

    public OverriddenPool(PoolSink sink, UnaryOperator<Pool> change) {
        super(sink);
        this.change = change;
    }

    @Override
    public void beginPool(Pool pool) throws IOException {
        sink.beginPool(change.apply(pool));
    }
}
