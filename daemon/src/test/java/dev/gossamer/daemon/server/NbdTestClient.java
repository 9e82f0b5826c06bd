package dev.gossamer.daemon.server;

import dev.gossamer.nbd.wire.NbdCommand;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.LongToIntFunction;

/** A blocking client that sends exactly what a test tells it to. */
public final class NbdTestClient implements AutoCloseable {
    private static final long IHAVEOPT = 0x49484156454F5054L;
    private static final int OPTION_GO = 7;
    static final int OPTION_STRUCTURED_REPLY = 8;
    static final int OPTION_EXTENDED_HEADERS = 11;
    private static final int OPTION_SET_META_CONTEXT = 10;
    private static final ByteBuffer[] NO_OPTIONS = {};
    private static final int REPLY_ACK = 1;

    /** One simple reply; data of READs that succeeded. */
    public record Reply(long cookie, int error, ByteBuffer data) {}

    /** One chunk of a structured reply. */
    record Chunk(boolean done, int type, long cookie, ByteBuffer payload) {}

    /** What a chunk with extended headers repeats of its request. */
    record Echo(boolean done, int type, long cookie, long offset) {}

    private final SocketChannel channel;

    /** Connects and enters transmission. */
    public NbdTestClient(Path socket, String export) throws IOException {
        this(UnixDomainSocketAddress.of(socket), export);
    }

    NbdTestClient(SocketAddress address, String export) throws IOException {
        this(address, export, ByteBuffer.allocate(0));
    }

    /** As the others, but sends these bytes in one piece with the option that enters transmission. */
    NbdTestClient(SocketAddress address, String export, ByteBuffer behind) throws IOException {
        this(address, export, behind, NO_OPTIONS);
    }

    private NbdTestClient(SocketAddress address, String export, ByteBuffer behind, ByteBuffer... options)
            throws IOException {
        channel = SocketChannel.open(address);
        receive(18);
        send(ByteBuffer.allocate(4).putInt(3).flip());
        for (ByteBuffer option : options) {
            send(option);
            finalReply();
        }
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        ByteBuffer go = ByteBuffer.allocate(16 + 4 + name.length + 2 + behind.remaining());
        go.putLong(IHAVEOPT).putInt(OPTION_GO).putInt(4 + name.length + 2);
        go.putInt(name.length).put(name).putShort((short) 0).put(behind);
        send(go.flip());
        finalReply();
    }

    private NbdTestClient(SocketChannel channel) {
        this.channel = channel;
    }

    /** Has been greeted, and says nothing. */
    static NbdTestClient greeted(SocketAddress address) throws IOException {
        NbdTestClient client = new NbdTestClient(SocketChannel.open(address));
        client.receive(18);
        client.send(ByteBuffer.allocate(4).putInt(3).flip());
        return client;
    }

    private void finalReply() throws IOException {
        int type;
        do {
            ByteBuffer reply = receive(20);
            reply.position(12);
            type = reply.getInt();
            receive(reply.getInt());
        } while (type > REPLY_ACK);
        if (type != REPLY_ACK) {
            throw new IOException("option was refused: " + Integer.toHexString(type));
        }
    }

    private static ByteBuffer option(int option, ByteBuffer data) {
        return ByteBuffer.allocate(16 + data.remaining())
                .putLong(IHAVEOPT)
                .putInt(option)
                .putInt(data.remaining())
                .put(data)
                .flip();
    }

    /** Connects with structured replies and one metadata context. */
    static NbdTestClient withContext(Path socket, String export, String context) throws IOException {
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        byte[] query = context.getBytes(StandardCharsets.UTF_8);
        ByteBuffer data = ByteBuffer.allocate(12 + name.length + query.length)
                .putInt(name.length)
                .put(name)
                .putInt(1)
                .putInt(query.length)
                .put(query)
                .flip();
        return new NbdTestClient(
                UnixDomainSocketAddress.of(socket),
                export,
                ByteBuffer.allocate(0),
                option(OPTION_STRUCTURED_REPLY, ByteBuffer.allocate(0)),
                option(OPTION_SET_META_CONTEXT, data));
    }

    /** Connects with structured replies. */
    static NbdTestClient structured(Path socket, String export) throws IOException {
        return new NbdTestClient(
                UnixDomainSocketAddress.of(socket),
                export,
                ByteBuffer.allocate(0),
                option(OPTION_STRUCTURED_REPLY, ByteBuffer.allocate(0)));
    }

