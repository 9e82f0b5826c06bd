package dev.gossamer.daemon.remote;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdFlags;
import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;

/**
 * A new connection as whoever checks it sees it ({@link dev.gossamer.io.ChangeGate}): reads and writes, straight to the
 * server, past all that waits. On the session's loop.
 */
final class CheckedConnection implements BlockDevice {
    private final RemoteConnection connection;
    private final BlockGeometry geometry;
    private final String name;
    private final long deadlineNanos;
    private boolean ended;

    /** @param deadlineNanos the loop's time at which an answer is no longer waited for */
    CheckedConnection(RemoteConnection connection, BlockGeometry geometry, String name, long deadlineNanos) {
        this.connection = connection;
        this.geometry = geometry;
        this.name = name;
        this.deadlineNanos = deadlineNanos;
    }

    @Override
    public BlockGeometry geometry() {
        return geometry;
    }

    @Override
    public void submit(BlockRequest request) {
        boolean transfer = request.operation() == BlockOperation.READ || request.operation() == BlockOperation.WRITE;
        if (!transfer) {
            request.complete(Errno.EOPNOTSUPP);
        } else if (ended || connection.isClosed()) {
            request.complete(Errno.EIO);
        } else {
            boolean fua = request.operation() == BlockOperation.WRITE
                    && request.hasFlag(BlockRequest.FUA)
                    && connection.export().offers(NbdFlags.SEND_FUA);
            connection.send(new Direct(request, fua ? NbdFlags.CMD_FUA : 0, deadlineNanos));
        }
    }

    /** The connection is given up: what has no answer ends with EIO, and so does what comes later. */
    void end() {
        ended = true;
        connection.takeUnanswered().forEach(RemoteCommand::abandoned);
    }

    @Override
    public void close() {
        // The session's business.
    }

    @Override
    public String toString() {
        return name;
    }

    private final class Direct extends RemoteCommand {
        private final BlockRequest request;
        private final IoBuffer buffer;

        Direct(BlockRequest request, int flags, long deadlineNanos) {
            super(
                    request.operation() == BlockOperation.READ ? NbdCommand.READ : NbdCommand.WRITE,
                    flags,
                    request.offsetBytes(),
                    request.lengthBytes(),
                    deadlineNanos);
            this.request = request;
            this.buffer = request.buffer();
        }

        @Override
        void sending(ByteBuf message, int dataIndex) {
            message.writeBytes(memory());
        }

        private ByteBuffer memory() {
            return buffer.bytes().slice(request.bufferOffsetBytes(), (int) lengthBytes);
        }

        @Override
        void received(long atBytes, ByteBuf in, int pieceBytes) {
            in.readBytes(memory().slice((int) (atBytes - offsetBytes), pieceBytes));
        }

        @Override
        void receivedHole(long atBytes, long pieceBytes) {
            buffer.zero(request.bufferOffsetBytes() + (int) (atBytes - offsetBytes), (int) pieceBytes);
        }

        @Override
        void answered(int nbdError) {
            boolean mustFlush = nbdError == NbdError.OK
                    && command == NbdCommand.WRITE
                    && flags == 0
                    && request.hasFlag(BlockRequest.FUA)
                    && connection.export().offers(NbdFlags.SEND_FLUSH);
            if (mustFlush) {
                connection.send(new FlushAfter(request, deadlineNanos));
            } else {
                request.complete(RemoteErrors.toErrno(nbdError));
            }
        }

        @Override
        void abandoned() {
            request.complete(Errno.EIO);
        }
    }

    /** What makes a write stable on a server without FUA. */
    private static final class FlushAfter extends RemoteCommand {
        private final BlockRequest request;

        FlushAfter(BlockRequest request, long deadlineNanos) {
            super(NbdCommand.FLUSH, 0, 0, 0, deadlineNanos);
            this.request = request;
        }

        @Override
        void answered(int nbdError) {
            request.complete(RemoteErrors.toErrno(nbdError));
        }

        @Override
        void abandoned() {
            request.complete(Errno.EIO);
        }
    }
}
