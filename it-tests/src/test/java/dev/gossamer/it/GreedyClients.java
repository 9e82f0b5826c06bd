package dev.gossamer.it;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Connections, each with the most under way that the protocol lets it have, one kind after the other; none of them ever
 * takes an answer. One thread uses it.
 */
final class GreedyClients implements AutoCloseable {
    private static final int REQUESTS = 256;
    private static final int MIB = 1 << 20;

    /** More than any server lets one peer have. */
    private static final int ENOUGH = 5000;

    private final SocketAddress server;
    private final String export;
    private final long sizeBytes;
    private final List<NbdConnection> open = new ArrayList<>();

    /** @param sizeBytes of the export */
    GreedyClients(SocketAddress server, String export, long sizeBytes) {
        this.server = server;
        this.export = export;
        this.sizeBytes = sizeBytes;
    }

    int count() {
        return open.size();
    }

    /** Connects until the server closes new connections at once. */
    void connectToTheLimit() throws IOException {
        while (open.size() < ENOUGH) {
            NbdConnection next = NbdConnection.connect(server);
            try {
                next.greet();
                use(next, open.size() % 6);
            } catch (EOFException | SocketException refused) {
                next.close();
                return;
            }
            open.add(next);
        }
    }

    private void use(NbdConnection client, int kind) throws IOException {
        if (kind == 2 || kind == 3) {
            client.askForStructuredReplies();
        }
        if (kind == 2) {
            client.selectContext(export, "base:allocation");
        }
        client.go(export);
        switch (kind) {
            case 0 -> many(client, NbdConnection.READ, 0, 256 << 10);
            case 1 -> beginWrite(client);
            case 2 -> many(client, NbdConnection.BLOCK_STATUS, 0, -(64 << 10));
            case 3 -> errors(client);
            case 4 -> many(client, NbdConnection.TRIM, sizeBytes / 2, 64 * MIB);
            default -> many(client, NbdConnection.FLUSH, 0, 0);
        }
    }

    private static ByteBuffer requests(int count, int command, long offset, int length) {
        ByteBuffer bytes = ByteBuffer.allocate(count * 28);
        for (int i = 0; i < count; i++) {
            bytes.putInt(NbdConnection.REQUEST_MAGIC).putShort((short) 0).putShort((short) command);
            bytes.putLong(i).putLong(offset).putInt(length);
        }
        return bytes.flip();
    }

    private static void many(NbdConnection client, int command, long offset, int length) throws IOException {
        client.writeWithoutWaiting(requests(REQUESTS, command, offset, length));
    }

    private static void beginWrite(NbdConnection client) throws IOException {
        client.sendHeader(NbdConnection.REQUEST_MAGIC, NbdConnection.WRITE, 0, 1, 0, 32 * MIB);
        client.writeWithoutWaiting(ByteBuffer.allocate(4096));
    }

    /** Until the server takes no more of them. */
    private void errors(NbdConnection client) throws IOException {
        ByteBuffer bytes = requests(2048, NbdConnection.TRIM, sizeBytes, 4096);
        while (client.writeWithoutWaiting(bytes) > 0) {
            if (!bytes.hasRemaining()) {
                bytes.rewind();
            }
        }
    }

    /**
     * Gives up some connections for as many handshakes: half of them with an option that is not complete, half that ask
     * for long answers.
     */
    void turnIntoHandshakes(int count) throws IOException, InterruptedException {
        for (int i = 0; i < count && open.size() > count; i++) {
            open.removeFirst().close();
        }
        for (int i = 0; i < count; i++) {
            NbdConnection next = NbdConnection.connect(server);
            open.add(next);
            try {
                next.greet();
                if (i % 2 == 0) {
                    next.sendOptionHeader(NbdConnection.OPTION_LIST_META_CONTEXT, 128 << 10);
                    next.writeWithoutWaiting(ByteBuffer.allocate((128 << 10) - 1));
                } else {
                    next.askForStructuredReplies();
                    for (int option = 0; option < 50; option++) {
                        next.sendOption(
                                NbdConnection.OPTION_LIST_META_CONTEXT,
                                NbdConnection.contextQuery(export, "base:", "qemu:"));
                    }
                }
            } catch (EOFException | SocketException refused) {
                // The closed ones are still counted, or others have made this handshake the oldest.
                Thread.sleep(1);
            }
        }
    }

    @Override
    public void close() throws IOException {
        for (NbdConnection each : open) {
            each.close();
        }
        open.clear();
    }
}
