package dev.gossamer.daemon.remote;

import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;

/**
 * Repeats on a new connection what the server may have lost with the old one: the kept writes, in the order in which
 * they were answered as far as they overlap, then a FLUSH. Nothing else uses the device meanwhile. On the session's
 * loop.
 */
final class WriteReplay {
    /** Enough for a long line; comparing each write with so many costs nothing beside the network. */
    private static final int IN_FLIGHT = 32;

    /** Told of the way it goes, on the session's loop. */
    interface Outcome {
        /** One of the writes was answered; the rest goes on. */
        void answered();

        /** Told once, unless the connection is lost before the end: one of {@link NbdError}. */
        void replayed(int nbdError);
    }

    private final RemoteConnection connection;
    private final List<UnflushedWrite> writes;
    private final long replayEndNanos;
    private final Outcome outcome;
    private final List<UnflushedWrite> underWay = new ArrayList<>();
    private int next;
    private int firstError = NbdError.OK;

    /** @param writes sorted by their position; they stay the caller's */
    WriteReplay(RemoteConnection connection, List<UnflushedWrite> writes, long replayEndNanos, Outcome outcome) {
        this.connection = connection;
        this.writes = writes;
        this.replayEndNanos = replayEndNanos;
        this.outcome = outcome;
    }

    void start() {
        sendMore();
    }

    private void sendMore() {
        while (firstError == NbdError.OK
                && next < writes.size()
                && underWay.size() < IN_FLIGHT
                && !overlapsUnderWay(writes.get(next))) {
            UnflushedWrite write = writes.get(next++);
            underWay.add(write);
            connection.send(new Repeated(write));
        }
        if (!underWay.isEmpty()) {
            return;
        }
        if (firstError != NbdError.OK) {
            outcome.replayed(firstError);
        } else {
            connection.send(new LastFlush());
        }
    }

    private boolean overlapsUnderWay(UnflushedWrite write) {
        for (UnflushedWrite other : underWay) {
            if (write.overlaps(other)) {
                return true;
            }
        }
        return false;
    }

    private final class Repeated extends RemoteCommand {
        private final UnflushedWrite write;

        Repeated(UnflushedWrite write) {
            super(write.command(), write.flags(), write.offsetBytes(), write.lengthBytes(), replayEndNanos);
            this.write = write;
        }

        @Override
        void sending(ByteBuf message, int dataIndex) {
            ByteBuf data = write.data();
            message.writeBytes(data, data.readerIndex(), data.readableBytes());
        }

        @Override
        void answered(int nbdError) {
            underWay.remove(write);
            outcome.answered();
            if (nbdError != NbdError.OK && firstError == NbdError.OK) {
                firstError = nbdError;
            }
            sendMore();
        }
    }

    private final class LastFlush extends RemoteCommand {
        LastFlush() {
            super(NbdCommand.FLUSH, 0, 0, 0, replayEndNanos);
        }

        @Override
        void answered(int nbdError) {
            outcome.replayed(nbdError);
        }
    }
}
