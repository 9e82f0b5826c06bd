package dev.gossamer.io.libc;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.CallContextCache;
import com.kenai.jffi.CallingConvention;
import com.kenai.jffi.Invoker;
import com.kenai.jffi.Library;
import com.kenai.jffi.MemoryIO;
import com.kenai.jffi.Type;
import java.nio.charset.StandardCharsets;

/**
 * The calls, each straight through jffi, which jnr-ffi stands on. What jnr-ffi would generate for an interface does the
 * same, but to generate it costs every command a sixth of its start.
 *
 * <p>All arguments are passed as 64-bit integers: on Linux's 64-bit processors that is how int, long and addresses
 * arrive, also where a function takes any number of arguments.
 */
final class NativeCalls implements Libc.Calls {
    private static final Library SELF = Library.openLibrary(null, Library.LAZY | Library.LOCAL);
    private static final Invoker INVOKER = Invoker.getInstance();
    private static final MemoryIO MEMORY = MemoryIO.getInstance();

    private static final CallContext[] CONTEXTS = contexts();

    private static final long OPEN = function("open");
    private static final long CLOSE = function("close");
    private static final long DUP = function("dup");
    private static final long DUP2 = function("dup2");
    private static final long SHUTDOWN = function("shutdown");
    private static final long PREAD = function("pread");
    private static final long PWRITE = function("pwrite");
    private static final long FDATASYNC = function("fdatasync");
    private static final long FSYNC = function("fsync");
    private static final long FALLOCATE = function("fallocate");
    private static final long FTRUNCATE = function("ftruncate");
    private static final long UNLINK = function("unlink");
    private static final long LSEEK = function("lseek");
    private static final long IOCTL = function("ioctl");
    private static final long FLOCK = function("flock");
    private static final long STATX = function("statx");
    private static final long MADVISE = function("madvise");
    private static final long MMAP = function("mmap");
    private static final long MUNMAP = function("munmap");
    private static final long FCNTL = function("fcntl");
    private static final long SOCKET = function("socket");
    private static final long SENDTO = function("sendto");
    private static final long CONNECT = function("connect");
    private static final long RECV = function("recv");
    private static final long SETSOCKOPT = function("setsockopt");
    private static final long KILL = function("kill");
    private static final long STRERROR = function("strerror");

    /** By number of arguments. Each call's error is kept for {@link Libc#errno}. */
    private static CallContext[] contexts() {
        CallContext[] contexts = new CallContext[7];
        for (int count = 0; count < contexts.length; count++) {
            Type[] types = new Type[count];
            java.util.Arrays.fill(types, Type.SINT64);
            contexts[count] =
                    CallContextCache.getInstance().getCallContext(Type.SINT64, types, CallingConvention.DEFAULT, true);
        }
        return contexts;
    }

    private static long function(String name) {
        long address = SELF.getSymbolAddress(name);
        if (address == 0) {
            throw new UnsatisfiedLinkError("the C library has no function " + name);
        }
        return address;
    }

    private static long call(long function, long a) {
        return INVOKER.invokeN1(CONTEXTS[1], function, a);
    }

    private static long call(long function, long a, long b) {
        return INVOKER.invokeN2(CONTEXTS[2], function, a, b);
    }

    private static long call(long function, long a, long b, long c) {
        return INVOKER.invokeN3(CONTEXTS[3], function, a, b, c);
    }

    private static long call(long function, long a, long b, long c, long d) {
        return INVOKER.invokeN4(CONTEXTS[4], function, a, b, c, d);
    }

    private static long call(long function, long a, long b, long c, long d, long e) {
        return INVOKER.invokeN5(CONTEXTS[5], function, a, b, c, d, e);
    }

    private static long call(long function, long a, long b, long c, long d, long e, long f) {
        return INVOKER.invokeN6(CONTEXTS[6], function, a, b, c, d, e, f);
    }

    /** The text with its final zero, in memory of its own; to be freed. */
    private static long copy(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        long address = MEMORY.allocateMemory(bytes.length + 1L, false);
        if (address == 0) {
            throw new OutOfMemoryError("no native memory for a path");
        }
        MEMORY.putByteArray(address, bytes, 0, bytes.length);
        MEMORY.putByte(address + bytes.length, (byte) 0);
        return address;
    }

