package dev.gossamer.daemon.server.access;

import dev.gossamer.daemon.server.access.AdmissionCounters.Refusal;
import dev.gossamer.nbd.handshake.Peer;
import io.netty.channel.Channel;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is connected to one listener, and how many there may be ({@link ServerLimits}). Beyond the limit of unfinished
 * handshakes the oldest is dropped, not the new one refused, so that idle connections cannot keep real clients out
 * (H13); beyond the limit of connections the new one is closed. Any thread; entered and left once per connection.
 */
@SuppressWarnings(
        "FutureReturnValueIgnored") // A channel that does not close, or write, reports it as an exception of its own.
public final class HandshakeGate {
    private static final Logger LOG = LoggerFactory.getLogger(HandshakeGate.class);
    private static final String UNIX_PEER = "";
    private static final int IPV6_PREFIX_BYTES = 8;

    private final Supplier<ServerLimits> limits;
    private final AdmissionCounters counters;
    private final ClientLog log;
    // Oldest first.
    private final LinkedHashMap<Channel, String> negotiating = new LinkedHashMap<>();
    // Those whose channel tells when they are over: until transmission begins.
    private final Map<Channel, String> entered = new HashMap<>();
    private final Map<String, Integer> openByPeer = new HashMap<>();
    private int open;

    public HandshakeGate(Supplier<ServerLimits> limits, AdmissionCounters counters, ClientLog log) {
        this.limits = limits;
        this.counters = counters;
        this.log = log;
    }

    /** False if there are too many connections: the channel is to be closed, and was not counted. */
    public boolean enter(Channel channel) {
        String peer =
                channel.remoteAddress() instanceof InetSocketAddress address ? peer(address.getAddress()) : UNIX_PEER;
        counters.countAccepted();
        channel.closeFuture().addListener(closed -> leave(channel)); // before anything counts
        ServerLimits now = limits.get();
        Channel dropped;
        synchronized (this) {
            int ofPeer = openByPeer.getOrDefault(peer, 0);
            if (open >= now.connections() || (!peer.equals(UNIX_PEER) && ofPeer >= now.connectionsPerPeer())) {
                counters.countRefused(Refusal.TOO_MANY_CONNECTIONS);
                log.refused(ClientLog.Kind.CONNECTION, PeerName.of(Peer.of(channel)), "too many connections");
                return false;
            }
            dropped = tooOld(peer, now);
            if (dropped != null) {
                remove(dropped);
                counters.countRefused(Refusal.TOO_MANY_HANDSHAKES);
            }
            count(channel, peer);
        }
        if (dropped != null) {
            LOG.debug("handshake dropped peer={} why=too many unfinished handshakes", dropped.remoteAddress());
            dropped.close();
        }
        return true;
    }

    /** A host with IPv6 has 2^64 addresses, all that begin as its own: for the limits they are one peer. */
    private static String peer(InetAddress address) {
        return address instanceof Inet6Address
                ? HexFormat.of().formatHex(address.getAddress(), 0, IPV6_PREFIX_BYTES)
                : address.getHostAddress();
    }

    /** All or, without memory for that, nothing. */
    private void count(Channel channel, String peer) {
        boolean isCounted = false;
        try {
            entered.put(channel, peer);
            negotiating.put(channel, peer);
            openByPeer.merge(peer, 1, Integer::sum);
            isCounted = true;
        } finally {
            if (!isCounted) {
                entered.remove(channel);
                negotiating.remove(channel);
            }
        }
        open++;
        counters.addHandshakes(1);
    }

    /**
     * Its handshake is over; the connection goes on, and counts as one until {@code over} completes. The channel says
     * nothing about that any more: a connection whose socket the ring takes over closes it and lives on.
     */
    public void negotiated(Channel channel, CompletableFuture<Void> over) {
        String peer;
        synchronized (this) {
            peer = entered.get(channel);
        }
        if (peer != null) {
            over.thenRun(() -> release(peer)); // else the channel's end still counts
        }
        synchronized (this) {
            remove(channel);
            entered.remove(channel);
        }
    }

    private synchronized void leave(Channel channel) {
        remove(channel);
        String peer = entered.remove(channel);
        if (peer != null) {
            release(peer);
        }
    }

    private synchronized void release(String peer) {
        open--;
        openByPeer.computeIfPresent(peer, (key, count) -> count == 1 ? null : count - 1);
    }

    private void remove(Channel channel) {
        if (negotiating.remove(channel) != null) {
            counters.addHandshakes(-1);
        }
    }

    /** Connections, handshakes among them. */
    public synchronized int open() {
        return open;
    }

    public synchronized int handshakes() {
        return negotiating.size();
    }

    /** Ends all handshakes: the server stops. */
    public void closeAll() {
        Channel[] channels;
        synchronized (this) {
            channels = negotiating.keySet().toArray(Channel[]::new);
        }
        for (Channel channel : channels) {
            channel.close();
        }
    }

    /** The handshake that has to go for a new one of this peer, or null. */
    private Channel tooOld(String peer, ServerLimits now) {
        if (negotiating.size() >= now.handshakes()) {
            return oldest(null);
        }
        // Cheap in the common case: a peer cannot have more handshakes than connections.
        boolean limited = !peer.equals(UNIX_PEER) && openByPeer.getOrDefault(peer, 0) >= now.handshakesPerPeer();
        boolean over =
                limited && negotiating.values().stream().filter(peer::equals).count() >= now.handshakesPerPeer();
        return over ? oldest(peer) : null;
    }

    private Channel oldest(String peer) {
        for (Map.Entry<Channel, String> entry : negotiating.entrySet()) {
            if (peer == null || entry.getValue().equals(peer)) {
                return entry.getKey();
            }
        }
        return null;
    }
}
