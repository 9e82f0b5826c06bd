package dev.gossamer.nbd.wire;

import io.netty.buffer.ByteBuf;

/**
 * The header of one request. A connection has one instance and reads every header into it, so its values hold only
 * until the next header is read: copy what must live longer.
 *
 * <pre>
 *   0        4       6       8                16               24               28
 *  +--------+-------+-------+----------------+----------------+----------------+---------------------+
 *  | magic  | flags | type  | cookie         | offset         | length (4)     | length bytes: WRITE |
 *  +--------+-------+-------+----------------+----------------+----------------+---------------------+
 *
 *   0        4       6       8                16               24               32
 *  +--------+-------+-------+----------------+----------------+----------------+-----------------------+
 *  | ext.   | flags | type  | cookie         | offset         | length (8)     | length bytes: if flag |
 *  | magic  |       |       |                |                |                | PAYLOAD_LEN is set    |
 *  +--------+-------+-------+----------------+----------------+----------------+-----------------------+
 *
 *  payload of BLOCK_STATUS (extended only): length of the range (8), n x context id (4)
 * </pre>
 */
public final class NbdRequest {
    public static final int HEADER_BYTES = 28;
    public static final int EXTENDED_HEADER_BYTES = 32;

    private int command;
    private int flags;
    private long cookie;
    private long sentOffsetBytes;
    private long offsetBytes;
    private long lengthBytes;
    private boolean hasPayload;
    private long contextFilter;

    /**
     * Reads the fields after the magic. Offset and length are 0 for the commands that do not use them (FLUSH, DISC),
     * whatever the peer sent (T11, T35); a FLUSH that announces a payload keeps its length, so that it can be skipped.
     */
    public void readFrom(ByteBuf in, boolean extended) {
        flags = in.readUnsignedShort();
        command = in.readUnsignedShort();
        cookie = in.readLong();
        sentOffsetBytes = in.readLong();
        offsetBytes = sentOffsetBytes;
        lengthBytes = extended ? in.readLong() : in.readUnsignedInt();
        hasPayload = extended ? (flags & NbdFlags.CMD_PAYLOAD_LEN) != 0 : command == NbdCommand.WRITE;
        contextFilter = -1;
        if (command == NbdCommand.FLUSH || command == NbdCommand.DISC) {
            offsetBytes = 0;
            if (!hasPayload) {
                lengthBytes = 0;
            }
        }
    }

    /** The payload of a BLOCK_STATUS was read: it told the range's length and which contexts are to answer (T60). */
    public void narrow(long rangeLengthBytes, long wantedContexts) {
        lengthBytes = rangeLengthBytes;
        contextFilter = wantedContexts;
        hasPayload = false;
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

    /** The offset as it was sent, which extended replies echo even where the command ignores it. */
    public long sentOffsetBytes() {
        return sentOffsetBytes;
    }

    /** From 0 to 2^32 - 1; with extended headers any value, where a negative one is longer than any export. */
    public long lengthBytes() {
        return lengthBytes;
    }

    /** Whether {@code lengthBytes} bytes of data follow the header. */
    public boolean hasPayload() {
        return hasPayload;
    }

    /** Which of the negotiated metadata contexts a BLOCK_STATUS wants: bit i stands for the i-th of their list. */
    public long contextFilter() {
        return contextFilter;
    }
}
