package dev.gossamer.daemon.server.stream;

import dev.gossamer.daemon.server.stream.ConnectionLife.State;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.io.ring.RingPort;
import dev.gossamer.io.ring.RingSocket;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslHandler;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client whose socket is on the loop's ring, beside the disks, without a channel: its requests arrive many at a time,
 * large payload lands where the disk takes it from, and replies leave as soon as the loop enters the kernel, all that
 * are ready by then in one send.
 *
 * <p>Begins as the handler that follows the handshake in a channel. When the last reply of the handshake has left, it
 * takes the socket away and closes the channel, so that nothing else reads from the socket. Confined to
 * the loop.
 */
@SuppressWarnings("FutureReturnValueIgnored") // A channel that does not close has nobody left to tell.
public final class RingStream extends ChannelInboundHandlerAdapter implements ClientStream, RingSocket.Listener {
    private static final Logger LOG = LoggerFactory.getLogger(RingStream.class);

    /** Requests without payload come by the hundred in one receive; sixteen writes of 4 KiB do. */
    private static final int INPUT_BYTES = 64 << 10;

    /**
     * Payload of this length must not come through the input: copying it would cost more than another receive. After
     * such a write the next command is likely to be one too, so no more than its header is received with the end of
     * this payload, and not a byte more: payload that began in the input would arrive at an odd address, which makes
     * the kernel's copy slower.
     */
    public static final int LARGE_PAYLOAD_BYTES = 16 << 10;

    private final Listener listener;
    private final ConnectionLife life;
    private final int unsentLimitBytes;
    private final SendQueue queue = new SendQueue();
    private final ByteBuf input;
    // Bytes that the channel read before it let go of the socket; mostly none.
    private ByteBuf early = Unpooled.EMPTY_BUFFER;
    private Channel channel;
    private RingSocket socket;
    private boolean wanted = true;
    // Of the receive under way, how much of it is payload at most; the rest is input.
    private int payloadBytes;
    // Whether the write that is arriving is a large one, or was, and nothing came behind it yet.
    private boolean afterLargeWrite;
    private boolean accounting;
    private int sendPieces;
    private long sendProgress;

    /** @param unsentLimitBytes replies that may wait before the stream is not {@link #isWritable} */
    public RingStream(Listener listener, int unsentLimitBytes) {
        this.listener = listener;
        this.life = listener.life();
        this.unsentLimitBytes = unsentLimitBytes;
        try {
            input = Unpooled.directBuffer(INPUT_BYTES, INPUT_BYTES);
        } catch (RuntimeException | Error noMemory) {
            queue.close();
            throw noMemory;
        }
    }

    /** Whether a channel's socket can be taken over: the loop takes sockets, and no encryption is in between. */
    public static boolean canTake(Channel channel, NettyLoop loop) {
        return loop.takesSocketOf(channel) && channel.pipeline().get(SslHandler.class) == null;
    }

