package dev.gossamer.daemon.server.access;

import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdText;
import java.net.InetSocketAddress;

/**
 * A client as the operator sees it (X10). Immutable; any thread.
 *
 * @param address {@code host:port}, or {@code unix}
 * @param identity what is proved about it: {@code certificate:} and the subject's distinguished name, {@code uid:} and
 *     a number, or {@code unknown}. Fit for a log line whatever a certificate says
 */
public record PeerName(String address, String identity) {
    public static PeerName of(Peer peer) {
        return new PeerName(
                peer.address() instanceof InetSocketAddress address ? hostAndPort(address) : "unix", identity(peer));
    }

    /** {@code host:port}, with brackets around an IPv6 address. */
    public static String hostAndPort(InetSocketAddress address) {
        String host = address.getAddress().getHostAddress();
        return (host.indexOf(':') < 0 ? host : "[" + host + "]") + ":" + address.getPort();
    }

    /** A certificate says more than a user: at a Unix socket, several people's programs may run as one user. */
    private static String identity(Peer peer) {
        if (peer.certificate() != null) {
            return "certificate:" + NbdText.echo(peer.certificateSubject()).replace(' ', '_');
        }
        return peer.userId() == Peer.NO_USER ? "unknown" : "uid:" + peer.userId();
    }
}
