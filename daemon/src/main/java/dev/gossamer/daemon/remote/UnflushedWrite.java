package dev.gossamer.daemon.remote;

import dev.gossamer.nbd.wire.NbdCommand;
import io.netty.buffer.ByteBuf;

/**
 * A write the server has answered and no FLUSH covers yet. Written by one link, then perhaps by the session that
 * replays it: they hand it over by message.
 *
 * @param sequence position among all answered writes of the device
 * @param command WRITE or WRITE_ZEROES
 * @param flags as first sent, but for FAST_ZERO
 * @param data of a WRITE, owned; null for WRITE_ZEROES
 */
record UnflushedWrite(long sequence, int command, int flags, long offsetBytes, long lengthBytes, ByteBuf data) {
    /** What a kept command costs besides its data, roughly. */
    private static final int OVERHEAD_BYTES = 256;

    int heldBytes() {
        return OVERHEAD_BYTES + (command == NbdCommand.WRITE ? (int) lengthBytes : 0);
    }

    boolean overlaps(UnflushedWrite other) {
        return offsetBytes < other.offsetBytes + other.lengthBytes && other.offsetBytes < offsetBytes + lengthBytes;
    }

    void release() {
        if (data != null) {
            data.release();
        }
    }
}
