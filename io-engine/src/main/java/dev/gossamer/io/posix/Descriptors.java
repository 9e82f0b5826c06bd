package dev.gossamer.io.posix;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.libc.Libc;

/** Calls on descriptors of sockets that somebody else made. None of them waits. */
public final class Descriptors {
    private static final int SHUT_RDWR = 2;

    private Descriptors() {}

    /**
     * A second descriptor of the same open socket, which stays open when the first one is closed. Its owner closes it.
     *
     * @throws StorageException if the process has no descriptor left
     */
    public static int duplicate(int descriptor) throws StorageException {
        int copy = Libc.CALLS.dup(descriptor);
        if (copy < 0) {
            int errno = Libc.errno();
            throw new StorageException(errno, "cannot duplicate a socket: " + Errno.name(errno));
        }
        return copy;
    }

    /** Ends both directions of a socket at once: what waits on it returns, and the peer is told. */
    public static void shutDown(int descriptor) {
        // The one error that can come back is that the peer has ended the connection already.
        Libc.CALLS.shutdown(descriptor, SHUT_RDWR);
    }

    public static void close(int descriptor) {
        Libc.CALLS.close(descriptor);
    }
}
