package dev.gossamer.io.posix;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.libc.Libc;

/** System calls on descriptors that another program opened for us; fcntl(2), dup2(2). */
public final class SocketFlags {
    private SocketFlags() {}

    /** Whether calls on the descriptor wait. The flag belongs to the open socket, not to the descriptor. */
    public static void setBlocking(int fd, boolean blocking) throws StorageException {
        int flags = Libc.CALLS.fcntl(fd, Libc.F_GETFL, 0);
        check(flags, "fcntl");
        int wanted = blocking ? flags & ~Libc.O_NONBLOCK : flags | Libc.O_NONBLOCK;
        check(Libc.CALLS.fcntl(fd, Libc.F_SETFL, wanted), "fcntl");
    }

    /** Makes descriptor {@code to} another name of what {@code from} is; what {@code to} was is closed. */
    public static void duplicate(int from, int to) throws StorageException {
        check(Libc.CALLS.dup2(from, to), "dup2");
    }

    private static void check(int result, String call) throws StorageException {
        if (result < 0) {
            int errno = Libc.errno();
            throw new StorageException(errno == 0 ? Errno.EIO : errno, call + ": " + Libc.message(errno));
        }
    }
}
