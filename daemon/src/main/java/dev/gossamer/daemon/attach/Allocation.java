package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.RawSocket;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Where an export holds its first data, by the server's word ({@code base:allocation}), on a connection of its own.
 * What is at the beginning of a device does not tell: a disk image may begin with zeros. Blocks.
 */
final class Allocation {
    /** All of it reads as zeros. */
    static final long NOTHING = -1;

    private static final String CONTEXT = "base:allocation";
    private static final int STATE_ZERO = 2;
    private static final int QUERY_BYTES = 1 << 30;
    private static final int REQUEST_BYTES = 28;
    private static final int MAX_CHUNK_BYTES = 16 << 20;

    private final RawSocket socket;
    private final long sizeBytes;
    private int context;

    private Allocation(RawSocket socket, long sizeBytes) {
        this.socket = socket;
        this.sizeBytes = sizeBytes;
    }

    /**
     * Asks range by range, to the first data.
     *
     * @return its offset in bytes, or {@link #NOTHING}
     * @throws StorageException also if the server does not tell
     */
    static long firstData(NbdUri uri, long sizeBytes) throws StorageException {
        RawSocket socket = ServerConnection.dial(uri);
        try {
            Allocation asked = new Allocation(socket, sizeBytes);
            asked.negotiate(uri.exportName());
            return asked.firstData();
        } catch (StorageException e) {
            throw new StorageException(
                    e.errno(), uri + ": it cannot be told whether it is empty: " + e.getMessage(), e);
        } finally {
            socket.close();
        }
    }

    private void negotiate(String export) throws StorageException {
        ServerTalk talk = ServerTalk.begin(socket);
        talk.ask(NbdOption.STRUCTURED_REPLY, new byte[0], (type, data) -> {});
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        byte[] query = CONTEXT.getBytes(StandardCharsets.UTF_8);
        ByteBuffer wanted = ByteBuffer.allocate(3 * Integer.BYTES + name.length + query.length)
                .putInt(name.length)
                .put(name)
                .putInt(1)
                .putInt(query.length)
                .put(query);
        talk.ask(NbdOption.SET_META_CONTEXT, wanted.array(), (type, data) -> {
            if (type == NbdReply.META_CONTEXT && data.limit() > Integer.BYTES) {
                context = data.getInt();
            }
        });
        if (context == 0) {
            throw new StorageException(Errno.EOPNOTSUPP, "the server has no " + CONTEXT);
        }
        talk.ask(NbdOption.GO, ServerConnection.go(export), (type, data) -> {});
    }

    private long firstData() throws StorageException {
        long at = 0;
        while (at < sizeBytes) {
            ask(at, (int) Math.min(QUERY_BYTES, sizeBytes - at));
            ByteBuffer extents = answer();
            long begin = at;
            while (extents.remaining() >= NbdReply.DESCRIPTOR_BYTES) {
                long length = Integer.toUnsignedLong(extents.getInt());
                if ((extents.getInt() & STATE_ZERO) == 0) {
                    return at;
                }
                at += length;
            }
            if (at == begin) {
                throw new StorageException(Errno.EINVAL, "the server breaks the protocol");
            }
        }
        return NOTHING;
    }

    private void ask(long offsetBytes, int lengthBytes) throws StorageException {
        socket.send(ByteBuffer.allocate(REQUEST_BYTES)
                .putInt(NbdMagic.REQUEST)
                .putShort((short) 0)
                .putShort((short) NbdCommand.BLOCK_STATUS)
                .putLong(0)
                .putLong(offsetBytes)
                .putInt(lengthBytes)
                .array());
    }

    /** The descriptors of one query, whatever else comes before the end of its reply. */
    private ByteBuffer answer() throws StorageException {
        ByteBuffer extents = ByteBuffer.allocate(0);
        while (true) {
            ByteBuffer head = ServerTalk.read(socket, NbdReply.CHUNK_HEADER_BYTES);
            int magic = head.getInt();
            int flags = head.getShort();
            int type = Short.toUnsignedInt(head.getShort());
            head.getLong();
            int length = head.getInt();
            if (magic != NbdMagic.REPLY_CHUNK || length < 0 || length > MAX_CHUNK_BYTES) {
                throw new StorageException(Errno.EINVAL, "the server breaks the protocol");
            }
            ByteBuffer data = ServerTalk.read(socket, length);
            if ((type & NbdReply.CHUNK_ERROR_BIT) != 0) {
                throw new StorageException(Errno.EIO, "the server answers with an error");
            }
            if (type == NbdReply.CHUNK_BLOCK_STATUS && length > Integer.BYTES && data.getInt() == context) {
                extents = data;
            }
            if ((flags & NbdReply.FLAG_DONE) != 0) {
                return extents;
            }
        }
    }
}