    /** Connects with extended headers. */
    static NbdTestClient extended(Path socket, String export) throws IOException {
        return new NbdTestClient(
                UnixDomainSocketAddress.of(socket),
                export,
                ByteBuffer.allocate(0),
                option(OPTION_EXTENDED_HEADERS, ByteBuffer.allocate(0)));
    }

    void extendedRequest(int command, int flags, long cookie, long offset, long length) throws IOException {
        send(ByteBuffer.allocate(32)
                .putInt(0x21e41c71)
                .putShort((short) flags)
                .putShort((short) command)
                .putLong(cookie)
                .putLong(offset)
                .putLong(length)
                .flip());
    }

    /** The next chunk of a reply with extended headers: what it echoes of the request. */
    Echo echo() throws IOException {
        ByteBuffer header = receive(32);
        if (header.getInt() != 0x6e8a278c) {
            throw new IOException("not an extended chunk");
        }
        boolean done = (header.getShort() & 1) != 0;
        int type = header.getShort() & 0xffff;
        Echo echo = new Echo(done, type, header.getLong(), header.getLong());
        receive((int) header.getLong());
        return echo;
    }

    /** The next chunk of a structured reply. */
    Chunk chunk() throws IOException {
        ByteBuffer header = receive(20);
        if (header.getInt() != 0x668e33ef) {
            throw new IOException("not a chunk");
        }
        boolean done = (header.getShort() & 1) != 0;
        int type = header.getShort() & 0xffff;
        long cookie = header.getLong();
        return new Chunk(done, type, cookie, receive(header.getInt()));
    }

    public void request(int command, int flags, long cookie, long offset, int length) throws IOException {
        send(header(command, flags, cookie, offset, length).flip());
    }

    public void write(long cookie, long offset, byte[] data) throws IOException {
        send(header(NbdCommand.WRITE, 0, cookie, offset, data.length).flip());
        send(ByteBuffer.wrap(data));
    }

    public void read(long cookie, long offset, int length) throws IOException {
        request(NbdCommand.READ, 0, cookie, offset, length);
    }

    void disconnect() throws IOException {
        request(NbdCommand.DISC, 0, 0, 0, 0);
    }

    /** The next reply; {@code readLength} bytes of data follow if it is a success. */
    public Reply reply(int readLength) throws IOException {
        return reply(cookie -> readLength);
    }

    /** The next reply; data follows a success, of the length that is known for its cookie. */
    Reply reply(LongToIntFunction readLength) throws IOException {
        ByteBuffer header = receive(16);
        if (header.getInt() != 0x67446698) {
            throw new IOException("not a simple reply");
        }
        int error = header.getInt();
        long cookie = header.getLong();
        return new Reply(cookie, error, error == 0 ? receive(readLength.applyAsInt(cookie)) : ByteBuffer.allocate(0));
    }

    static ByteBuffer header(int command, int flags, long cookie, long offset, int length) {
        return ByteBuffer.allocate(28)
                .putInt(0x25609513)
                .putShort((short) flags)
                .putShort((short) command)
                .putLong(cookie)
                .putLong(offset)
                .putInt(length);
    }

    void send(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /**
     * Sends the same bytes again and again, whole, until the server has taken none for so long.
     *
     * @return how often
     */
    int sendUntilFull(ByteBuffer bytes, long quietMillis) throws IOException {
        channel.configureBlocking(false);
        int times = 0;
        long since = System.nanoTime();
        while (System.nanoTime() - since < quietMillis * 1_000_000) {
            if (channel.write(bytes) > 0) {
                since = System.nanoTime();
            } else {
                Thread.onSpinWait();
            }
            if (!bytes.hasRemaining()) {
                bytes.rewind();
                times++;
            }
        }
        channel.configureBlocking(true);
        return times;
    }

    private ByteBuffer receive(int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes) < 0) {
                throw new EOFException("server closed the connection");
            }
        }
        return bytes.flip();
    }

    /** Whether the server has closed, after everything it sent was taken. */
    boolean atEnd() throws IOException {
        try {
            return channel.read(ByteBuffer.allocate(1)) < 0;
        } catch (IOException e) {
            return true;
        }
    }

    /** Takes and drops what the server has sent; returns when the server has closed, with commands unread or not. */
    void takeUntilEnd() throws IOException {
        ByteBuffer some = ByteBuffer.allocate(1 << 16);
        try {
            while (channel.read(some) >= 0) {
                some.clear();
            }
        } catch (SocketException reset) {
            // How a socket ends whose other side was closed before it had read everything.
        }
    }

    void shutdownOutput() throws IOException {
        channel.shutdownOutput();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
