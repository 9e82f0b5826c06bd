package dev.gossamer.io.posix;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.libc.Libc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The right to work with what is in a directory, for one holder at a time, in this process or another. An flock(2) on
 * the directory itself: it leaves no file behind, and ends with its process however that ends. Any thread.
 */
public final class DirectoryLock implements AutoCloseable {
    private int fileDescriptor;

    private DirectoryLock(int fileDescriptor) {
        this.fileDescriptor = fileDescriptor;
    }

    /**
     * Takes the lock, or throws at once.
     *
     * @throws StorageException EBUSY, naming the process, if somebody has it
     */
    public static DirectoryLock take(Path directory) throws StorageException {
        int fd = Libc.CALLS.open(directory.toString(), Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (fd < 0) {
            int errno = Libc.errno();
            throw new StorageException(errno, "cannot open " + directory + ": " + Libc.message(errno));
        }
        int errno;
        try {
            if (Libc.CALLS.flock(fd, Libc.LOCK_EX | Libc.LOCK_NB) == 0) {
                return new DirectoryLock(fd);
            }
            errno = Libc.errno();
        } catch (RuntimeException | Error fault) {
            Libc.CALLS.close(fd);
            throw fault;
        }
        Libc.CALLS.close(fd);
        if (errno == Errno.EAGAIN) {
            throw new StorageException(Errno.EBUSY, directory + " is in use by another process" + holder(directory));
        }
        throw new StorageException(
                errno,
                "cannot lock " + directory + ": " + Libc.message(errno)
                        + "; use a directory of a local file system, its devices may be elsewhere");
    }

    private static String holder(Path directory) throws StorageException {
        try {
            return LockHolder.describe((Long) Files.getAttribute(directory, "unix:ino"));
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot examine " + directory + ": " + Reason.of(e), e);
        }
    }

    /** Gives the right up. Once more does nothing. */
    @Override
    public synchronized void close() {
        if (fileDescriptor >= 0) {
            Libc.CALLS.close(fileDescriptor);
            fileDescriptor = -1;
        }
    }
}
