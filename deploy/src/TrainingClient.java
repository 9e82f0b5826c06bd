import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

/**
 * Uses one export of an NBD server a little, so that the server loads the classes that clients need: negotiates with
 * NBD_OPT_GO, writes, flushes and reads back the first 128 KiB and trims the second half. Destroys what is there.
 *
 * <p>Run from source: {@code java TrainingClient.java SOCKET EXPORT}.
 */
final class TrainingClient implements AutoCloseable {
    private static final int FIXED_NEWSTYLE_NO_ZEROES = 3;
    private static final int OPT_GO = 7;
    private static final int REP_ACK = 1;
    private static final int CMD_READ = 0;
    private static final int CMD_WRITE = 1;
    private static final int CMD_DISC = 2;
    private static final int CMD_FLUSH = 3;
    private static final int CMD_TRIM = 4;
    private static final int LENGTH_BYTES = 128 * 1024;

    private final SocketChannel socket;
    private final DataInputStream in;

    private TrainingClient(String path) throws IOException {
        socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        socket.connect(UnixDomainSocketAddress.of(path));
        in = new DataInputStream(Channels.newInputStream(socket));
    }

    public static void main(String[] args) throws IOException {
        try (TrainingClient client = new TrainingClient(args[0])) {
            client.negotiate(args[1]);
            client.command(CMD_WRITE);
            client.command(CMD_FLUSH);
            client.command(CMD_READ);
            client.command(CMD_TRIM);
            client.command(CMD_FLUSH);
            client.send(request(CMD_DISC));
        }
    }

    /** Greeting (magic, magic, flags), our flags, NBD_OPT_GO without information requests, replies up to the ack. */
    private void negotiate(String export) throws IOException {
        in.skipNBytes(8 + 8 + 2);
        byte[] name = export.getBytes(StandardCharsets.UTF_8);
        send(ByteBuffer.allocate(4 + 8 + 4 + 4 + 4 + name.length + 2)
                .putInt(FIXED_NEWSTYLE_NO_ZEROES)
                .put("IHAVEOPT".getBytes(StandardCharsets.US_ASCII))
                .putInt(OPT_GO)
                .putInt(4 + name.length + 2)
                .putInt(name.length)
                .put(name)
                .putShort((short) 0));
        int type;
        do {
            in.skipNBytes(8 + 4); // magic, option
            type = in.readInt();
            in.skipNBytes(in.readInt());
            if (type < 0) {
                throw new IOException("export " + export + " refused: reply type 0x" + Integer.toHexString(type));
            }
        } while (type != REP_ACK);
    }

    /** One command and its simple reply: magic, error, cookie, data. */
    private void command(int type) throws IOException {
        send(request(type));
        in.skipNBytes(4);
        int error = in.readInt();
        in.skipNBytes(8);
        if (error != 0) {
            throw new IOException("command " + type + " failed: error " + error);
        }
        if (type == CMD_READ) {
            in.skipNBytes(LENGTH_BYTES);
        }
    }

    /** Magic, flags, type, cookie, offset, length, and for a write the data. */
    private static ByteBuffer request(int type) {
        int offsetBytes = type == CMD_TRIM ? LENGTH_BYTES / 2 : 0;
        boolean ranged = type == CMD_READ || type == CMD_WRITE || type == CMD_TRIM;
        int lengthBytes = ranged ? LENGTH_BYTES - offsetBytes : 0;
        int payload = type == CMD_WRITE ? LENGTH_BYTES : 0;
        return ByteBuffer.allocate(28 + payload)
                .putInt(0x25609513)
                .putShort((short) 0)
                .putShort((short) type)
                .putLong(0)
                .putLong(offsetBytes)
                .putInt(lengthBytes)
                .position(28 + payload);
    }

    private void send(ByteBuffer message) throws IOException {
        message.flip();
        while (message.hasRemaining()) {
            socket.write(message);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
