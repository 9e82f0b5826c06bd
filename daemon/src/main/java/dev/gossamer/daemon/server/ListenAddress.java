package dev.gossamer.daemon.server;

import dev.gossamer.daemon.server.access.PeerName;
import dev.gossamer.io.ring.PassedSocket;
import io.netty.channel.unix.DomainSocketAddress;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Where the server listens: {@code unix:PATH}, {@code tcp:HOST:PORT} or {@code tcp:PORT} of this machine alone. */
public sealed interface ListenAddress {
    /** The kernel keeps socket paths in 108 bytes, the last one zero. */
    int MAX_SOCKET_PATH_BYTES = 107;

    /** The default NBD port. */
    int DEFAULT_PORT = 10809;

    /** A Unix socket. */
    record Unix(Path path) implements ListenAddress {
        public Unix {
            checkSocketPath(path);
        }

        @Override
        public boolean isLocal() {
            return true;
        }

        @Override
        public String uri(boolean tls) {
            return (tls ? "nbds" : "nbd") + "+unix:///?socket=" + path;
        }

        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /** A TCP address; port 0 takes any free port. */
    record Tcp(InetSocketAddress address) implements ListenAddress {
        @Override
        public boolean isLocal() {
            return address.getAddress().isLoopbackAddress();
        }

        @Override
        public String uri(boolean tls) {
            return (tls ? "nbds://" : "nbd://") + PeerName.hostAndPort(address) + "/";
        }

        @Override
        public String toString() {
            return "tcp:" + PeerName.hostAndPort(address);
        }
    }

    /** Whether only this machine can reach the address. */
    boolean isLocal();

    /**
     * The address as NBD clients write it; an export's name goes behind the last slash.
     *
     * @param tls for clients that encrypt
     */
    String uri(boolean tls);

    /** Where a passed socket listens. */
    static ListenAddress of(PassedSocket socket) {
        return socket.unix()
                ? new Unix(
                        Path.of(((DomainSocketAddress) socket.address()).path().replace('\0', '@')))
                : new Tcp((InetSocketAddress) socket.address());
    }

    /** Throws {@link IllegalArgumentException}, with a message for the user, if {@code text} is no address. */
    static ListenAddress parse(String text) {
        if (text.startsWith("unix:") && text.length() > 5) {
            return new Unix(Path.of(text.substring(5)));
        }
        if (text.startsWith("tcp:")) {
            return new Tcp(parseTcp(text.substring(4), text));
        }
        throw new IllegalArgumentException("'" + text + "' is no listen address; write unix:PATH, tcp:HOST:PORT,"
                + " or tcp:PORT for this machine alone");
    }

    /** Throws {@link IllegalArgumentException} if the kernel has no room for this path. */
    static void checkSocketPath(Path path) {
        int length = path.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > MAX_SOCKET_PATH_BYTES) {
            throw new IllegalArgumentException("socket path " + path + " has " + length
                    + " bytes and the system allows " + MAX_SOCKET_PATH_BYTES + "; use a shorter directory");
        }
    }

    private static InetSocketAddress parseTcp(String hostPort, String whole) {
        if (hostPort.matches("[0-9]+")) {
            // As a host it would be an address written as one number.
            return parseTcp("127.0.0.1:" + hostPort, whole);
        }
        int colon = hostPort.lastIndexOf(':');
        boolean portGiven = colon >= 0 && !hostPort.endsWith("]");
        String host = portGiven ? hostPort.substring(0, colon) : hostPort;
        try {
            int port = portGiven ? Integer.parseInt(hostPort.substring(colon + 1)) : DEFAULT_PORT;
            if (host.isEmpty() || port < 0 || port > 65535) {
                throw new IllegalArgumentException("'" + whole + "' is no listen address; write tcp:HOST:PORT");
            }
            return new InetSocketAddress(InetAddress.getByName(host), port);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("'" + whole + "' has no usable port; write tcp:HOST:PORT", e);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(
                    "'" + whole + "' names an unknown host; use an address of this machine", e);
        }
    }
}
