package dev.gossamer.io.ring;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.SocketFlags;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.Socket;
import io.netty.channel.unix.UnixChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;

/**
 * A listening socket that was open when this process began: systemd's socket activation, sd_listen_fds(3). Whoever
 * passed it made its file and removes it; connections that come while nobody serves wait in its queue.
 *
 * @param fd the descriptor
 * @param unix a Unix socket, else TCP
 * @param address where it listens
 */
public record PassedSocket(int fd, boolean unix, SocketAddress address) {
    // Linux's values, socket(7).
    private static final int SOL_SOCKET = 1;
    private static final int SO_TYPE = 3;
    private static final int SO_ACCEPTCONN = 30;
    private static final int SO_DOMAIN = 39;
    private static final int SOCK_STREAM = 1;
    private static final int AF_UNIX = 1;
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;

    /** Looks what the descriptor is; call after {@link IoLoops#start}, which loads Netty's native code. */
    public static PassedSocket of(int fd) throws StorageException {
        try {
            Socket socket = new Socket(fd);
            int family = socket.getIntOpt(SOL_SOCKET, SO_DOMAIN);
            if (socket.getIntOpt(SOL_SOCKET, SO_TYPE) != SOCK_STREAM
                    || socket.getIntOpt(SOL_SOCKET, SO_ACCEPTCONN) == 0
                    || (family != AF_UNIX && family != AF_INET && family != AF_INET6)) {
                throw new StorageException(
                        Errno.EINVAL,
                        "passed descriptor " + fd
                                + " is no listening TCP or Unix socket; use ListenStream= in the unit");
            }
            return new PassedSocket(
                    fd,
                    family == AF_UNIX,
                    family == AF_UNIX ? socket.localDomainSocketAddress() : socket.localAddress());
        } catch (StorageException e) {
            throw e;
        } catch (IOException | ChannelException e) {
            throw new StorageException(
                    Errno.EINVAL, "passed descriptor " + fd + " is no socket; check LISTEN_FDS and whoever set it", e);
        }
    }

    /** Accepts connections with this bootstrap, which has no channel type and no address yet. */
    Channel listen(ServerBootstrap bootstrap, Transport transport) throws StorageException {
        if (transport.ring()) {
            return listenOnRing(bootstrap, transport);
        }
        // epoll asks again and again until there is nobody left to accept.
        SocketFlags.setBlocking(fd, false);
        bootstrap.channelFactory(
                () -> unix ? new EpollServerDomainSocketChannel(fd, true) : new EpollServerSocketChannel(fd));
        return await(bootstrap.register());
    }

    /**
     * Netty 4.2.18 cannot make a server channel of io_uring from a descriptor. So one is bound somewhere out of the
     * way, not accepting yet, and then its descriptor becomes another name of the passed socket.
     */
    private Channel listenOnRing(ServerBootstrap bootstrap, Transport transport) throws StorageException {
        // With io_uring an accept that need not wait would fail at once instead of staying in the kernel.
        SocketFlags.setBlocking(fd, true);
        bootstrap.channel(unix ? transport.unixServer() : transport.tcpServer()).option(ChannelOption.AUTO_READ, false);
        // A name that begins with a zero byte is abstract: no file.
        SocketAddress aside = unix
                ? new DomainSocketAddress(
                        "\0gossamer-" + ProcessHandle.current().pid() + "-" + fd)
                : new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        Channel channel = await(bootstrap.bind(aside));
        SocketFlags.duplicate(fd, ((UnixChannel) channel).fd().intValue());
        channel.config().setAutoRead(true);
        return channel;
    }

    private Channel await(ChannelFuture started) throws StorageException {
        started.awaitUninterruptibly();
        if (!started.isSuccess()) {
            throw new StorageException(
                    Errno.EIO,
                    "cannot use the passed socket " + address + ": " + Reason.of(started.cause()),
                    started.cause());
        }
        return started.channel();
    }
}
