package dev.gossamer.thin.offline;

import java.io.IOException;

/** Passes on what it is told. For sinks that change a little of it. */
abstract class PassingSink implements PoolSink {
    final PoolSink sink;

    PassingSink(PoolSink sink) {
        this.sink = sink;
    }

    @Override
    public void beginPool(Pool pool) throws IOException {
        sink.beginPool(pool);
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
