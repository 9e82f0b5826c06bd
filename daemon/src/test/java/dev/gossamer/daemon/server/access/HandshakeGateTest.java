package dev.gossamer.daemon.server.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.AdmissionCounters.Refusal;
import io.netty.channel.Channel;
import io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Limits of connections and of unfinished handshakes (H13). */
class HandshakeGateTest {
    private final AdmissionCounters counters = new AdmissionCounters();
    private ServerLimits limits = new ServerLimits(10, 5, 4, 2, 10);
    private final HandshakeGate gate = new HandshakeGate(() -> limits, counters, new ClientLog());

    private static Channel from(String host) {
        return new EmbeddedChannel() {
            @Override
            protected SocketAddress remoteAddress0() {
                return host.isEmpty() ? null : new InetSocketAddress(host, 1);
            }
        };
    }

    private Channel enter(String host) {
        Channel channel = from(host);
        assertTrue(gate.enter(channel));
        return channel;
    }

    @Test
    void theOldestHandshakeOfAPeerMakesWay() {
        Channel first = enter("192.0.2.1");
        Channel other = enter("192.0.2.2");
        Channel second = enter("192.0.2.1");
        Channel third = enter("192.0.2.1");
        assertFalse(first.isOpen());
        assertTrue(other.isOpen() && second.isOpen() && third.isOpen());
        assertEquals(1, counters.refused(Refusal.TOO_MANY_HANDSHAKES));
        assertEquals(3, counters.handshakes());
    }

    @Test
    void theOldestHandshakeOfAllMakesWay() {
        Channel first = enter("192.0.2.1");
        for (int i = 0; i < 4; i++) {
            enter("");
        }
        assertFalse(first.isOpen());
        assertEquals(4, counters.handshakes());
    }

    @Test
    void finishedHandshakesDoNotCountAsUnfinished() {
        Channel first = enter("192.0.2.1");
        gate.negotiated(first, new CompletableFuture<>());
        enter("192.0.2.1");
        enter("192.0.2.1");
        assertTrue(first.isOpen());
        assertEquals(2, counters.handshakes());
    }

    @Test
    void connectionsOfAPeerAreLimitedUntilOneEnds() {
        CompletableFuture<Void> firstOver = new CompletableFuture<>();
        for (int i = 0; i < 5; i++) {
            Channel channel = enter("192.0.2.1");
            gate.negotiated(channel, i == 0 ? firstOver : new CompletableFuture<>());
            // As when the ring takes the socket over: the connection goes on without it.
            channel.close().syncUninterruptibly();
        }
        assertFalse(gate.enter(from("192.0.2.1")));
        assertTrue(gate.enter(from("192.0.2.2")));
        assertEquals(1, counters.refused(Refusal.TOO_MANY_CONNECTIONS));
        firstOver.complete(null);
        assertTrue(gate.enter(from("192.0.2.1")));
        assertEquals(8, counters.accepted());
    }

    /** Who has one address of IPv6 has the 2^64 beside it. */
    @Test
    void neighboursAreOnePeer() {
        for (int i = 0; i < 5; i++) {
            gate.negotiated(enter("2001:db8:0:7::" + i), new CompletableFuture<>());
        }
        assertFalse(gate.enter(from("2001:db8:0:7:ffff::1")));
        assertTrue(gate.enter(from("2001:db8:0:8::1")));
        assertTrue(gate.enter(from("192.0.2.1")));
    }

    @Test
    void allConnectionsTogetherAreLimitedAndLimitsMayChange() {
        for (int i = 0; i < 10; i++) {
            gate.negotiated(enter(""), new CompletableFuture<>());
        }
        assertFalse(gate.enter(from("")));
        limits = new ServerLimits(11, 5, 4, 2, 10);
        assertTrue(gate.enter(from("")));
    }

    @Test
    void stoppingEndsHandshakesAndLeavesConnections() {
        Channel negotiating = enter("192.0.2.1");
        Channel serving = enter("192.0.2.1");
        gate.negotiated(serving, new CompletableFuture<>());
        gate.closeAll();
        assertFalse(negotiating.isOpen());
        assertTrue(serving.isOpen());
        assertEquals(0, counters.handshakes());
    }
}
