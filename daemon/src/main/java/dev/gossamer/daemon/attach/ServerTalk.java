package dev.gossamer.daemon.attach;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.RawSocket;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** Options asked of a server, fixed newstyle, and the bytes that come back. Blocks. */
final class ServerTalk {
    private static final int MAX_REPLY_BYTES = 64 << 10;
    private static final int MAX_REPLIES = 64;

    private final RawSocket socket;
    private final int flags;
    private boolean begun;

    /** What comes before the end of an option's answers. */
    interface Answer {
        void take(int type, ByteBuffer data);
    }

    private ServerTalk(RawSocket socket, int flags) {
        this.socket = socket;
        this.flags = flags;
    }

    /** Reads the server's greeting. */
    static ServerTalk begin(RawSocket socket) throws StorageException {
        ByteBuffer greeting = read(socket, NbdMagic.GREETING_BYTES);
        if (greeting.getLong() != NbdMagic.GREETING || greeting.getLong() != NbdMagic.OPTION) {
            throw new StorageException(Errno.EINVAL, "no NBD server, or a very old one");
        }
        int common = greeting.getShort() & (NbdFlags.FIXED_NEWSTYLE | NbdFlags.NO_ZEROES);
        if ((common & NbdFlags.FIXED_NEWSTYLE) == 0) {
            throw new StorageException(Errno.EINVAL, "the server is too old");
        }
        return new ServerTalk(socket, common);
    }

    /** Sends an option and reads to its acknowledgement; throws with the server's refusal. */
    void ask(int option, byte[] data, Answer answer) throws StorageException {
        ByteBuffer message = ByteBuffer.allocate(NbdMagic.CLIENT_FLAGS_BYTES + NbdOption.HEADER_BYTES + data.length);
        if (!begun) {
            message.putInt(flags);
            begun = true;
        }
        message.putLong(NbdMagic.OPTION).putInt(option).putInt(data.length).put(data);
        byte[] bytes = new byte[message.position()];
        message.flip().get(bytes);
        socket.send(bytes);
        for (int i = 0; i < MAX_REPLIES; i++) {
            ByteBuffer head = read(socket, NbdReply.OPTION_REPLY_HEADER_BYTES);
            boolean sound = head.getLong() == NbdMagic.OPTION_REPLY && head.getInt() == option;
            int type = head.getInt();
            int length = head.getInt();
            if (!sound || length < 0 || length > MAX_REPLY_BYTES) {
                break;
            }
            ByteBuffer reply = read(socket, length);
            if (type == NbdReply.ACK) {
                return;
            }
            if (type < 0) {
                throw new StorageException(errno(type), refusal(type, reply));
            }
            answer.take(type, reply);
        }
        throw new StorageException(Errno.EINVAL, "the server breaks the protocol");
    }

    private static int errno(int type) {
        return switch (type) {
            case NbdReply.ERR_UNKNOWN -> Errno.ENOENT;
            case NbdReply.ERR_UNSUP -> Errno.EOPNOTSUPP;
            default -> Errno.EINVAL;
        };
    }

    private static String refusal(int type, ByteBuffer data) {
        String text = text(data);
        if (type == NbdReply.ERR_TLS_REQD) {
            return "the server wants TLS, which the kernel's client does not speak; attach over the pool's own socket,"
                    + " or use nbdfuse or qemu";
        }
        return type == NbdReply.ERR_UNKNOWN ? "there is no such export" : "the server refuses: " + text;
    }

    /** A server's words, so that they cannot move the cursor. */
    static String text(ByteBuffer data) {
        return StandardCharsets.UTF_8.decode(data).toString().replaceAll("\\p{Cntrl}", "?");
    }

    static ByteBuffer read(RawSocket socket, int bytes) throws StorageException {
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
