package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.transmission.RequestSink;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;

/** Holds the request decoder to its word: calls in order, ranges checked, nothing after the end. */
final class CheckingRequests implements RequestSink {
    private boolean ended;
    private boolean begun;

    @Override
    public boolean hasRoom() {
        return true;
    }

    @Override
    public boolean begin(NbdRequest request) {
        assertFalse(ended || begun);
        boolean inside = request.offsetBytes() >= 0
                && request.lengthBytes() >= 0
                && request.lengthBytes() <= Remotes.SIZE_BYTES - request.offsetBytes();
        assertTrue(inside, "range was checked");
        begun = true;
        return true;
    }

    @Override
    public void payload(ByteBuf in, int lengthBytes) {
        assertTrue(begun && !ended);
        in.skipBytes(lengthBytes);
    }

    @Override
    public void ready(NbdRequest request) {
        assertTrue(begun && !ended);
        begun = false;
    }

    @Override
    public void refused(NbdRequest request, int nbdError, String text) {
        assertFalse(begun || ended);
    }

    @Override
    public void disconnect() {
        assertFalse(begun || ended);
        ended = true;
    }

    @Override
    public void violation(String why) {
        assertFalse(begun || ended);
        ended = true;
    }
}
