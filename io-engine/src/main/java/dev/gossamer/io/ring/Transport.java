package dev.gossamer.io.ring;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import io.netty.channel.Channel;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.uring.IoUring;
import io.netty.channel.uring.IoUringDomainSocketChannel;
import io.netty.channel.uring.IoUringIoHandler;
import io.netty.channel.uring.IoUringIoHandlerConfig;
import io.netty.channel.uring.IoUringServerDomainSocketChannel;
import io.netty.channel.uring.IoUringServerSocketChannel;
import io.netty.channel.uring.IoUringSocketChannel;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;

/**
 * Netty's pieces that belong together on this machine.
 *
 * @param reason why it is not io_uring; empty if it is
 */
record Transport(
        boolean ring,
        IoHandlerFactory handlers,
        Class<? extends ServerChannel> unixServer,
        Class<? extends ServerChannel> tcpServer,
        Class<? extends Channel> unixClient,
        Class<? extends Channel> tcpClient,
        String reason) {
    /** One turn of a loop with 128 commands in flight on each of two connections fits without an extra system call. */
    private static final int RING_ENTRIES = 256;

    /** A thousand clients that connect and vanish together leave about eight completions each; 16 bytes per entry. */
    private static final int COMPLETION_ENTRIES = 16 << 10;

    static {
        // Netty 4.2.18 with poll requests that stay armed: a connection that is reset while a read is under way is
        // never
        // seen to end, and keeps its memory. Read by Netty when its class IoUring is loaded, which happens below only.
        System.setProperty("io.netty.iouring.pollAddMultishotEnabled", "false");
    }

    /** A Unix socket's address in the type that {@link #unixServer} and {@link #unixClient} take. */
    SocketAddress unixAddress(Path path) {
        return unixServer == NioServerDomainSocketChannel.class
                ? UnixDomainSocketAddress.of(path)
                : new DomainSocketAddress(path.toFile());
    }

    static Transport choose(IoEngineChoice choice) throws StorageException {
        if (choice == IoEngineChoice.THREADS) {
            return polling("threads were asked for");
        }
        if (IoUring.isAvailable()) {
            return uring();
        }
        String reason = "io_uring is not available: " + Reason.of(root(IoUring.unavailabilityCause()));
        if (choice == IoEngineChoice.RING) {
            throw new StorageException(Errno.EOPNOTSUPP, reason + "; choose the engine 'auto' or 'threads'");
        }
        return polling(reason);
    }

    private static Transport uring() {
        return new Transport(
                true,
                IoUringIoHandler.newFactory(
                        new IoUringIoHandlerConfig().setRingSize(RING_ENTRIES).setCqSize(COMPLETION_ENTRIES)),
                IoUringServerDomainSocketChannel.class,
                IoUringServerSocketChannel.class,
                IoUringDomainSocketChannel.class,
                IoUringSocketChannel.class,
                "");
    }

    private static Transport polling(String reason) {
        if (Epoll.isAvailable()) {
            return new Transport(
                    false,
                    EpollIoHandler.newFactory(),
                    EpollServerDomainSocketChannel.class,
                    EpollServerSocketChannel.class,
                    EpollDomainSocketChannel.class,
                    EpollSocketChannel.class,
                    reason);
        }
        return new Transport(
                false,
                NioIoHandler.newFactory(),
                NioServerDomainSocketChannel.class,
                NioServerSocketChannel.class,
                NioDomainSocketChannel.class,
                NioSocketChannel.class,
                reason + "; epoll neither: " + Reason.of(root(Epoll.unavailabilityCause())));
    }

    private static Throwable root(Throwable cause) {
        Throwable root = cause;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }
}
