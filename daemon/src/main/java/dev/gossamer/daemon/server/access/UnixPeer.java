package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.handshake.Peer;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import io.netty.channel.uring.IoUringDomainSocketChannel;
import java.io.IOException;

/** Asks the kernel who is at the other end of a Unix socket (SO_PEERCRED, unix(7)). */
public final class UnixPeer {
    private UnixPeer() {}

    /**
     * The user id of the process that connected; {@link Peer#NO_USER} for other sockets, and where it cannot be told.
     */
    public static long userId(Channel channel) {
        PeerCredentials credentials = credentials(channel);
        return credentials == null ? Peer.NO_USER : Integer.toUnsignedLong(credentials.uid());
    }

    /** Who it is, for a log line: {@code uid:1000,pid:4711}, or {@code unknown}. */
    public static String describe(Channel channel) {
        PeerCredentials credentials = credentials(channel);
        return credentials == null
                ? "unknown"
                : "uid:" + Integer.toUnsignedLong(credentials.uid()) + ",pid:" + credentials.pid();
    }

    private static PeerCredentials credentials(Channel channel) {
        try {
            return switch (channel) {
                case IoUringDomainSocketChannel ring -> ring.peerCredentials();
                case EpollDomainSocketChannel epoll -> epoll.peerCredentials();
                default -> null;
            };
        } catch (IOException e) {
            return null; // the peer is gone already
        }
    }
}
