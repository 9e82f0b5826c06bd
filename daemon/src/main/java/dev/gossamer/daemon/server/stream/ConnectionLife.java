package dev.gossamer.daemon.server.stream;

/**
 * How far the life of one connection has come. A connection and its stream share one of these: either may be the first
 * to know of an end, and what the other may still do follows from it. States are only ever left for later ones, some
 * may be skipped, and {@link #advance} is the one place where that happens. Confined to the connection's loop.
 */
public final class ConnectionLife {
    /** In the order in which they follow each other. */
    public enum State {
        /** Commands are executed as they come. */
        OPEN,
        /**
         * The server stops, or the export is taken away. What is under way ends, what comes is answered ESHUTDOWN (T64,
         * T65).
         */
        DRAINING,
        /** The client said goodbye or sends no more; no command is taken any more (T35, T37). */
        FINISHING,
        /** Nothing is under way: nothing is read any more, and the replies that wait are the last. */
        FLUSHING,
        /** The end has begun. Nothing is read, executed or sent any more, but the kernel may still have memory. */
        CLOSING,
        /** The stream is gone and touches no memory. What is under way at the device still ends (T51a). */
        CLOSED,
        /** The device has been given back. */
        OVER
    }

    private State state = State.OPEN;

    /** Goes on to a later state. False if the connection has come there, or further, before: then nothing changes. */
    public boolean advance(State to) {
        if (to.compareTo(state) <= 0) {
            return false;
        }
        state = to;
        return true;
    }

    public boolean is(State asked) {
        return state == asked;
    }

    /** Whether bytes of the client may still be taken. */
    public boolean mayReceive() {
        return state.compareTo(State.FLUSHING) < 0;
    }

    /** Whether replies may still be made and sent. */
    public boolean maySend() {
        return state.compareTo(State.CLOSING) < 0;
    }

    /** Whether the stream is gone. */
    public boolean isClosed() {
        return state.compareTo(State.CLOSED) >= 0;
    }
}
