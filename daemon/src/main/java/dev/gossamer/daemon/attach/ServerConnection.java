package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.RawSocket;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdInfo;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A connection that has been negotiated as far as the kernel's client takes over: fixed newstyle, NBD_OPT_GO, simple
 * replies. Blocks; whoever has it closes it, or has given its descriptor to the kernel and closes it too.
 *
 * @param sizeBytes of the export
 * @param flags its transmission flags
 * @param identity what tells the volume from one that gets its name later: the UUID in the description; empty if the
 *     server tells none
 */
record ServerConnection(RawSocket socket, long sizeBytes, int flags, String identity) implements AutoCloseable {
    private static final int TIMEOUT_SECONDS = 10;
    private static final Pattern IDENTITY = Pattern.compile("\\buuid ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\\b");
    private static final int MAX_SOCKET_PATH_BYTES = 107;

    /** @throws StorageException with a line that names the server and what is wrong */
    static ServerConnection open(NbdUri uri) throws StorageException {
        RawSocket socket = dial(uri);
        try {
            ServerConnection made = negotiate(socket, uri.exportName());
            socket.setTimeout(0);
            return made;
        } catch (StorageException e) {
            socket.close();
            throw new StorageException(e.errno(), uri + ": " + e.getMessage(), e);
        }
    }

    /** A socket that is connected; what it is asked must be answered within a time. */
    static RawSocket dial(NbdUri uri) throws StorageException {
        RawSocket socket = RawSocket.open(family(uri), RawSocket.SOCK_STREAM, 0, TIMEOUT_SECONDS);
        try {
            socket.connect(address(uri));
            if (uri.transport() == NbdUri.Transport.TCP) {
                socket.noticeSilence();
            }
            return socket;
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
        Facts facts = new Facts();
        ServerTalk.begin(socket).ask(NbdOption.GO, go(export), facts::take);
        if (facts.sizeBytes < 0) {
            throw new StorageException(Errno.EINVAL, "the server does not tell the size of the export");
        }
        return new ServerConnection(socket, facts.sizeBytes, facts.flags, facts.identity);
    }

    /** The rest of NBD_OPT_GO; asks for the description. */
    static byte[] go(String export) {
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(Integer.BYTES + name.length + 2 * Short.BYTES)
                .putInt(name.length)
                .put(name)
                .putShort((short) 1)
                .putShort((short) NbdInfo.DESCRIPTION)
                .array();
    }

    /** What the server tells of an export. */
    private static final class Facts {
        private long sizeBytes = -1;
        private int flags;
        private String identity = "";

        void take(int type, ByteBuffer data) {
            if (type != NbdReply.INFO || data.limit() < NbdInfo.TYPE_BYTES) {
                return;
            }
            int kind = data.getShort();
            if (kind == NbdInfo.EXPORT && data.limit() == NbdInfo.EXPORT_BYTES) {
                sizeBytes = data.getLong();
                flags = Short.toUnsignedInt(data.getShort());
            } else if (kind == NbdInfo.DESCRIPTION) {
                Matcher found = IDENTITY.matcher(ServerTalk.text(data));
                identity = found.find() ? found.group(1) : "";
            }
        }
    }
}
