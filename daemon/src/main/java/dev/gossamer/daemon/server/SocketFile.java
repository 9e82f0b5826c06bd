package dev.gossamer.daemon.server;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Set;

/** The file of a listening Unix socket: made when the daemon starts, removed when it stops. */
public final class SocketFile {
    private final Path path;
    // Who we are to the file system: a path can be given to another file while we listen.
    private final Object identity;

    private SocketFile(Path path, Object identity) {
        this.path = path;
        this.identity = identity;
    }

    /**
     * Makes the path free for binding. What a dead daemon left behind is removed, but only after the system said that
     * nobody listens there (T67): a server that is busy, or that we may not ask, is one.
     */
    public static void makeWay(Path path) throws StorageException {
        clear(path);
        // A daemon that was killed may have had our process id, in a container even surely.
        clear(birthPlace(path));
    }

    private static void clear(Path path) throws StorageException {
        free(path);
        // A daemon that died between the two steps left it; in a container the next one has the same process id.
        free(birthPlace(path));
    }

    private static void free(Path path) throws StorageException {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try {
            if (!isSocket(path)) {
                throw new StorageException(
                        Errno.EBUSY, path + " exists and is no socket; remove it or use another path");
            }
            if (isServed(path)) {
                throw new StorageException(
                        Errno.EBUSY,
                        "socket " + path + " is already being served; stop that process or use another path");
            }
            Files.delete(path);
        } catch (StorageException e) {
            throw e;
        } catch (IOException e) {
            throw new StorageException(Errno.EACCES, "cannot remove the stale socket " + path + ": " + Reason.of(e), e);
        }
    }

    /** The path in the address type that the channel type takes: Netty's native ones have their own. */
    public static SocketAddress address(Path path, Class<? extends ServerChannel> channelType) {
        return channelType == NioServerDomainSocketChannel.class
                ? UnixDomainSocketAddress.of(path)
                : new DomainSocketAddress(path.toFile());
    }

    /**
     * Where to bind a socket that shall be {@code path}: beside it. Netty removes the path that it bound when the
     * listener is closed, whatever is there by then.
     */
    public static Path birthPlace(Path path) {
        return path.resolveSibling("." + ProcessHandle.current().pid());
    }

    /** Moves the socket that was just bound to its path. Nobody may connect to whom it is not permitted, at no time. */
    public static SocketFile own(Path path, Set<PosixFilePermission> permissions) throws StorageException {
        Path born = birthPlace(path);
        try {
            Files.setPosixFilePermissions(born, permissions);
            Object identity = identityOf(born);
            Files.move(born, path, StandardCopyOption.ATOMIC_MOVE);
            return new SocketFile(path, identity);
        } catch (IOException e) {
            throw new StorageException(Errno.EACCES, "cannot make the socket " + path + ": " + Reason.of(e), e);
        }
    }

    /** Removes the file at the end, if it is still ours; that it is gone already does not matter. */
    public void remove() {
        try {
            if (identityOf(path).equals(identity)) {
                Files.deleteIfExists(path);
            }
        } catch (IOException e) {
            // The next start removes it.
            return;
        }
    }

    private static Object identityOf(Path path) throws IOException {
        return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
    }

    /** Whether somebody accepts connections there, as far as we can tell: refused is the only no. */
    private static boolean isServed(Path path) throws StorageException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            // Not to wait for a server that does not accept.
            channel.configureBlocking(false);
            channel.connect(UnixDomainSocketAddress.of(path));
            return true;
        } catch (ConnectException e) {
            return false;
        } catch (IOException e) {
            throw new StorageException(
                    Errno.EBUSY,
                    "socket " + path + " may be in use, it cannot be asked: " + Reason.of(e)
                            + "; remove it if nobody serves it, or use another path",
                    e);
        }
    }

    private static boolean isSocket(Path path) throws IOException {
        // POSIX file type bits of st_mode: 0170000, a socket is 0140000.
        int mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
        return (mode & 0xF000) == 0xC000;
    }
}
