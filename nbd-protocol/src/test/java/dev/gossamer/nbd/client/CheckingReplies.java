package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.wire.NbdCommand;
import io.netty.buffer.ByteBuf;
import java.util.List;

/** Holds the reply decoder to its word: only what was asked for, each byte once, nothing after the end. */
final class CheckingReplies implements ReplySink {
    /** In flight when the replies come; the cookie of each is its number. */
    static final List<Integer> COMMANDS = List.of(
            NbdCommand.READ, NbdCommand.WRITE, NbdCommand.TRIM, NbdCommand.WRITE_ZEROES, NbdCommand.BLOCK_STATUS);

    private static final int OFFSET_BYTES = 4096;
    private static final int LENGTH_BYTES = 512;

    private boolean ended;
    private long readBytes;

    static void expect(ClientReplyDecoder decoder, int command) {
        decoder.expect(command, command, 0, OFFSET_BYTES, LENGTH_BYTES, -1);
    }

    private void requireInside(long offsetBytes, long lengthBytes) {
        assertFalse(ended);
        assertTrue(offsetBytes >= OFFSET_BYTES
                && lengthBytes >= 1
                && lengthBytes <= OFFSET_BYTES + LENGTH_BYTES - offsetBytes);
    }

    @Override
    public void data(long cookie, long offsetBytes, ByteBuf in, int lengthBytes) {
        requireInside(offsetBytes, lengthBytes);
        readBytes += cookie == NbdCommand.READ ? lengthBytes : 0;
        in.skipBytes(lengthBytes);
    }

    @Override
    public void hole(long cookie, long offsetBytes, long lengthBytes) {
        requireInside(offsetBytes, lengthBytes);
        readBytes += cookie == NbdCommand.READ ? lengthBytes : 0;
    }

    @Override
    public void status(long cookie, int contextIndex, long offsetBytes, long lengthBytes, long statusFlags) {
        requireInside(offsetBytes, lengthBytes);
        assertTrue(statusFlags >= 0 && contextIndex < 2);
    }

    @Override
    public void finished(long cookie, int nbdError) {
        assertFalse(ended);
        if (cookie == NbdCommand.READ && nbdError == 0) {
            assertEquals(LENGTH_BYTES, readBytes, "every byte came once");
        }
    }

    @Override
    public void violation(String why) {
        assertFalse(ended);
        ended = true;
    }
}
