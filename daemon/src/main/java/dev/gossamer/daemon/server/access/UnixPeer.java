package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.handshake.Peer;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.uring.IoUringDomainSocketChannel;
import java.io.IOException;

/** Asks the kernel who is at the other end of a Unix socket (SO_PEERCRED, unix(7)). */
public final class UnixPeer {
    private UnixPeer() {}

    /**
     * The user id of the process that connected; {@link Peer#NO_USER} for other sockets, and where it cannot be told.
     */
    public static long userId(Channel channel) {
        try {
            int id =
                    switch (channel) {
                        case IoUringDomainSocketChannel ring -> ring.peerCredentials()
                                .uid();
                        case EpollDomainSocketChannel epoll -> epoll.peerCredentials()
                                .uid();
                        default -> (int) Peer.NO_USER;
                    };
            return id == (int) Peer.NO_USER ? Peer.NO_USER : Integer.toUnsignedLong(id);
        } catch (IOException e) {
            return Peer.NO_USER; // the peer is gone already
        }
    }
}
