package dev.gossamer.nbd.transmission;

import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;

/** Tells another sink everything, and always has room; a subclass is different in something. */
public abstract class ForwardingSink implements RequestSink {
    private final RequestSink sink;

    protected ForwardingSink(RequestSink sink) {
        this.sink = sink;
    }

    @Override
    public boolean hasRoom() {
        return true;
    }

    @Override
    public boolean begin(NbdRequest request) {
        return sink.begin(request);
    }

    @Override
    public void payload(ByteBuf in, int lengthBytes) {
        sink.payload(in, lengthBytes);
    }

    @Override
    public void ready(NbdRequest request) {
        sink.ready(request);
    }

    @Override
    public void refused(NbdRequest request, int nbdError, String text) {
        sink.refused(request, nbdError, text);
    }

    @Override
    public void disconnect() {
        sink.disconnect();
    }

    @Override
    public void violation(String why) {
        sink.violation(why);
    }
}
