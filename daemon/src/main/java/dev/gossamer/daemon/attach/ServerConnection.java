package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.RawSocket;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * A connection that has been negotiated as far as the kernel's client takes over: fixed newstyle, NBD_OPT_GO, simple
 * replies. Blocks; whoever has it closes it, or has given its descriptor to the kernel and closes it too.
 *
 * @param sizeBytes of the export
 * @param flags its transmission flags
 */
record ServerConnection(RawSocket socket, long sizeBytes, int flags) implements AutoCloseable {
    private static final int TIMEOUT_SECONDS = 10;
    private static final int INFO_EXPORT = 0;
    private static final int MAX_REPLY_BYTES = 64 << 10;
    private static final int MAX_REPLIES = 64;
    private static final int MAX_SOCKET_PATH_BYTES = 107;

    /** @throws StorageException with a line that names the server and what is wrong */
    static ServerConnection open(NbdUri uri) throws StorageException {
        RawSocket socket = RawSocket.open(family(uri), RawSocket.SOCK_STREAM, 0, TIMEOUT_SECONDS);
        try {
            socket.connect(address(uri));
            if (uri.transport() == NbdUri.Transport.TCP) {
                socket.noticeSilence();
            }
            ServerConnection made = negotiate(socket, uri.exportName());
            socket.setTimeout(0);
            return made;
        } catch (StorageException e) {
            socket.close();
            throw new StorageException(e.errno(), uri + ": " + e.getMessage(), e);
        }
    }

    boolean isReadOnly() {
        return (flags & NbdFlags.READ_ONLY) != 0;
    }

    @Override
    public void close() {
        socket.close();
    }

    private static InetAddress host(NbdUri uri) throws StorageException {
        try {
            return InetAddress.getByName(uri.host());
        } catch (UnknownHostException e) {
            throw new StorageException(Errno.ENOENT, "the host is not known", e);
        }
    }

    private static int family(NbdUri uri) throws StorageException {
        if (uri.transport() == NbdUri.Transport.UNIX) {
            return RawSocket.AF_UNIX;
        }
        return host(uri).getAddress().length == 4 ? RawSocket.AF_INET : RawSocket.AF_INET6;
    }

    /** A struct sockaddr; ports and addresses are in network order. */
    private static byte[] address(NbdUri uri) throws StorageException {
        ByteBuffer bytes = ByteBuffer.allocate(128).order(ByteOrder.nativeOrder());
        bytes.putShort((short) family(uri));
        if (uri.transport() == NbdUri.Transport.UNIX) {
            byte[] path = uri.socketPath().getBytes(StandardCharsets.UTF_8);
            if (path.length > MAX_SOCKET_PATH_BYTES) {
                throw new StorageException(Errno.EINVAL, "the socket's path is too long");
            }
            bytes.put(path).put((byte) 0);
        } else {
            byte[] host = host(uri).getAddress();
            bytes.order(ByteOrder.BIG_ENDIAN).putShort((short) uri.port());
            if (host.length == 4) {
                bytes.put(host).putLong(0);
            } else {
                bytes.putInt(0).put(host).putInt(0);
            }
        }
        byte[] address = new byte[bytes.position()];
        bytes.flip().get(address);
        return address;
    }

    private static ServerConnection negotiate(RawSocket socket, String export) throws StorageException {
        ByteBuffer greeting = read(socket, NbdMagic.GREETING_BYTES);
        if (greeting.getLong() != NbdMagic.GREETING || greeting.getLong() != NbdMagic.OPTION) {
            throw new StorageException(Errno.EINVAL, "no NBD server, or a very old one");
        }
        int common = greeting.getShort() & (NbdFlags.FIXED_NEWSTYLE | NbdFlags.NO_ZEROES);
        if ((common & NbdFlags.FIXED_NEWSTYLE) == 0) {
            throw new StorageException(Errno.EINVAL, "the server is too old");
        }
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        ByteBuffer go = ByteBuffer.allocate(4 + 16 + 4 + name.length + 2);
        go.putInt(common).putLong(NbdMagic.OPTION).putInt(NbdOption.GO).putInt(4 + name.length + 2);
        go.putInt(name.length).put(name).putShort((short) 0);
        socket.send(go.array());
        long sizeBytes = -1;
        int flags = 0;
        for (int i = 0; i < MAX_REPLIES; i++) {
            ByteBuffer head = read(socket, 20);
            head.getLong();
            head.getInt();
            int type = head.getInt();
            int length = head.getInt();
            if (length < 0 || length > MAX_REPLY_BYTES) {
                throw new StorageException(Errno.EINVAL, "the server breaks the protocol");
            }
            ByteBuffer data = read(socket, length);
            if (type == NbdReply.ACK && sizeBytes >= 0) {
                return new ServerConnection(socket, sizeBytes, flags);
            }
            if (type == NbdReply.INFO && length == 12 && data.getShort(0) == INFO_EXPORT) {
                sizeBytes = data.getLong(2);
                flags = Short.toUnsignedInt(data.getShort(10));
            } else if (type < 0) {
                throw new StorageException(errno(type), refusal(type, data));
            }
        }
        throw new StorageException(Errno.EINVAL, "the server breaks the protocol");
    }

    private static int errno(int type) {
        return type == NbdReply.ERR_UNKNOWN ? Errno.ENOENT : Errno.EINVAL;
    }

    private static String refusal(int type, ByteBuffer data) {
        String text = StandardCharsets.UTF_8.decode(data).toString().replaceAll("\\p{Cntrl}", "?");
        if (type == NbdReply.ERR_TLS_REQD) {
            return "the server wants TLS, which the kernel's client does not speak; attach over the pool's own socket,"
                    + " or use nbdfuse or qemu";
        }
        return type == NbdReply.ERR_UNKNOWN ? "there is no such export" : "the server refuses: " + text;
    }

    private static ByteBuffer read(RawSocket socket, int bytes) throws StorageException {
        ByteArrayOutputStream all = new ByteArrayOutputStream(bytes);
        while (all.size() < bytes) {
            byte[] piece = socket.receive(bytes - all.size());
            if (piece.length == 0) {
                throw new StorageException(Errno.EIO, "the server closed the connection");
            }
            all.writeBytes(piece);
        }
        return ByteBuffer.wrap(all.toByteArray());
    }
}
