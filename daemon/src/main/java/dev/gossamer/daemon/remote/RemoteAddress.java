package dev.gossamer.daemon.remote;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.Admission;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.client.NbdUri;
import io.netty.channel.Channel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a server is. A host's name is looked up once, when the device is opened, because a lookup blocks; its addresses
 * are tried in turn.
 *
 * @param channel what connects there
 * @param addresses at least one
 */
record RemoteAddress(Class<? extends Channel> channel, List<SocketAddress> addresses) {
    RemoteAddress {
        addresses = List.copyOf(addresses);
    }

    /**
     * Blocks while a name is looked up.
     *
     * @param admission asked of each address that it stands for
     */
    static RemoteAddress of(NbdUri uri, IoLoops loops, Admission admission) throws StorageException {
        RemoteAddress found = lookUp(uri, loops);
        for (SocketAddress address : found.addresses) {
            admission.admit(address);
        }
        return found;
    }

    private static RemoteAddress lookUp(NbdUri uri, IoLoops loops) throws StorageException {
        return switch (uri.transport()) {
            case UNIX -> unix(uri, loops);
            case TCP -> new RemoteAddress(loops.tcpChannel(), lookUp(uri));
            case VSOCK -> throw new StorageException(
                    Errno.EOPNOTSUPP, uri + ": vsock is not supported; use a Unix socket or TCP");
        };
    }

    private static RemoteAddress unix(NbdUri uri, IoLoops loops) throws StorageException {
        if (uri.socketPath().startsWith("\0")) {
            throw new StorageException(
                    Errno.EOPNOTSUPP, uri + ": abstract sockets are not supported; use a socket with a path");
        }
        return new RemoteAddress(loops.unixChannel(), List.of(loops.unixAddress(Path.of(uri.socketPath()))));
    }

    private static List<SocketAddress> lookUp(NbdUri uri) throws StorageException {
        List<SocketAddress> found = new ArrayList<>();
        try {
            for (InetAddress address : InetAddress.getAllByName(uri.host())) {
                found.add(new InetSocketAddress(address, (int) uri.port()));
            }
        } catch (UnknownHostException e) {
            throw new StorageException(
                    Errno.ENODEV, uri + ": there is no host " + uri.host() + "; check the name or use an address", e);
        }
        return found;
    }
}
