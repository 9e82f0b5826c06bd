package dev.gossamer.daemon.server.stream;

import io.netty.buffer.ByteBuf;

/**
 * The bytes between a client and its connection: hands over what arrives, sends replies in the order of the
 * calls. Confined to the connection's event loop.
 *
 * <p>There are two: {@link RingStream} on a loop with io_uring, {@link ChannelStream} for TLS and everywhere else.
 */
public interface ClientStream {
    /** What a stream asks and tells its connection, on the loop. */
    interface Listener {
        /** Shared by the connection and its stream. */
        ConnectionLife life();

        /**
         * Takes bytes that arrived, or that were left the last time; what it cannot use now stays unread.
         *
         * @return whether more is wanted; otherwise {@link ClientStream#resume} says when
         */
        boolean take(ByteBuf bytes);

        /** Length of a command's header, always the same. */
        int headerBytes();

        /**
         * How many of the next bytes may go straight to {@link #payloadAddress}, because they are payload; mostly 0.
         */
        int directPayloadBytes();

        /** Where they go. */
        long payloadAddress();

        /**
         * So many bytes have arrived there. {@link #take} follows at once, with what came behind them, be it nothing.
         */
        void payloadArrived(int bytes);

        /** Replies have been sent, and there is room for more. */
        void writable();

        /** The client sends no more, but may still read (T37). */
        void inputEnded();

        /** The stream cannot go on, and the client did not just leave: is told of, and calls {@link #close}. */
        void fail(Throwable cause);

        /** The stream is gone and touches no memory any more. Once, the last call. */
        void closed();
    }

    /** Room for a reply's header, {@link dev.gossamer.nbd.transmission.ReplyEncoder#LONGEST_HEADER_BYTES}: append. */
    ByteBuf header();

    /** The data that follows the header just written. Owns it from here on, even if it cannot be sent. */
    void data(ByteBuf bytes);

    /** The reply, header and data, is complete. */
    void endReply();

    /** Whether the client takes its replies fast enough to be given more to do. */
    boolean isWritable();

    /** While nothing is read: {@link Listener#inputEnded} follows if the client has gone. Costs a system call. */
    void lookForClient();

    /** Offers the bytes that were left unread, and goes on reading if more is wanted. */
    void resume();

    /** The connection is {@link ConnectionLife.State#FLUSHING}: sends what there is, then closes. */
    void finish();

    /** Closes at once. */
    void close();

    /** Bytes of replies that wait to be sent. */
    long unsentBytes();

    /** Changes as replies are sent. */
    long sendProgress();
}
