package dev.gossamer.io.posix;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A socket by its descriptor, for what the JDK's cannot do: to be handed to the kernel, or to speak netlink. Blocks;
 * for commands, not for loops. One thread at a time.
 */
public final class RawSocket implements AutoCloseable {
    public static final int AF_UNIX = Libc.AF_UNIX;
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int AF_NETLINK = 16;
    public static final int SOCK_STREAM = 1;
    public static final int SOCK_RAW = 3;

    private static final int SOL_SOCKET = 1;
    private static final int SO_RCVTIMEO = 20;
    private static final int SO_SNDTIMEO = 21;
    private static final int SO_KEEPALIVE = 9;
    private static final int IPPROTO_TCP = 6;
    private static final int TCP_NODELAY = 1;
    private static final int TCP_KEEPIDLE = 4;
    private static final int TCP_KEEPINTVL = 5;
    private static final int TCP_KEEPCNT = 6;

    private final int fd;
    private boolean closed;

    private RawSocket(int fd) {
        this.fd = fd;
    }

    /**
     * A new socket that waits no longer than this for anything.
     *
     * @throws StorageException with socket(2)'s errno
     */
    public static RawSocket open(int family, int type, int protocol, int timeoutSeconds) throws StorageException {
        int fd = Libc.CALLS.socket(family, type | Libc.SOCK_CLOEXEC, protocol);
        if (fd < 0) {
            throw failed("no socket");
        }
        RawSocket socket = new RawSocket(fd);
        socket.setTimeout(timeoutSeconds);
        return socket;
    }

    /** Whoever has the descriptor from here on waits so long; 0 is for ever. */
    public void setTimeout(int seconds) throws StorageException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment time = arena.allocate(16, 8);
            time.set(ValueLayout.JAVA_LONG, 0, seconds);
            for (int option : new int[] {SO_RCVTIMEO, SO_SNDTIMEO}) {
                if (Libc.CALLS.setsockopt(fd, SOL_SOCKET, option, time.address(), 16) != 0) {
                    throw failed("a socket takes no time-out");
                }
            }
        }
    }

    /** Of a TCP socket: a peer that is silent for half a minute is gone, even if nobody says so (tcp(7)). */
    public void noticeSilence() throws StorageException {
        setOption(SOL_SOCKET, SO_KEEPALIVE, 1);
        setOption(IPPROTO_TCP, TCP_KEEPIDLE, 5);
        setOption(IPPROTO_TCP, TCP_KEEPINTVL, 5);
        setOption(IPPROTO_TCP, TCP_KEEPCNT, 5);
        setOption(IPPROTO_TCP, TCP_NODELAY, 1);
    }

    private void setOption(int level, int option, int value) throws StorageException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment number = arena.allocateFrom(ValueLayout.JAVA_INT, value);
            if (Libc.CALLS.setsockopt(fd, level, option, number.address(), Integer.BYTES) != 0) {
                throw failed("a socket takes no option");
            }
        }
    }

    /**
     * Connects it.
     *
     * @param address a struct sockaddr of the socket's family, whole
     */
    public void connect(byte[] address) throws StorageException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, address);
            if (Libc.CALLS.connect(fd, bytes.address(), address.length) != 0) {
                throw failed("cannot connect");
            }
        }
    }

    /** Sends all of it. */
    public void send(byte[] message) throws StorageException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocateFrom(ValueLayout.JAVA_BYTE, message);
            long sent = 0;
            while (sent < message.length) {
                long now =
                        Libc.CALLS.sendto(fd, bytes.address() + sent, message.length - sent, Libc.MSG_NOSIGNAL, 0, 0);
                if (now < 0) {
                    throw failed("cannot send");
                }
                sent += now;
            }
        }
    }

    /** What has come, at most so many bytes; empty at the end. */
    public byte[] receive(int limitBytes) throws StorageException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bytes = arena.allocate(limitBytes);
            long count = Libc.CALLS.recv(fd, bytes.address(), limitBytes, 0);
            if (count < 0) {
                throw failed("nothing comes");
            }
            return bytes.asSlice(0, count).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** The descriptor, still this object's. */
    public int fd() {
        return fd;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Libc.CALLS.close(fd);
        }
    }

    private static StorageException failed(String what) {
        int errno = Libc.errno();
        return new StorageException(errno, what + ": " + Libc.message(errno));
    }
}