    // ---- taking over from the channel ----

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) {
        channel = ctx.channel();
        try {
            channel.config().setAutoRead(false);
            ctx.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(written -> attach((ChannelFuture) written));
        } catch (RuntimeException | Error fault) {
            listener.fail(fault); // Netty would only take the handler away
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        // What came behind the last option; or a read that was under way when the handshake ended.
        ByteBuf bytes = (ByteBuf) message;
        if (!life.mayReceive()) {
            bytes.release();
            return;
        }
        early = Unpooled.wrappedBuffer(early, bytes);
        if (socket != null) {
            resume();
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        if (socket == null) {
            closed();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("connection ended why={}", cause.toString());
        ctx.close();
    }

    private void attach(ChannelFuture written) {
        if (!written.isSuccess() || !life.maySend()) {
            closeChannel();
            return;
        }
        try {
            NettyLoop loop = NettyLoop.of(channel.eventLoop());
            RingPort port = loop.takeSocketOf(channel);
            try {
                socket = new RingSocket(port, loop.faults(), this);
            } catch (RuntimeException | Error fault) {
                port.release();
                throw fault;
            }
            channel.close();
            send();
            if (life.mayReceive()) {
                resume();
            } else {
                finish();
            }
        } catch (StorageException | RuntimeException | Error e) {
            // Nobody else would hear of it.
            listener.fail(e);
        }
    }

    /** There is no socket, so that the channel's end is the stream's. A peer that left early has ended it already. */
    private void closeChannel() {
        life.advance(State.CLOSING);
        channel.close().addListener(done -> {
            if (socket == null) {
                closed();
            }
        });
    }

    // ---- reading ----

    @Override
    public void resume() {
        if (!life.mayReceive()) {
            return;
        }
        if (early.isReadable()) {
            wanted = listener.take(early);
            if (early.isReadable()) {
                receive();
                return;
            }
            early.release();
            early = Unpooled.EMPTY_BUFFER;
        }
        takeInput();
    }

    private void takeInput() {
        wanted = listener.take(input);
        if (!input.isReadable()) {
            input.clear();
        }
        receive();
    }

    /** Nothing: the socket tells by itself. */
    @Override
    public void lookForClient() {}

    @Override
    public void hungUp() {
        if (!wanted && life.mayReceive()) {
            listener.inputEnded();
        }
    }

    private void receive() {
        if (!life.mayReceive() || socket == null || socket.isReceiving()) {
            return;
        }
        if (!wanted) {
            // A client that goes away must not go unnoticed now: what it sent before is dropped, not executed (T51a).
            socket.watchHangUp();
            return;
        }
        payloadBytes = listener.directPayloadBytes();
        afterLargeWrite |= payloadBytes >= LARGE_PAYLOAD_BYTES;
        socket.receive(
                payloadBytes > 0 ? listener.payloadAddress() : 0,
                payloadBytes,
                input.memoryAddress(),
                afterLargeWrite ? listener.headerBytes() : INPUT_BYTES);
    }

    @Override
    public void received(int result) {
        if (!life.mayReceive()) {
            return;
        }
        if (result > 0) {
            int arrivedBytes = Math.min(result, payloadBytes);
            afterLargeWrite &= result == arrivedBytes;
            input.setIndex(0, result - arrivedBytes);
            if (arrivedBytes > 0) {
                listener.payloadArrived(arrivedBytes);
            }
            takeInput();
        } else if (result == 0) {
            wanted = false;
            listener.inputEnded();
        } else if (result == -Errno.EAGAIN) {
            receive();
        } else {
            // A peer that goes away without a word is an ordinary end (T37).
            LOG.debug("connection ended why={}", Errno.name(-result));
            close();
        }
    }

    // ---- sending ----

    @Override
    public ByteBuf header() {
        return queue.header();
    }

    @Override
    public void data(ByteBuf bytes) {
        queue.data(bytes);
    }

    @Override
    public void endReply() {
        queue.endHeader();
        send();
    }

    /** Gives the kernel what there is; while a send is on its way there, adds to it. */
    private void send() {
        if (socket == null || !life.maySend() || accounting || queue.pieces() == 0) {
            return;
        }
        boolean sending = socket.isSending();
        int pieces = Math.min(queue.pieces(), RingSocket.PIECES);
        // The last piece of the send under way may have grown.
        for (int i = sending ? Math.max(0, sendPieces - 1) : 0; i < pieces; i++) {
            socket.setPiece(i, queue.address(i), queue.lengthBytes(i));
        }
        sendPieces = pieces;
        if (sending) {
            socket.extend(pieces);
        } else {
            socket.send(pieces);
        }
    }

    @Override
    public void sent(int result) {
        if (result < 0) {
            LOG.debug("connection ended why={}", Errno.name(-result));
            close();
            return;
        }
        sendProgress += result;
        boolean wasWritable = isWritable();
        // Memory given back may let other requests finish at once: their replies are queued, and sent below.
        accounting = true;
        queue.sent(result);
        accounting = false;
        send();
        if (queue.pieces() == 0 && life.is(State.FLUSHING)) {
            close();
        } else if (!wasWritable && isWritable()) {
            listener.writable();
        }
    }

    @Override
    public boolean isWritable() {
        return queue.unsentBytes() < unsentLimitBytes && !queue.isCrowded();
    }

    @Override
    public long unsentBytes() {
        return queue.unsentBytes();
    }

    @Override
    public long sendProgress() {
        return sendProgress;
    }

    // ---- the end ----

    @Override
    public void finish() {
        if (socket != null && queue.pieces() == 0) {
            close();
        }
    }

    @Override
    public void close() {
        if (socket != null) {
            socket.close();
        } else {
            closeChannel();
        }
    }

    @Override
    public void closing() {
        life.advance(State.CLOSING);
    }

    @Override
    public void closed() {
        if (life.advance(State.CLOSED)) {
            queue.close();
            input.release();
            early.release();
            early = Unpooled.EMPTY_BUFFER;
            listener.closed();
        }
    }
}
