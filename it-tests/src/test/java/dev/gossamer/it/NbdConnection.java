package dev.gossamer.it;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A small NBD client for tests: fixed newstyle, simple replies, blocking, many requests in flight. It sends whatever it
 * is told, valid or not, and checks nothing but the framing. Numbers and layouts are those of the NBD protocol
 * document.
 */
final class NbdConnection implements AutoCloseable {
    static final long NBD_MAGIC = 0x4e42444d41474943L; // "NBDMAGIC"
    static final long OPTION_MAGIC = 0x49484156454F5054L; // "IHAVEOPT"
    static final long OPTION_REPLY_MAGIC = 0x3e889045565a9L;
    static final int REQUEST_MAGIC = 0x25609513;
    private static final int REQUEST_BYTES = 28;
    static final int SIMPLE_REPLY_MAGIC = 0x67446698;

    static final int OPTION_ABORT = 2;
    static final int OPTION_LIST = 3;
    static final int OPTION_STARTTLS = 5;
    static final int OPTION_GO = 7;
    static final int OPTION_STRUCTURED_REPLY = 8;
    static final int OPTION_LIST_META_CONTEXT = 9;
    static final int OPTION_SET_META_CONTEXT = 10;

    static final int REPLY_ACK = 1;
    static final int REPLY_INFO = 3;
    static final int REPLY_ERROR_UNSUPPORTED = 0x80000001;
    static final int REPLY_ERROR_INVALID = 0x80000003;
    static final int REPLY_ERROR_UNKNOWN = 0x80000006;

    static final int READ = 0;
    static final int WRITE = 1;
    static final int DISCONNECT = 2;
    static final int FLUSH = 3;
    static final int TRIM = 4;
    static final int CACHE = 5;
    static final int WRITE_ZEROES = 6;
    static final int BLOCK_STATUS = 7;

    static final int FLAG_FUA = 1;
    static final int FLAG_NO_HOLE = 2;

    private final SocketChannel channel;
    private final ByteBuffer header = ByteBuffer.allocate(64);
    private long sizeBytes = -1;
    private int transmissionFlags;

    /** Where connections come from. */
    @FunctionalInterface
    interface Source {
        NbdConnection connect() throws IOException;
    }

    /** An answer to an option: its type and data. */
    record OptionReply(int option, int type, ByteBuffer data) {}

    /** An answer to a request: the request's cookie and the error number, 0 for success. */
    record Reply(long cookie, int error) {}

    private NbdConnection(SocketChannel channel) {
        this.channel = channel;
    }

    /** Connects and does nothing else: the server's greeting is still to be read. */
    static NbdConnection connect(Path socket) throws IOException {
        return connect(UnixDomainSocketAddress.of(socket));
    }

    /** Likewise, over any kind of socket. */
    static NbdConnection connect(SocketAddress address) throws IOException {
        return new NbdConnection(SocketChannel.open(address));
    }

