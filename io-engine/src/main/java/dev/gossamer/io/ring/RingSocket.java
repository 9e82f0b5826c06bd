package dev.gossamer.io.ring;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.posix.Descriptors;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.IoEvent;
import io.netty.channel.IoRegistration;
import io.netty.channel.uring.IoUringIoEvent;
import io.netty.channel.uring.IoUringIoHandle;
import io.netty.channel.uring.IoUringIoOps;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connected stream socket on the ring of its loop: at most one receive and one send are with the kernel at a time. The
 * receive goes to any memory, so that payload lands where it is needed; the send gathers from any memory.
 *
 * <p>Against a Netty channel on the same ring this saves the poll before each receive, the task that flushes, and the
 * choice of memory that a channel makes for its reader.
 *
 * <p>Confined to the loop. Memory that was handed over stays with the kernel until {@link Listener#received}, or the
 * {@link Listener#sent} that covers it, or {@link Listener#closed}.
 */
public final class RingSocket implements IoUringIoHandle {
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

        /** The socket is closed, and nothing of it is with the kernel any more. Once, the last call. */
        void closed();
    }

    /** Pieces of memory in one send; more follow with the next. The kernel allows 1024. */
    public static final int PIECES = 128;

    private static final Logger LOG = LoggerFactory.getLogger(RingSocket.class);

    // Operation codes and flags of the kernel's interface (uapi/linux/io_uring.h, socket.h).
    private static final byte OP_POLL_ADD = 6;
    private static final byte OP_SENDMSG = 9;
    private static final byte OP_RECV = 27;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int POLLRDHUP = 0x2000;

    /*
     * struct msghdr and its struct iovec array, 64-bit Linux, little-endian on all that we run on:
     *
     *   0  name address   8  name length   16 iovec address   24 iovec count   32..55 control, flags: zero
     *   56 + 16 i: address   64 + 16 i: length
     */
    private static final int MSG_IOV_ADDRESS = 16;
    private static final int MSG_IOV_COUNT = 24;
    private static final int MSG_BYTES = 56;
    private static final int IOV_BYTES = 16;
    private static final int IOV_LENGTH = 8;

    private final int descriptor;
    private final Listener listener;
    private final IoRegistration registration;
    private final ByteBuf message = Unpooled.directBuffer(MSG_BYTES + PIECES * IOV_BYTES);
    private boolean receiving;
    private boolean sending;
    private boolean watching;
    private boolean closing;
    private boolean closed;

    /**
     * Takes a socket over. On the loop, which must be one with a ring.
     *
     * @param descriptor a connected socket that nobody else reads or writes; closed with this object
     */
    public RingSocket(NettyLoop loop, int descriptor, Listener listener) {
        Invariant.check(loop.files() instanceof RingFileEngine, "a loop without a ring");
        this.descriptor = descriptor;
        this.listener = listener;
        message.setZero(0, MSG_BYTES);
        message.setLongLE(MSG_IOV_ADDRESS, message.memoryAddress() + MSG_BYTES);
        registration = loop.eventLoop().register(this).getNow();
        Invariant.check(registration != null, "registered by another thread than the loop's");
    }

    public boolean isReceiving() {
        return receiving;
    }

    public boolean isSending() {
        return sending;
    }

    /** Receives at least one byte, at most {@code lengthBytes}, to an address. Not while another receive is under way. */
    public void receive(long address, int lengthBytes) {
        Invariant.check(!receiving && !closing, "a second receive");
        receiving = submit(OP_RECV, address, lengthBytes, 0);
    }

    /** Sets the {@code index}-th piece of the next send. Also while that send is under way: see {@link #send}. */
    public void setPiece(int index, long address, int lengthBytes) {
        message.setLongLE(MSG_BYTES + index * IOV_BYTES, address);
        message.setLongLE(MSG_BYTES + index * IOV_BYTES + IOV_LENGTH, lengthBytes);
    }

    /**
     * Sends the first {@code pieces} pieces. Until the loop enters the kernel, which is after all that it has to do at the
     * moment, {@link #extend} still adds to this send; so many replies share it. Nobody can tell when that is over,
     * and nobody needs to: {@link Listener#sent} tells how many bytes went.
     */
    public void send(int pieces) {
        Invariant.check(!sending && !closing, "a second send");
        message.setLongLE(MSG_IOV_COUNT, pieces);
        sending = submit(OP_SENDMSG, message.memoryAddress(), 1, MSG_NOSIGNAL);
    }

    /** The send has so many pieces now, if the kernel has not looked at it yet. */
    public void extend(int pieces) {
        message.setLongLE(MSG_IOV_COUNT, pieces);
    }

    /** Reports once when the peer sends no more: for a time in which nothing is received. Again and again costs nothing. */
    public void watchHangUp() {
        if (!watching && !closing) {
            watching = submit(OP_POLL_ADD, 0, 0, POLLRDHUP);
        }
    }

    /** Ends the connection; what is under way comes back first. Netty calls it, too, when the loop ends. */
    @Override
    public void close() {
        if (!closing) {
            closing = true;
            Descriptors.shutDown(descriptor);
            closeIfIdle();
        }
    }

    private boolean submit(byte code, long address, int length, int messageFlags) {
        if (!registration.isValid()) {
            // The loop ends; the process does, too.
            close();
            return false;
        }
        registration.submit(new IoUringIoOps(
                code,
                (byte) 0,
                (short) 0,
                descriptor,
                0,
                address,
                length,
                messageFlags,
                (long) code,
                (short) 0,
                (short) 0,
                0,
                0));
        return true;
    }

    /** A completion. Netty reuses the event, and pauses the loop for a tenth of a second if this throws. */
    @Override
    public void handle(IoRegistration source, IoEvent ioEvent) {
        IoUringIoEvent event = (IoUringIoEvent) ioEvent;
        int result = event.res();
        try {
            switch (event.opcode()) {
                case OP_RECV -> {
                    receiving = false;
                    if (!closing) {
                        listener.received(isTransient(result) ? -Errno.EAGAIN : result);
                    }
                }
                case OP_SENDMSG -> {
                    sending = false;
                    if (!closing) {
                        listener.sent(isTransient(result) ? 0 : result);
                    }
                }
                default -> {
                    watching = false;
                    if (!closing) {
                        listener.hungUp();
                    }
                }
            }
        } catch (RuntimeException | Error e) {
            LOG.error("connection failed", e);
            close();
        }
        closeIfIdle();
    }

    private static boolean isTransient(int result) {
        return result == -Errno.EINTR || result == -Errno.EAGAIN;
    }

    private void closeIfIdle() {
        if (closing && !closed && !receiving && !sending && !watching) {
            closed = true;
            Descriptors.close(descriptor);
            message.release();
            registration.cancel();
            listener.closed();
        }
    }
}
