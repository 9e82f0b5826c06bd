package dev.gossamer.daemon.admin;

import dev.gossamer.daemon.server.access.AccessRights;
import dev.gossamer.daemon.server.access.AdminRules;
import dev.gossamer.daemon.server.access.UnixPeer;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.Peer;
import io.netty.channel.Channel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * Who may ask what on the admin socket: its owner and root everything, others what {@code admin:} in {@code
 * clients.yaml} says. The socket is the owner's alone (0600) unless a rule lets somebody else in; then everybody can
 * connect, and the kernel's word for who it is decides. Rules are exchanged by a reload; requests under way end by the
 * old ones. Any thread.
 */
public final class AdminGate {
    private static final long ROOT = 0;
    private static final Set<PosixFilePermission> OWNER_ALONE = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> EVERYBODY = PosixFilePermissions.fromString("rw-rw-rw-");

    private volatile AdminRules rules = AdminRules.NONE;
    private volatile boolean othersWereLetIn;
    // Set when it listens; nobody asks before.
    private Path socket;
    private volatile long owner = Peer.NO_USER;

    Set<PosixFilePermission> permissions() {
        return rules.letOthersIn() ? EVERYBODY : OWNER_ALONE;
    }

    /** The socket is there, made by this process. */
    synchronized void listensOn(Path newSocket) throws StorageException {
        try {
            owner = Integer.toUnsignedLong(
                    (Integer) Files.getAttribute(newSocket, "unix:uid", LinkOption.NOFOLLOW_LINKS));
            socket = newSocket;
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot look at " + newSocket + ": " + Reason.of(e), e);
        }
    }

    /** Decides anew who may ask; throws, with all as it was, if the socket cannot be opened or closed to them. */
    public synchronized void apply(AdminRules newRules) throws StorageException {
        AdminRules before = rules;
        if (newRules.letOthersIn()) {
            othersWereLetIn = true;
        }
        rules = newRules;
        if (socket == null) {
            return;
        }
        try {
            Files.setPosixFilePermissions(socket, permissions());
        } catch (IOException e) {
            rules = before;
            throw new StorageException(
                    Errno.EACCES, "cannot change who may connect to " + socket + ": " + Reason.of(e), e);
        }
    }

    /**
     * Whether this is the socket's owner, or root. A transport that cannot tell has the permissions of the socket to go
     * by, if these have never let others in: who connected while they did is connected still.
     */
    boolean isOwner(long userId) {
        return userId == Peer.NO_USER ? !othersWereLetIn : userId == owner || userId == ROOT;
    }

    /** On the connection's loop. */
    AdminCaller caller(Channel channel) {
        return caller(UnixPeer.userId(channel), UnixPeer.describe(channel));
    }

    AdminCaller caller(long userId, String name) {
        AdminRules now = rules;
        boolean isOwner = isOwner(userId);
        AccessRights rights =
                isOwner ? AccessRights.READ_WRITE : userId == Peer.NO_USER ? AccessRights.NONE : now.rights(userId);
        return new AdminCaller(name, isOwner, rights);
    }
}
