package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.RawSocket;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The kernel's NBD client, asked over generic netlink. Needs CAP_SYS_ADMIN. One thread; closes its socket, and nothing
 * that is attached.
 */
final class NbdKernel implements AutoCloseable {
    /** Any device that is free. */
    static final int ANY = -1;

    private static final int NETLINK_GENERIC = 16;
    private static final int CONTROL_FAMILY = 16;
    private static final int GET_FAMILY = 3;
    private static final int FAMILY_ID = 1;
    private static final int FAMILY_NAME = 2;

    private static final int CONNECT = 1;
    private static final int DISCONNECT = 2;
    private static final int RECONFIGURE = 3;

    private static final int INDEX = 1;
    private static final int SIZE_BYTES = 2;
    private static final int BLOCK_SIZE_BYTES = 3;
    private static final int TIMEOUT = 4;
    private static final int SERVER_FLAGS = 5;
    private static final int SOCKETS = 7;
    private static final int DEAD_CONN_TIMEOUT = 8;
    private static final int BACKEND_IDENTIFIER = 10;
    private static final int SOCK_ITEM = 1;
    private static final int SOCK_FD = 1;

    private static final int TIMEOUT_SECONDS = 30;
    private static final int LIMIT_BYTES = 32 << 10;

    private final RawSocket socket;
    private final int family;
    private int sequence;

    private NbdKernel(RawSocket socket) throws StorageException {
        this.socket = socket;
        Map<Integer, ByteBuffer> found =
                ask(new NetlinkMessage(CONTROL_FAMILY, GET_FAMILY, 1, ++sequence).text(FAMILY_NAME, "nbd"));
        ByteBuffer id = found.get(FAMILY_ID);
        if (id == null) {
            throw new StorageException(Errno.ENOENT, "the kernel does not tell of its NBD client");
        }
        this.family = Short.toUnsignedInt(id.getShort());
    }

    /** @throws StorageException ENOENT if the module is not loaded */
    static NbdKernel open() throws StorageException {
        RawSocket socket = RawSocket.open(RawSocket.AF_NETLINK, RawSocket.SOCK_RAW, NETLINK_GENERIC, TIMEOUT_SECONDS);
        try {
            return new NbdKernel(socket);
        } catch (StorageException e) {
            socket.close();
            throw e;
        }
    }

    /**
     * What a device shall be.
     *
     * @param sizeBytes of the export
     * @param blockBytes smallest request
     * @param flags the export's transmission flags
     * @param timeoutSeconds after which a request is sent again on another connection
     * @param deadSeconds how long requests wait for a connection when there is none
     * @param identifier what must be said again to change the device
     */
    record Settings(
            long sizeBytes, int blockBytes, int flags, int timeoutSeconds, int deadSeconds, String identifier) {}

    /**
     * Makes a device of connections that are in transmission; the kernel keeps them when this process ends.
     *
     * @param index of the device, or {@link #ANY}
     * @return its index
     */
    int connect(int index, Settings settings, List<RawSocket> connections) throws StorageException {
        NetlinkMessage message = new NetlinkMessage(family, CONNECT, 1, ++sequence);
        if (index != ANY) {
            message.u32(INDEX, index);
        }
        message.u64(SIZE_BYTES, settings.sizeBytes())
                .u64(BLOCK_SIZE_BYTES, settings.blockBytes())
                .u64(TIMEOUT, settings.timeoutSeconds())
                .u64(DEAD_CONN_TIMEOUT, settings.deadSeconds())
                .u64(SERVER_FLAGS, settings.flags())
                .text(BACKEND_IDENTIFIER, settings.identifier())
                .descriptors(SOCKETS, SOCK_ITEM, SOCK_FD, descriptors(connections));
        ByteBuffer made = ask(message).get(INDEX);
        return made == null ? index : made.getInt();
    }

    /** Gives a device new connections in place of dead ones, and its size. */
    void reconfigure(int index, Settings settings, List<RawSocket> connections) throws StorageException {
        NetlinkMessage message = new NetlinkMessage(family, RECONFIGURE, 1, ++sequence)
                .u32(INDEX, index)
                .u64(SIZE_BYTES, settings.sizeBytes())
                .u64(BLOCK_SIZE_BYTES, settings.blockBytes())
                .u64(TIMEOUT, settings.timeoutSeconds())
                .u64(DEAD_CONN_TIMEOUT, settings.deadSeconds())
                .text(BACKEND_IDENTIFIER, settings.identifier());
        if (!connections.isEmpty()) {
            message.descriptors(SOCKETS, SOCK_ITEM, SOCK_FD, descriptors(connections));
        }
        ask(message);
    }

    /** Ends a device. What is under way fails. */
    void disconnect(int index) throws StorageException {
        ask(new NetlinkMessage(family, DISCONNECT, 1, ++sequence).u32(INDEX, index));
    }

    private static int[] descriptors(List<RawSocket> connections) {
        return connections.stream().mapToInt(RawSocket::fd).toArray();
    }

    /** Sends a request and reads to its acknowledgement; the attributes of what came before that. */
    private Map<Integer, ByteBuffer> ask(NetlinkMessage message) throws StorageException {
        socket.send(message.toBytes());
        Map<Integer, ByteBuffer> answer = new HashMap<>();
        while (true) {
            byte[] received = socket.receive(LIMIT_BYTES);
            ByteBuffer in = ByteBuffer.wrap(received).order(ByteOrder.nativeOrder());
            while (in.remaining() >= NetlinkMessage.HEADER_BYTES) {
                int begin = in.position();
                int length = in.getInt();
                int type = Short.toUnsignedInt(in.getShort());
                in.getShort();
                int answered = in.getInt();
                in.getInt();
                if (length < NetlinkMessage.HEADER_BYTES || length > received.length - begin) {
                    throw new StorageException(Errno.EIO, "the kernel's answer is cut off");
                }
                if (type == NetlinkMessage.TYPE_ERROR && answered == sequence) {
                    int error = -in.getInt();
                    if (error != 0) {
                        throw new StorageException(error, Errno.name(error));
                    }
                    return answer;
                }
                if (answered == sequence) {
                    int head = NetlinkMessage.HEADER_BYTES + NetlinkMessage.GENERIC_BYTES;
                    answer.putAll(NetlinkMessage.attributes(
                            in.slice(begin + head, length - head).order(ByteOrder.nativeOrder())));
                }
                in.position(Math.min(received.length, begin + ((length + 3) & ~3)));
            }
        }
    }

    @Override
    public void close() {
        socket.close();
    }
}
