package dev.gossamer.daemon.remote;

import dev.gossamer.nbd.wire.NbdCommand;
import io.netty.buffer.ByteBuf;

/**
 * One NBD command on its way to a server, perhaps several times. Confined to the loop of the connection it is sent on.
 */
abstract class RemoteCommand {
    /** One of {@link NbdCommand}. */
    final int command;

    /** Command flags of {@link dev.gossamer.nbd.wire.NbdFlags}. */
    final int flags;

    final long offsetBytes;
    final long lengthBytes;

    /** The loop's time at which an answer is no longer waited for. */
    final long deadlineNanos;

    /** The loop's time at which it was sent on the present connection. */
    private long sentNanos;

    RemoteCommand(int command, int flags, long offsetBytes, long lengthBytes, long deadlineNanos) {
        this.command = command;
        this.flags = flags;
        this.offsetBytes = offsetBytes;
        this.lengthBytes = lengthBytes;
        this.deadlineNanos = deadlineNanos;
    }

    /** Data that travels with it, to or from the server. */
    final int payloadBytes() {
        return command == NbdCommand.READ || command == NbdCommand.WRITE ? (int) lengthBytes : 0;
    }

    final boolean isExpired(long nowNanos) {
        return nowNanos - deadlineNanos >= 0;
    }

    final void sent(long nowNanos) {
        sentNanos = nowNanos;
    }

    /** How long its server has had to answer it. */
    final long underWayNanos(long nowNanos) {
        return nowNanos - sentNanos;
    }

    /**
     * For a WRITE: appends header and data are in {@code message} from now on; whoever needs the data later retains it.
     */
    void sending(ByteBuf message, int dataIndex) {
        throw new AssertionError("carries no data");
    }

    /** For a READ: takes a piece of the answer. */
    void received(long atBytes, ByteBuf in, int pieceBytes) {
        throw new AssertionError("reads no data");
    }

    /** For a READ: a piece of the answer is zero. */
    void receivedHole(long atBytes, long pieceBytes) {
        throw new AssertionError("reads no data");
    }

    /** The server's answer: one of {@link dev.gossamer.nbd.wire.NbdError}. */
    abstract void answered(int nbdError);

    /**
     * The connection is gone, and it will not be sent again. Those that are, or that nobody waits for, do nothing here.
     */
    void abandoned() {}
}
