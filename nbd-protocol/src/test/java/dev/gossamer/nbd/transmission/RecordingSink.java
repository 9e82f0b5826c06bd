package dev.gossamer.nbd.transmission;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes down what the decoder says, and checks that it says it in the promised order. */
class RecordingSink implements RequestSink {
    final List<String> events = new ArrayList<>();

    /** How often {@code begin} still says no. */
    int refusals;

    private final ByteArrayOutputStream payload = new ByteArrayOutputStream();
    private boolean begun;

    @Override
    public boolean hasRoom() {
        return true;
    }

    @Override
    public boolean begin(NbdRequest request) {
        assertFalse(begun, "begin within a request");
        if (refusals > 0) {
            refusals--;
            return false;
        }
        begun = true;
        payload.reset();
        return true;
    }

    @Override
    public void payload(ByteBuf in, int lengthBytes) {
        assertTrue(begun && lengthBytes > 0, "payload of a request that began");
        byte[] part = new byte[lengthBytes];
        in.readBytes(part);
        payload.writeBytes(part);
    }

    @Override
    public void ready(NbdRequest request) {
        assertTrue(begun, "ready after begin");
        begun = false;
        events.add("ready " + request.command() + " flags " + request.flags() + " cookie " + request.cookie() + " at "
                + request.offsetBytes() + "+" + request.lengthBytes() + " payload " + payload.size() + "#"
                + Arrays.hashCode(payload.toByteArray()));
    }

    @Override
    public void refused(NbdRequest request, int nbdError, String text) {
        assertFalse(begun, "refused within a request");
        events.add("refused " + request.command() + " cookie " + request.cookie() + " error " + nbdError + " " + text);
    }

    @Override
    public void disconnect() {
        events.add("disconnect");
    }

    @Override
    public void violation(String why) {
        events.add("violation " + why);
    }
}
