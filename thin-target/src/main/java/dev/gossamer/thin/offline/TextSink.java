package dev.gossamer.thin.offline;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** What writers of text have in common: bytes in a buffer, numbers without a string for each. */
abstract class TextSink implements PoolSink {
    private static final int BUFFER_BYTES = 256 << 10;
    /** A line with its numbers is shorter. */
    private static final int SLACK_BYTES = 512;

    private final OutputStream out;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int used;

    TextSink(OutputStream out) {
        this.out = out;
    }

    static byte[] text(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    final void put(byte[] text) throws IOException {
        if (used + text.length > BUFFER_BYTES - SLACK_BYTES) {
            flush();
        }
        System.arraycopy(text, 0, buffer, used, text.length);
        used += text.length;
    }

    final void put(String text) throws IOException {
        put(text(text));
    }

    /** A number without sign. */
    final void put(long number) throws IOException {
        if (number < 0) {
            put(Long.toUnsignedString(number));
            return;
        }
        if (used > BUFFER_BYTES - SLACK_BYTES) {
            flush();
        }
        int digits = 1;
        for (long limit = 10; number >= limit && digits < 19; limit *= 10) {
            digits++;
        }
        long rest = number;
        for (int i = used + digits - 1; i >= used; i--) {
            long tenth = rest / 10;
            buffer[i] = (byte) ('0' + (rest - tenth * 10));
            rest = tenth;
        }
        used += digits;
    }

    /** Hands everything to the stream. */
    final void flush() throws IOException {
        out.write(buffer, 0, used);
        out.flush();
        used = 0;
    }
}
