package dev.gossamer.daemon.server;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** The file of a listening Unix socket: made when the daemon starts, removed when it stops. */
public final class SocketFile {
    private SocketFile() {}

    /**
     * Makes the path free for binding. What a dead daemon left behind is removed, but only after nobody answered a
     * connect to it (T67).
     */
    public static void makeWay(Path path) throws StorageException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        if (isServed(path)) {
            throw new StorageException(
                    Errno.EBUSY, "socket " + path + " is already being served; stop that process or use another path");
        }
        try {
            if (!isSocket(path)) {
                throw new StorageException(
                        Errno.EBUSY, path + " exists and is no socket; remove it or use another path");
            }
            Files.delete(path);
        } catch (StorageException e) {
            throw e;
        } catch (IOException e) {
            throw new StorageException(
                    Errno.EACCES, "cannot remove the stale socket " + path + ": " + e.getMessage(), e);
        }
    }

    /** The path in the address type that the channel type takes: Netty's native ones have their own. */
    public static SocketAddress address(Path path, Class<? extends ServerChannel> channelType) {
        return channelType == NioServerDomainSocketChannel.class
                ? UnixDomainSocketAddress.of(path)
                : new DomainSocketAddress(path.toFile());
    }

    /** Lets owner and group connect, nobody else. */
    public static void restrict(Path path) throws StorageException {
        try {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw----"));
        } catch (IOException e) {
            throw new StorageException(
                    Errno.EACCES, "cannot set the mode of socket " + path + ": " + e.getMessage(), e);
        }
    }

    /** Removes the file at the end; that it is gone already does not matter. */
    public static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // The next start removes it.
            return;
        }
    }

    /** Whether somebody accepts connections there. */
    public static boolean isServed(Path path) {
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return channel.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isSocket(Path path) throws IOException {
        // POSIX file type bits of st_mode: 0170000, a socket is 0140000.
        int mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        return (mode & 0xF000) == 0xC000;
    }
}
