package dev.gossamer.daemon.remote;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;

/** A command that serves a block request, or a part of one. The request's buffer stays lent until it is answered. */
final class RemotePiece extends RemoteCommand {
    final RemoteRequest parent;
    private RemoteLink link;
    // Null for commands without data, and for a WRITE of zeros.
    private final IoBuffer buffer;
    private final int bufferOffsetBytes;
    private final boolean urgent;
    private ByteBuf message;
    private int messageDataIndex;
    private boolean ended;
    int attempts;
    /** For a FLUSH: what had been answered when it was sent. */
    long coveredSequence;

    RemotePiece(
            RemoteLink link,
            RemoteRequest parent,
            int command,
            int flags,
            long offsetBytes,
            long lengthBytes,
            long deadlineNanos) {
        super(command, flags, offsetBytes, lengthBytes, deadlineNanos);
        this.link = link;
        this.parent = parent;
        this.buffer = parent.request().buffer();
        this.bufferOffsetBytes = buffer == null
                ? 0
                : parent.request().bufferOffsetBytes()
                        + (int) (offsetBytes - parent.request().offsetBytes());
        this.urgent = parent.request().hasFlag(BlockRequest.URGENT);
    }

    /** Whether it goes ahead of those that wait already. */
    boolean isUrgent() {
        return urgent;
    }

    /**
     * Whether it has to be kept until a FLUSH covers it. A write with FUA too, although the server cannot lose it: an
     * earlier write of the same range may be repeated, and would be the last one if this were not.
     */
    boolean isKept() {
        return (command == NbdCommand.WRITE || command == NbdCommand.WRITE_ZEROES) && link.keepsWrites();
    }

    boolean changes() {
        return command == NbdCommand.WRITE || command == NbdCommand.WRITE_ZEROES || command == NbdCommand.TRIM;
    }

    /** Another link serves it, with all other pieces of its request. On that one's loop. */
    void moveTo(RemoteLink newLink) {
        link = newLink;
        parent.here();
    }

    @Override
    void sending(ByteBuf out, int dataIndex) {
        if (buffer == null) {
            out.writeZero(payloadBytes());
        } else {
            out.writeBytes(memory());
        }
        messageDataIndex = dataIndex;
        if (isKept()) {
            message = out.retain();
        }
    }

    private ByteBuffer memory() {
        return buffer.bytes().slice(bufferOffsetBytes, (int) lengthBytes);
    }

    @Override
    void received(long atBytes, ByteBuf in, int pieceBytes) {
        in.readBytes(memory().slice((int) (atBytes - offsetBytes), pieceBytes));
    }

    @Override
    void receivedHole(long atBytes, long pieceBytes) {
        buffer.zero(bufferOffsetBytes + (int) (atBytes - offsetBytes), (int) pieceBytes);
    }

    @Override
    void answered(int nbdError) {
        link.answered(this, nbdError);
    }

    /**
     * It is answered, and kept until a FLUSH covers it: with its data as it was sent, on which this hold ends.
     * FAST_ZERO has done its part with the answer: the range has to be zero again, be that as fast as it was or not.
     */
    UnflushedWrite kept(long sequence) {
        int again = flags & ~NbdFlags.CMD_FAST_ZERO;
        return new UnflushedWrite(sequence, command, again, offsetBytes, lengthBytes, takeData());
    }

    private ByteBuf takeData() {
        ByteBuf data = message == null ? null : message.retainedSlice(messageDataIndex, payloadBytes());
        forgetData();
        return data;
    }

    /** Its outcome is known, and nobody sends it again. @return false if that was so before */
    boolean end() {
        forgetData();
        boolean isFirst = !ended;
        ended = true;
        return isFirst;
    }

    /** It will be sent again, or never. */
    void forgetData() {
        if (message != null) {
            message.release();
            message = null;
        }
    }
}
