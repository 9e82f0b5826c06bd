package dev.gossamer.nbd.wire;

import io.netty.buffer.ByteBuf;

/**
 * The header of one request. A connection has one instance and reads every header into it, so its values hold only until
 * the next header is read: copy what must live longer.
 *
 * <pre>
 *   0        4       6       8                16               24       28
 *  +--------+-------+-------+----------------+----------------+--------+---------------------+
 *  | magic  | flags | type  | cookie         | offset         | length | length bytes: WRITE |
 *  +--------+-------+-------+----------------+----------------+--------+---------------------+
 * </pre>
 */
public final class NbdRequest {
    public static final int HEADER_BYTES = 28;

    private int command;
    private int flags;
    private long cookie;
    private long offsetBytes;
    private long lengthBytes;

    /**
     * Reads the fields after the magic, {@code HEADER_BYTES - 4} bytes. Offset and length are 0 for the commands that do
     * not use them (FLUSH, DISC), whatever the peer sent (T11, T35).
     */
    public void readFrom(ByteBuf in) {
        flags = in.readUnsignedShort();
        command = in.readUnsignedShort();
        cookie = in.readLong();
        offsetBytes = in.readLong();
        lengthBytes = in.readUnsignedInt();
        if (command == NbdCommand.FLUSH || command == NbdCommand.DISC) {
            offsetBytes = 0;
            lengthBytes = 0;
        }
    }

    /** One of {@link NbdCommand}, or an unknown number below 65536 before validation. */
    public int command() {
        return command;
    }

    /** Command flags, {@code CMD_} in {@link NbdFlags}. */
    public int flags() {
        return flags;
    }

    /** Whether the client wants the effect on stable storage before the reply. */
    public boolean isFua() {
        return (flags & NbdFlags.CMD_FUA) != 0;
    }

    /** The client's own mark, to be echoed unchanged; any value, used again and again, even twice in flight (T21). */
    public long cookie() {
        return cookie;
    }

    /** Unsigned on the wire: a negative value is an offset past any end. */
    public long offsetBytes() {
        return offsetBytes;
    }

    /** From 0 to 2^32 - 1. */
    public long lengthBytes() {
        return lengthBytes;
    }

    /** Whether {@code lengthBytes} bytes of data follow the header. */
    public boolean hasPayload() {
        return command == NbdCommand.WRITE;
    }
}
