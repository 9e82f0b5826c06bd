package dev.gossamer.io.ring;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Faults;
import dev.gossamer.io.Invariant;

/**
 * A connected stream socket behind a {@link RingPort}, mostly on the ring of its loop: at most one receive and one send
 * are with the kernel at a time. The receive goes to any memory, so that payload lands where it is needed, and takes
 * what follows the payload along; the send gathers from any memory.
 *
 * <p>Against a Netty channel on the same ring this saves the poll before each receive, the task that flushes, and the
 * choice of memory that a channel makes for its reader.
 *
 * <p>Confined to the loop. Memory that was handed over stays with the kernel until {@link Listener#received}, or the
 * {@link Listener#sent} that covers it, or {@link Listener#closed}.
 */
public final class RingSocket implements RingPort.Listener {
    /** Told on the loop. */
    public interface Listener {
        /**
         * The receive is over.
         *
         * @param result bytes received; 0 at the end of the stream; below 0 an errno, negated: EAGAIN means "try again"
         */
        void received(int result);

        /** The send is over. The result: bytes sent, perhaps fewer than were given; below 0 an errno, negated. */
        void sent(int result);

        /** The peer sends no more, or is gone; asked for by {@link RingSocket#watchHangUp}. */
        void hungUp();

        /**
         * The end has begun, whoever began it: nothing may be handed over any more, and nothing is told but
         * {@link #closed}. Once.
         */
        void closing();

        /** The socket is closed, and nothing of it is with the kernel any more. Once, the last call. */
        void closed();
    }

    /** Pieces of memory in one send; more follow with the next. */
    public static final int PIECES = 128;

    /** Payload, and what follows it. */
    private static final int INCOMING_PIECES = 2;

    private enum State {
        OPEN,
        /** Nothing new goes to the kernel; what it has comes back. */
        CLOSING,
        CLOSED
    }

    private final RingPort port;
    private final Faults faults;
    private final Listener listener;
    private final MessageHeader outgoing;
    private final MessageHeader incoming;
    // Made beforehand: who has no memory when the socket is closed hears of that all the same.
    private final Runnable whenClosed;
    private boolean receiving;
    private boolean sending;
    private boolean watching;
    private State state = State.OPEN;

    /**
     * Takes a socket over. On the loop.
     *
     * @param faults the loop's
     */
    public RingSocket(RingPort port, Faults faults, Listener listener) {
        this.port = port;
        this.faults = faults;
        this.listener = listener;
        whenClosed = listener::closed;
        MessageHeader first = null;
        MessageHeader second = null;
        try {
            first = new MessageHeader(PIECES);
            second = new MessageHeader(INCOMING_PIECES);
            second.setCount(INCOMING_PIECES);
            outgoing = first;
            incoming = second;
            port.open(this);
        } catch (RuntimeException | Error fault) {
            release(first);
            release(second);
            throw fault;
        }
    }

    private static void release(MessageHeader header) {
        if (header != null) {
            header.release();
        }
    }

    public boolean isReceiving() {
        return receiving;
    }

    public boolean isSending() {
        return sending;
    }

    /**
     * Receives at least one byte, and no more than there are at the moment: the first {@code payloadBytes} bytes to one
     * address, those beyond them to another. Not while another receive is under way.
     *
     * @param payloadBytes 0 or more
     * @param restBytes room at {@code restAddress}, 1 or more
     */
    public void receive(long payloadAddress, int payloadBytes, long restAddress, int restBytes) {
        Invariant.check(!receiving && state == State.OPEN, "a second receive");
        incoming.setPiece(0, payloadAddress, payloadBytes);
        incoming.setPiece(1, restAddress, restBytes);
        receiving = submit(RingPort.Operation.RECEIVE, incoming.address());
    }

    /** Sets the {@code index}-th piece of the next send. Also while that send is under way: see {@link #send}. */
    public void setPiece(int index, long address, int lengthBytes) {
        outgoing.setPiece(index, address, lengthBytes);
    }

    /**
     * Sends the first {@code pieces} pieces. Until the loop enters the kernel, which is after all that it has to do at
     * the moment, {@link #extend} still adds to this send; so many replies share it. Nobody can tell when that is over,
     * and nobody needs to: {@link Listener#sent} tells how many bytes went.
     */
    public void send(int pieces) {
        Invariant.check(!sending && state == State.OPEN, "a second send");
        outgoing.setCount(pieces);
        sending = submit(RingPort.Operation.SEND, outgoing.address());
    }

    /** The send has so many pieces now, if the kernel has not looked at it yet. */
    public void extend(int pieces) {
        outgoing.setCount(pieces);
    }

    /**
     * Reports once when the peer sends no more: for a time in which nothing is received. Again and again costs nothing.
     */
    public void watchHangUp() {
        if (!watching && state == State.OPEN) {
            watching = submit(RingPort.Operation.WATCH, 0);
        }
    }

    /** Ends the connection; what is under way comes back first. */
    public void close() {
        if (state == State.OPEN) {
            state = State.CLOSING;
            listener.closing();
            port.shutDown();
            closeIfIdle();
        }
    }

    @Override
    public void loopEnds() {
        close();
    }

    private boolean submit(RingPort.Operation operation, long messageAddress) {
        if (!port.submit(operation, messageAddress)) {
            close();
            return false;
        }
        return true;
    }

    /** A completion. Netty pauses the loop for a tenth of a second if this throws. */
    @Override
    public void done(RingPort.Operation operation, int result) {
        try {
            switch (operation) {
                case RECEIVE -> {
                    receiving = false;
                    if (state == State.OPEN) {
                        listener.received(isTransient(result) ? -Errno.EAGAIN : result);
                    }
                }
                case SEND -> {
                    sending = false;
                    if (state == State.OPEN) {
                        listener.sent(isTransient(result) ? 0 : result);
                    }
                }
                case WATCH -> {
                    watching = false;
                    if (state == State.OPEN) {
                        listener.hungUp();
                    }
                }
            }
        } catch (Throwable fault) {
            faults.caught(fault);
            close();
        }
        closeIfIdle();
    }

    private static boolean isTransient(int result) {
        return result == -Errno.EINTR || result == -Errno.EAGAIN;
    }

    private void closeIfIdle() {
        if (state == State.CLOSING && !receiving && !sending && !watching) {
            state = State.CLOSED;
            port.release();
            outgoing.release();
            incoming.release();
            faults.run(whenClosed);
        }
    }
}
