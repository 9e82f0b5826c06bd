package dev.gossamer.thin.offline;

import java.io.IOException;
import java.util.function.UnaryOperator;

/** Passes on what it is told, but for the pool's own facts. */
public final class OverriddenPool implements PoolSink {
    private final PoolSink sink;
    private final UnaryOperator<Pool> change;

    public OverriddenPool(PoolSink sink, UnaryOperator<Pool> change) {
        this.sink = sink;
        this.change = change;
    }

    @Override
    public void beginPool(Pool pool) throws IOException {
        sink.beginPool(change.apply(pool));
    }

    @Override
    public void beginShared(long name) throws IOException {
        sink.beginShared(name);
    }

    @Override
    public void endShared() throws IOException {
        sink.endShared();
    }

    @Override
    public void beginDevice(Device device) throws IOException {
        sink.beginDevice(device);
    }

    @Override
    public void endDevice() throws IOException {
        sink.endDevice();
    }

    @Override
    public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
        sink.mapping(virtualBlock, dataBlock, length, time);
    }

    @Override
    public void shared(long name) throws IOException {
        sink.shared(name);
    }

    @Override
    public void endPool() throws IOException {
        sink.endPool();
    }
}