    /** Likewise, from an address of this machine. */
    static NbdConnection connect(SocketAddress own, SocketAddress address) throws IOException {
        SocketChannel channel = SocketChannel.open();
        try {
            channel.bind(own).connect(address);
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        return new NbdConnection(channel);
    }

    /** Connects and opens an export, ready for requests. */
    static NbdConnection open(Path socket, String export) throws IOException {
        return open(UnixDomainSocketAddress.of(socket), export);
    }

    /** Likewise, over any kind of socket. */
    static NbdConnection open(SocketAddress address, String export) throws IOException {
        NbdConnection connection = connect(address);
        connection.greet();
        connection.go(export);
        return connection;
    }

    /** Reads the greeting and answers with the client flags "fixed newstyle" and "no zeroes". */
    void greet() throws IOException {
        ByteBuffer greeting = read(18);
        if (greeting.getLong() != NBD_MAGIC || greeting.getLong() != OPTION_MAGIC) {
            throw new IOException("not an NBD greeting");
        }
        write(ByteBuffer.allocate(4).putInt(3).flip());
    }

    /** NBD_OPT_GO up to its acknowledgement. */
    void go(String export) throws IOException {
        sendOption(OPTION_GO, goRequest(export));
        for (OptionReply reply = readOptionReply(); reply.type() != REPLY_ACK; reply = readOptionReply()) {
            if (reply.type() != REPLY_INFO) {
                throw new IOException("GO refused with " + Integer.toHexString(reply.type()));
            }
            if (reply.data().getShort() == 0) { // NBD_INFO_EXPORT
                sizeBytes = reply.data().getLong();
                transmissionFlags = reply.data().getShort();
            }
        }
    }

    /** Structured replies; the caller reads what follows by himself. */
    void askForStructuredReplies() throws IOException {
        sendOption(OPTION_STRUCTURED_REPLY, new byte[0]);
        readOptionReply();
    }

    /** Selects one metadata context of an export. */
    void selectContext(String export, String context) throws IOException {
        sendOption(OPTION_SET_META_CONTEXT, contextQuery(export, context));
        for (OptionReply reply = readOptionReply(); reply.type() != REPLY_ACK; reply = readOptionReply()) {
            if (reply.type() < 0) {
                throw new IOException("context refused with " + Integer.toHexString(reply.type()));
            }
        }
    }

    /** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
    static byte[] contextQuery(String export, String... contexts) {
        ByteBuffer data = ByteBuffer.allocate(1 << 16);
        data.putInt(export.length()).put(export.getBytes(UTF_8)).putInt(contexts.length);
        for (String context : contexts) {
            data.putInt(context.length()).put(context.getBytes(UTF_8));
        }
        return Arrays.copyOf(data.array(), data.position());
    }

    /** Sends what the server takes at once, and not a byte more. @return how many bytes that was */
    int writeWithoutWaiting(ByteBuffer bytes) throws IOException {
        channel.configureBlocking(false);
        int written = channel.write(bytes);
        channel.configureBlocking(true);
        return written;
    }

    /** Takes what has arrived, and drops it. @return how many bytes that was; -1 if the server has closed */
    int takeWithoutWaiting(ByteBuffer room) throws IOException {
        channel.configureBlocking(false);
        int taken = channel.read(room.clear());
        channel.configureBlocking(true);
        return taken;
    }

    /** The data of GO and INFO. */
    static byte[] goRequest(String export) {
        byte[] name = export.getBytes(UTF_8);
        return ByteBuffer.allocate(6 + name.length)
                .putInt(name.length)
                .put(name)
                .array();
    }

    void sendOption(int option, byte[] data) throws IOException {
        sendOptionHeader(option, data.length);
        write(ByteBuffer.wrap(data));
    }

    void sendOptionHeader(int option, int length) throws IOException {
        write(ByteBuffer.allocate(16)
                .putLong(OPTION_MAGIC)
                .putInt(option)
                .putInt(length)
                .flip());
    }

    OptionReply readOptionReply() throws IOException {
        ByteBuffer reply = read(20);
        if (reply.getLong() != OPTION_REPLY_MAGIC) {
            throw new IOException("not an option reply");
        }
        int option = reply.getInt();
        int type = reply.getInt();
        return new OptionReply(option, type, read(reply.getInt()));
    }

    /** Sends a request without a payload. */
    void send(int command, int flags, long cookie, long offsetBytes, int lengthBytes) throws IOException {
        sendHeader(REQUEST_MAGIC, command, flags, cookie, offsetBytes, lengthBytes);
    }

    /** So many READs of the beginning of an export, to be {@link #write written} in one piece. */
    static ByteBuffer reads(int count, int lengthBytes) {
        ByteBuffer all = ByteBuffer.allocateDirect(count * REQUEST_BYTES);
        for (int i = 0; i < count; i++) {
            all.putInt(REQUEST_MAGIC).putShort((short) 0).putShort((short) READ);
            all.putLong(i).putLong(0).putInt(lengthBytes);
        }
        return all.flip();
    }

    /** Sends a WRITE. */
    void sendWrite(int flags, long cookie, long offsetBytes, byte[] payload) throws IOException {
        sendHeader(REQUEST_MAGIC, WRITE, flags, cookie, offsetBytes, payload.length);
        write(ByteBuffer.wrap(payload));
    }

    void sendHeader(int magic, int command, int flags, long cookie, long offsetBytes, int lengthBytes)
            throws IOException {
        header.clear()
                .putInt(magic)
                .putShort((short) flags)
                .putShort((short) command)
                .putLong(cookie);
        write(header.putLong(offsetBytes).putInt(lengthBytes).flip());
    }

    /** Reads the header of the next reply. After a successful READ the caller takes the data with {@link #read}. */
    Reply readReply() throws IOException {
        ByteBuffer reply = read(16);
        int magic = reply.getInt();
        if (magic != SIMPLE_REPLY_MAGIC) {
            throw new IOException("not a simple reply: magic " + Integer.toHexString(magic));
        }
        int error = reply.getInt();
        return new Reply(reply.getLong(), error);
    }

    /** One READ, waited for; no other request may be in flight. */
    byte[] readNow(long offsetBytes, int lengthBytes) throws IOException {
        send(READ, 0, 1, offsetBytes, lengthBytes);
        expectSuccess("read");
        return read(lengthBytes).array();
    }

    /** One WRITE, waited for; no other request may be in flight. */
    void writeNow(long offsetBytes, byte[] payload) throws IOException {
        sendWrite(0, 1, offsetBytes, payload);
        expectSuccess("write");
    }

    /** One FLUSH, waited for; no other request may be in flight. */
    void flushNow() throws IOException {
        send(FLUSH, 0, 1, 0, 0);
        expectSuccess("flush");
    }

    private void expectSuccess(String what) throws IOException {
        Reply reply = readReply();
        if (reply.error() != 0) {
            throw new IOException(what + " failed with error " + reply.error());
        }
    }

    /** Exactly this many bytes; {@link EOFException} if the server closes first. */
    ByteBuffer read(int lengthBytes) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(lengthBytes);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer) < 0) {
                throw new EOFException("connection closed by the server");
            }
        }
        return buffer.flip();
    }

    void write(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** Reads until the server closes the connection and returns how many bytes came before. */
    int readToEnd() throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(4096);
        int total = 0;
        try {
            for (int count = channel.read(buffer); count >= 0; count = channel.read(buffer.clear())) {
                total += count;
            }
        } catch (IOException reset) {
            // A server that closes while our bytes are unread makes the kernel report a reset: closed as well.
            return total;
        }
        return total;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    int transmissionFlags() {
        return transmissionFlags;
    }

    /** Half a close: says that nothing more will be sent. */
    void shutdownOutput() throws IOException {
        channel.shutdownOutput();
    }

    /** Closes a TCP connection so that the peer sees a reset, as if this machine had lost its power and come back. */
    void reset() throws IOException {
        channel.setOption(StandardSocketOptions.SO_LINGER, 0);
        channel.close();
    }

    /** Closes the socket without a word to the server. */
    @Override
    public void close() throws IOException {
        channel.close();
    }
}
