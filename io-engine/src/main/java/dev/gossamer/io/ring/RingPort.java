package dev.gossamer.io.ring;

/**
 * How a {@link RingSocket} reaches its socket: the ring of its loop, or a simulated network. At most one operation of
 * each kind is under way. Confined to the loop.
 */
public interface RingPort {
    /** What is asked of the socket. The memory that a message names stays with the port until the operation is done. */
    enum Operation {
        /** Receives at least one byte into the pieces of the message. */
        RECEIVE,
        /**
         * Sends from the pieces of the message, as they are when the loop enters the kernel, which is not before the
         * end of its turn.
         */
        SEND,
        /** Reports when the peer sends no more. */
        WATCH
    }

    /** Told on the loop. */
    interface Listener {
        /**
         * An operation is over.
         *
         * @param result bytes, 0 at the end of the stream; below 0 an errno, negated
         */
        void done(Operation operation, int result);

        /** The loop ends, and takes nothing any more. */
        void loopEnds();
    }

    /** Once, before the first operation. */
    void open(Listener listener);

    /**
     * Begins an operation.
     *
     * @param messageAddress of the kernel's {@code struct msghdr}; 0 for {@link Operation#WATCH}
     * @return false if nothing is begun, for want of room or because the loop ends: the connection has to
     */
    boolean submit(Operation operation, long messageAddress);

    /** Ends the connection in both directions: what is under way is done soon, in one way or another. */
    void shutDown();

    /** Lets the socket go. Nothing is under way. */
    void release();
}
