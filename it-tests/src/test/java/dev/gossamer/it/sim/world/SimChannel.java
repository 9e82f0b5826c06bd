package dev.gossamer.it.sim.world;

import dev.gossamer.io.ring.PeerEnd;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.AbstractChannel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelConfig;
import io.netty.channel.ChannelMetadata;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.ChannelInputShutdownReadComplete;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;

/**
 * A server's end of a connection as a Netty channel: partial reads and sends, half-closed peers, resets. Behaves as
 * Netty's own socket channels do towards pipeline and outbound buffer.
 */
@SuppressWarnings("deprecation") // Netty's own interfaces still ask for these
public final class SimChannel extends AbstractChannel implements PeerEnd {
    private static final ChannelMetadata METADATA = new ChannelMetadata(false, 16);

    private final World world;
    private SimSocket socket;
    private SocketAddress remote;
    private final SimChannelConfig config;
    private boolean open = true;
    private boolean readWanted;
    private boolean readScheduled;
    private boolean inputShutdown;
    private boolean waitsForRoom;
    private boolean taken;

    SimChannel(
            Channel parent,
            World world,
            SimSocket socket,
            long number,
            InetSocketAddress remote,
            ByteBufAllocator allocator) {
        super(parent, new SimChannelId(number));
        this.world = world;
        this.socket = socket;
        this.remote = remote;
        this.config = new SimChannelConfig(this, allocator);
    }

    /** One that is going to connect; made by Netty. */
    public SimChannel() {
        super(null, new SimChannelId(-World.current().nextDialled()));
        this.world = World.current();
        this.config = new SimChannelConfig(this, new UnpooledByteBufAllocator(true, true));
    }

    /** Somebody else has the socket from now on. */
    SimSocket takeSocket() {
        taken = true;
        return socket;
    }

    @Override
    protected void doRegister() {
        if (socket != null) {
            attach();
        }
    }

    private void attach() {
        socket.onReadable(this::scheduleRead);
        socket.onRoom(() -> {
            if (waitsForRoom) {
                waitsForRoom = false;
                eventLoop().execute(() -> ((SimUnsafe) unsafe()).flushAgain());
            }
        });
    }

    @Override
    protected void doBeginRead() {
        readWanted = true;
        scheduleRead();
    }

    void autoReadCleared() {
        readWanted = false;
    }

    @Override
    public boolean hasHungUp() {
        return socket.isBroken() || socket.hasEnded();
    }

    private void scheduleRead() {
        boolean something = socket != null && (socket.available() > 0 || socket.isAtEnd() || socket.isBroken());
        if (open && !taken && readWanted && !readScheduled && something && !(inputShutdown && !socket.isBroken())) {
            readScheduled = true;
            eventLoop().execute(this::readNow);
        }
    }

    /** What goes to a remote data device has the catalog's UUIDs and times in it, which differ each time. */
    private void traced(byte[] data) {
        if (parent() != null) {
            world.trace().bytes(data, 0, data.length);
        }
    }

    private void readNow() {
        readScheduled = false;
        if (!open || taken || !readWanted) {
            return;
        }
        if (socket.isBroken()) {
            pipeline().fireExceptionCaught(new IOException("Connection reset by peer"));
            unsafe().close(voidPromise());
            return;
        }
        readWanted = false;
        RecvByteBufAllocator.Handle handle = unsafe().recvBufAllocHandle();
        handle.reset(config);
        do {
            ByteBuf buffer = handle.allocate(config.getAllocator());
            byte[] data = socket.read(buffer.writableBytes());
            handle.attemptedBytesRead(buffer.writableBytes());
            handle.lastBytesRead(data.length);
            if (data.length == 0) {
                buffer.release();
                break;
            }
            traced(data);
            buffer.writeBytes(data);
            handle.incMessagesRead(1);
            pipeline().fireChannelRead(buffer);
        } while (open && handle.continueReading());
        handle.readComplete();
        pipeline().fireChannelReadComplete();
        if (open && socket.isAtEnd()) {
            inputEnded();
        } else if (open && readWanted) {
            scheduleRead();
        }
    }

    private void inputEnded() {
        if (inputShutdown) {
            return;
        }
        if (config.allowsHalfClosure()) {
            inputShutdown = true;
            pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
            pipeline().fireUserEventTriggered(ChannelInputShutdownReadComplete.INSTANCE);
        } else {
            unsafe().close(voidPromise());
        }
    }

    @Override
    protected void doWrite(ChannelOutboundBuffer out) throws IOException {
        for (Object message = out.current(); message != null; message = out.current()) {
            ByteBuf bytes = (ByteBuf) message;
            if (!bytes.isReadable()) {
                out.remove();
                continue;
            }
            if (socket.isPeerGone() || socket.isBroken()) {
                throw new IOException("Broken pipe");
            }
            int length = Math.min(bytes.readableBytes(), socket.room());
            if (length <= 0) {
                waitsForRoom = true;
                return;
            }
            byte[] data = new byte[length];
            bytes.getBytes(bytes.readerIndex(), data);
            traced(data);
            socket.send(data);
            out.progress(length);
            out.removeBytes(length);
        }
    }

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new SimUnsafe();
    }

    private final class SimUnsafe extends AbstractUnsafe {
        @Override
        public void connect(SocketAddress to, SocketAddress from, ChannelPromise promise) {
            if (!promise.setUncancellable() || !ensureOpen(promise)) {
                return;
            }
            SimSocket end = world.dial(((InetSocketAddress) to).getPort(), NetMood.QUIET);
            if (end == null) {
                promise.tryFailure(new ConnectException("Connection refused"));
                closeIfClosed();
                return;
            }
            socket = end;
            remote = to;
            attach();
            promise.trySuccess();
            pipeline().fireChannelActive();
        }

        @Override
        protected void flush0() {
            if (!waitsForRoom) {
                super.flush0();
            }
        }

        void flushAgain() {
            super.flush0();
        }
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return loop instanceof SimEventLoop;
    }

    @Override
    protected SocketAddress localAddress0() {
        return SimServerChannel.ADDRESS;
    }

    @Override
    protected SocketAddress remoteAddress0() {
        return remote;
    }

    @Override
    protected void doBind(SocketAddress address) {
        throw new UnsupportedOperationException("accepted already");
    }

    @Override
    protected void doDisconnect() {
        doClose();
    }

    @Override
    protected void doClose() {
        open = false;
        if (!taken && socket != null) {
            socket.close();
        }
    }

    @Override
    public ChannelConfig config() {
        return config;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    @Override
    public boolean isActive() {
        return open && socket != null;
    }

    @Override
    public ChannelMetadata metadata() {
        return METADATA;
    }
}
