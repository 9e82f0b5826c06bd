package dev.gossamer.io.posix;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.libc.Libc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Makes and enlarges files that serve as devices. */
public final class PosixFiles {
    private static final int OWNER_ONLY = 0600;

    private PosixFiles() {}

    /**
     * Makes a sparse file. When this returns the file survives a crash; when it throws there is none.
     *
     * @throws StorageException EEXIST (17) if there is something already, which is then left alone
     */
    public static void create(Path path, long sizeBytes) throws StorageException {
        int flags = Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL | Libc.O_CLOEXEC;
        int fd = open(path, flags, "cannot create ");
        boolean done = false;
        try {
            setSize(fd, path, sizeBytes);
            syncDirectory(path.toAbsolutePath().getParent());
            done = true;
        } finally {
            Libc.CALLS.close(fd);
            if (!done) {
                Libc.CALLS.unlink(path.toString());
            }
        }
    }

    /** Enlarges a file to {@code sizeBytes}; one that is as large already is left alone. */
    public static void grow(Path path, long sizeBytes) throws StorageException {
        int fd = open(path, Libc.O_RDWR | Libc.O_CLOEXEC, "cannot enlarge ");
        try {
            if (DeviceOpening.sizeOf(fd, path) < sizeBytes) {
                setSize(fd, path, sizeBytes);
            }
        } finally {
            Libc.CALLS.close(fd);
        }
    }

    /** Where a file that this process has open lies, as the system tells it. */
    public static String pathOf(int fileDescriptor) {
        Path link = Path.of("/proc/self/fd", Integer.toString(fileDescriptor));
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "file descriptor " + fileDescriptor;
        }
    }

    /** What a file takes of the file system, holes left out. */
    public static long allocatedBytes(Path path) throws StorageException {
        long bytes = FileStatus.allocatedBytes(path.toString());
        if (bytes < 0) {
            throw failure("cannot look at " + path);
        }
        return bytes;
    }

    static void allocate(int fd, Path path, long sizeBytes) throws StorageException {
        while (Libc.CALLS.fallocate(fd, 0, 0, sizeBytes) != 0) {
            int errno = Libc.errno();
            if (errno == Errno.EOPNOTSUPP) {
                throw new StorageException(errno, "the file system of " + path + " cannot set space aside");
            }
            if (errno != Errno.EINTR) {
                throw new StorageException(
                        errno, "cannot set " + sizeBytes + " bytes aside for " + path + ": " + Libc.message(errno));
            }
        }
    }

    private static int open(Path path, int flags, String what) throws StorageException {
        int fd = Libc.CALLS.open(path.toString(), flags, OWNER_ONLY);
        if (fd < 0) {
            throw failure(what + path);
        }
        return fd;
    }

    private static void setSize(int fd, Path path, long sizeBytes) throws StorageException {
        if (Libc.CALLS.ftruncate(fd, sizeBytes) != 0 || Libc.CALLS.fsync(fd) != 0) {
            throw failure("cannot give " + path + " its size of " + sizeBytes + " bytes");
        }
    }

    // Without this the file's name could be lost although its content is safe.
    private static void syncDirectory(Path directory) throws StorageException {
        int fd = open(directory, Libc.O_RDONLY | Libc.O_CLOEXEC, "cannot open ");
        try {
            if (Libc.CALLS.fsync(fd) != 0) {
                throw failure("cannot sync " + directory);
            }
        } finally {
            Libc.CALLS.close(fd);
        }
    }

    private static StorageException failure(String what) {
        int errno = Libc.errno();
        return new StorageException(errno, what + ": " + Libc.message(errno));
    }
}
