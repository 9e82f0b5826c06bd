package dev.gossamer.io.libc;

import jnr.ffi.LastError;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Runtime;

/**
 * The C library's functions that we call, and their constants for 64-bit Linux (uapi headers).
 *
 * <p>Run with {@code -Djnr.ffi.x86asm.enabled=false}: otherwise jnr-ffi passes a wrong sixth argument on x86-64.
 */
public final class Libc {
    /** Public only because jnr-ffi implements it from another class loader. Memory is passed as an address. */
    public interface Calls {
        int open(String path, int flags, int mode);

        int close(int fd);

        int dup(int fd);

        int shutdown(int fd, int how);

        long pread(int fd, long address, long lengthBytes, long offsetBytes);

        long pwrite(int fd, long address, long lengthBytes, long offsetBytes);

        int fdatasync(int fd);

        int fsync(int fd);

        int fallocate(int fd, int mode, long offsetBytes, long lengthBytes);

        int ftruncate(int fd, long lengthBytes);

        int unlink(String path);

        long lseek(int fd, long offsetBytes, int whence);

        int ioctl(int fd, long request, long address);

        int flock(int fd, int operation);

        int statx(int directoryFd, String path, int flags, int mask, long address);

        int madvise(long address, long lengthBytes, int advice);

        long mmap(long address, long lengthBytes, int protection, int flags, int fd, long offsetBytes);

        int fcntl(int fd, int command, int argument);

        int dup2(int fd, int newFd);

        int munmap(long address, long lengthBytes);

        int socket(int family, int type, int protocol);

        long sendto(int fd, long address, long lengthBytes, int flags, long receiver, int receiverBytes);

        int connect(int fd, long address, int addressBytes);

        long recv(int fd, long address, long lengthBytes, int flags);

        int setsockopt(int fd, int level, int option, long value, int valueBytes);

        int poll(long descriptors, long count, int timeoutMillis);

        int kill(int pid, int signal);

        int umask(int mask);

        String strerror(int errno);
    }

    public static final int O_RDONLY = 0;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_CLOEXEC = 0x80000;
    public static final int O_DIRECT = oDirect(System.getProperty("os.arch"));

    public static final int O_NONBLOCK = 0x800;
    /** A name is resolved, and what it leads to is not opened. */
    public static final int O_PATH = 0x200000;

    public static final int F_GETFL = 3;
    public static final int F_SETFL = 4;

    public static final int AF_UNIX = 1;
    public static final int SOCK_DGRAM = 2;
    public static final int SOCK_CLOEXEC = 0x80000;
    public static final int MSG_NOSIGNAL = 0x4000;
    public static final int MSG_DONTWAIT = 0x40;

    public static final int SEEK_END = 2;
    /** lseek: the first byte at or behind the offset that is not in a hole; {@link #ENXIO} if there is none. */
    public static final int SEEK_DATA = 3;

    public static final int ESRCH = 3;
    public static final int ENXIO = 6;
    public static final int LOCK_SH = 1;
    public static final int LOCK_EX = 2;
    public static final int LOCK_NB = 4;

    public static final int FALLOC_FL_KEEP_SIZE = 1;
    public static final int FALLOC_FL_PUNCH_HOLE = 2;
    public static final int FALLOC_FL_ZERO_RANGE = 16;

    /** ioctl: logical sector size of a block device, an int. */
    public static final long BLKSSZGET = 0x1268;

    /** ioctl: forget a range of a block device; offset and length in bytes, two unsigned 64-bit numbers. */
    public static final long BLKDISCARD = 0x1277;

    public static final Calls CALLS = LibraryLoader.create(Calls.class).load("c");

    private static final Runtime RUNTIME = Runtime.getRuntime(CALLS);

    private Libc() {}

    /** O_DIRECT is one of the few flags whose value depends on the processor. */
    public static int oDirect(String architecture) {
        return architecture.equals("aarch64") ? 0x10000 : 0x4000;
    }

    /** The error of this thread's last call; ask at once. */
    public static int errno() {
        return LastError.getLastError(RUNTIME);
    }

    /** Text for people. */
    public static String message(int errno) {
        return CALLS.strerror(errno);
    }
}