    @Override
    public int open(String path, int flags, int mode) {
        long address = copy(path);
        try {
            return (int) call(OPEN, address, flags, mode);
        } finally {
            MEMORY.freeMemory(address);
        }
    }

    @Override
    public int unlink(String path) {
        long address = copy(path);
        try {
            return (int) call(UNLINK, address);
        } finally {
            MEMORY.freeMemory(address);
        }
    }

    @Override
    public int statx(int directoryFd, String path, int flags, int mask, long address) {
        long name = copy(path);
        try {
            return (int) call(STATX, directoryFd, name, flags, mask, address);
        } finally {
            MEMORY.freeMemory(name);
        }
    }

    @Override
    public String strerror(int errno) {
        return new String(MEMORY.getZeroTerminatedByteArray(call(STRERROR, errno)), StandardCharsets.UTF_8);
    }

    @Override
    public int close(int fd) {
        return (int) call(CLOSE, fd);
    }

    @Override
    public int dup(int fd) {
        return (int) call(DUP, fd);
    }

    @Override
    public int dup2(int fd, int newFd) {
        return (int) call(DUP2, fd, newFd);
    }

    @Override
    public int shutdown(int fd, int how) {
        return (int) call(SHUTDOWN, fd, how);
    }

    @Override
    public long pread(int fd, long address, long lengthBytes, long offsetBytes) {
        return call(PREAD, fd, address, lengthBytes, offsetBytes);
    }

    @Override
    public long pwrite(int fd, long address, long lengthBytes, long offsetBytes) {
        return call(PWRITE, fd, address, lengthBytes, offsetBytes);
    }

    @Override
    public int fdatasync(int fd) {
        return (int) call(FDATASYNC, fd);
    }

    @Override
    public int fsync(int fd) {
        return (int) call(FSYNC, fd);
    }

    @Override
    public int fallocate(int fd, int mode, long offsetBytes, long lengthBytes) {
        return (int) call(FALLOCATE, fd, mode, offsetBytes, lengthBytes);
    }

    @Override
    public int ftruncate(int fd, long lengthBytes) {
        return (int) call(FTRUNCATE, fd, lengthBytes);
    }

    @Override
    public long lseek(int fd, long offsetBytes, int whence) {
        return call(LSEEK, fd, offsetBytes, whence);
    }

    @Override
    public int ioctl(int fd, long request, long address) {
        return (int) call(IOCTL, fd, request, address);
    }

    @Override
    public int flock(int fd, int operation) {
        return (int) call(FLOCK, fd, operation);
    }

    @Override
    public int madvise(long address, long lengthBytes, int advice) {
        return (int) call(MADVISE, address, lengthBytes, advice);
    }

    @Override
    public long mmap(long address, long lengthBytes, int protection, int flags, int fd, long offsetBytes) {
        return call(MMAP, address, lengthBytes, protection, flags, fd, offsetBytes);
    }

    @Override
    public int munmap(long address, long lengthBytes) {
        return (int) call(MUNMAP, address, lengthBytes);
    }

    @Override
    public int fcntl(int fd, int command, int argument) {
        return (int) call(FCNTL, fd, command, argument);
    }

    @Override
    public int socket(int family, int type, int protocol) {
        return (int) call(SOCKET, family, type, protocol);
    }

    @Override
    public long sendto(int fd, long address, long lengthBytes, int flags, long receiver, int receiverBytes) {
        return call(SENDTO, fd, address, lengthBytes, flags, receiver, receiverBytes);
    }

    @Override
    public int connect(int fd, long address, int addressBytes) {
        return (int) call(CONNECT, fd, address, addressBytes);
    }

    @Override
    public long recv(int fd, long address, long lengthBytes, int flags) {
        return call(RECV, fd, address, lengthBytes, flags);
    }

    @Override
    public int setsockopt(int fd, int level, int option, long value, int valueBytes) {
        return (int) call(SETSOCKOPT, fd, level, option, value, valueBytes);
    }

    @Override
    public int kill(int pid, int signal) {
        return (int) call(KILL, pid, signal);
    }
}
