package dev.gossamer.daemon.server;

import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connections that have not negotiated yet, oldest first. Beyond the limits the oldest is dropped, not the new one
 * refused, so that idle connections cannot keep real clients out (H13). Any thread; entered and left once per connection.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
final class HandshakeGate {
    private static final Logger LOG = LoggerFactory.getLogger(HandshakeGate.class);

    /** Per server and per peer address, as other servers have it; Unix peers all share the first. */
    private static final int LIMIT = 1000;

    private static final int LIMIT_PER_PEER = 64;
    private static final String UNIX_PEER = "";

    private final LinkedHashMap<Channel, String> peers = new LinkedHashMap<>();

    void enter(Channel channel) {
        String peer = channel.remoteAddress() instanceof InetSocketAddress address
                ? address.getAddress().getHostAddress()
                : UNIX_PEER;
        Channel dropped = null;
        synchronized (this) {
            if (peers.size() >= LIMIT) {
                dropped = oldest(null);
            } else if (!peer.equals(UNIX_PEER) && count(peer) >= LIMIT_PER_PEER) {
                dropped = oldest(peer);
            }
            if (dropped != null) {
                peers.remove(dropped);
            }
            peers.put(channel, peer);
        }
        if (dropped != null) {
            LOG.debug("handshake dropped peer={} why=too many unfinished handshakes", dropped.remoteAddress());
            dropped.close();
        }
        channel.closeFuture().addListener(closed -> leave(channel));
    }

    synchronized void leave(Channel channel) {
        peers.remove(channel);
    }

    /** Ends all handshakes: the server stops. */
    void closeAll() {
        Channel[] channels;
        synchronized (this) {
            channels = peers.keySet().toArray(Channel[]::new);
        }
        for (Channel channel : channels) {
            channel.close();
        }
    }

    private long count(String peer) {
        return peers.values().stream().filter(peer::equals).count();
    }

    private Channel oldest(String peer) {
        for (Map.Entry<Channel, String> entry : peers.entrySet()) {
            if (peer == null || entry.getValue().equals(peer)) {
                return entry.getKey();
            }
        }
        return null;
    }
}
