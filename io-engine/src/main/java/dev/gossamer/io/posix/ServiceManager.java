package dev.gossamer.io.posix;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.LockSupport;

/**
 * Tells whoever supervises this process how it is, sd_notify(3): a datagram of lines such as {@code READY=1} to the
 * Unix socket that {@code NOTIFY_SOCKET} names. Any thread.
 */
public final class ServiceManager {
    /** Nobody wants to know: not started by a service manager. */
    public static final ServiceManager NONE = new ServiceManager(null);

    public static final String READY = "READY=1";
    public static final String STOPPING = "STOPPING=1";

    /** A manager that hangs must not keep the daemon from its last commit. */
    private static final int ATTEMPTS = 100;

    private static final long PAUSE_NANOS = 10_000_000;
    private static final int FAMILY_BYTES = 2;
    private static final int PATH_LIMIT_BYTES = 108;

    private final String socket;

    private ServiceManager(String socket) {
        this.socket = socket;
    }

    /**
     * The service manager that listens there.
     *
     * @param socket value of {@code NOTIFY_SOCKET}, or null: a path, or a name behind {@code @}, which is no file
     */
    public static ServiceManager at(String socket) {
        return socket == null || socket.isEmpty() ? NONE : new ServiceManager(socket);
    }

    /**
     * Tells a state. Does not wait for anybody to read it; where there is no room for it, because nothing is read, for
     * a moment.
     *
     * @throws StorageException if the socket cannot be reached; the daemon works without
     */
    public void tell(String state) throws StorageException {
        if (socket == null) {
            return;
        }
        byte[] name = socket.getBytes(UTF_8);
        if ((name[0] != '/' && name[0] != '@') || name.length >= PATH_LIMIT_BYTES) {
            throw new StorageException(
                    Errno.EINVAL, "NOTIFY_SOCKET is '" + socket + "'; it must be a path, or a name behind @");
        }
        if (name[0] == '@') {
            name[0] = 0;
        }
        int fd = Libc.CALLS.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0) {
            throw failure();
        }
        try (Arena arena = Arena.ofConfined()) {
            byte[] text = state.getBytes(UTF_8);
            MemorySegment message = arena.allocate(text.length);
            MemorySegment.copy(text, 0, message, ValueLayout.JAVA_BYTE, 0, text.length);
            MemorySegment address = arena.allocate(FAMILY_BYTES + PATH_LIMIT_BYTES, FAMILY_BYTES);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) Libc.AF_UNIX);
            MemorySegment.copy(name, 0, address, ValueLayout.JAVA_BYTE, FAMILY_BYTES, name.length);
            // A name that is no file ends with its last byte, a path with a zero.
            int addressBytes = FAMILY_BYTES + name.length + (name[0] == 0 ? 0 : 1);
            send(fd, message.address(), text.length, address.address(), addressBytes);
        } finally {
            Libc.CALLS.close(fd);
        }
    }

    private void send(int fd, long message, int bytes, long receiver, int receiverBytes) throws StorageException {
        int flags = Libc.MSG_NOSIGNAL | Libc.MSG_DONTWAIT;
        for (int attempt = 0; Libc.CALLS.sendto(fd, message, bytes, flags, receiver, receiverBytes) < 0; attempt++) {
            if (Libc.errno() != Errno.EAGAIN || attempt == ATTEMPTS) {
                throw failure();
            }
            LockSupport.parkNanos(PAUSE_NANOS);
        }
    }

    private StorageException failure() {
        int errno = Libc.errno();
        return new StorageException(
                errno, "the service manager at " + socket + " cannot be told: " + Libc.message(errno));
    }
}
