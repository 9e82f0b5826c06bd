package dev.gossamer.nbd.client;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import java.util.ArrayList;
import java.util.List;

/** Writes down what the decoder says; data that arrive in parts are written down as one. */
final class RecordingReplies implements ReplySink {
    final List<String> events = new ArrayList<>();
    private long dataEndBytes = -1;

    @Override
    public void data(long cookie, long offsetBytes, ByteBuf in, int lengthBytes) {
        String hex = ByteBufUtil.hexDump(in.readSlice(lengthBytes));
        String begin = "data " + cookie + " to ";
        if (dataEndBytes == offsetBytes && events.getLast().startsWith(begin)) {
            String old = events.removeLast();
            hex = old.substring(old.lastIndexOf(' ') + 1) + hex;
        }
        dataEndBytes = offsetBytes + lengthBytes;
        events.add(begin + dataEndBytes + " " + hex);
    }

    @Override
    public void hole(long cookie, long offsetBytes, long lengthBytes) {
        events.add("hole " + cookie + " " + offsetBytes + "+" + lengthBytes);
    }

    @Override
    public void status(long cookie, int contextIndex, long offsetBytes, long lengthBytes, long statusFlags) {
        events.add("status " + cookie + " #" + contextIndex + " " + offsetBytes + "+" + lengthBytes + " is "
                + statusFlags);
    }

    @Override
    public void finished(long cookie, int nbdError) {
        events.add("finished " + cookie + " " + nbdError);
    }

    @Override
    public void violation(String why) {
        events.add("violation " + why);
    }
}
