package dev.gossamer.it;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Who asks for as much as the admin socket gives, and never takes an answer, and TLS handshakes that come as far as
 * their first record. One thread uses it.
 */
final class GreedyManagers implements AutoCloseable {
    /** Of the 64 clients that the socket has at most: the others are for who looks how the daemon is. */
    private static final int READERS_OF_EVENTS = 50;

    private static final int HALF_REQUESTS = 5;
    private static final int UNTAKEN = 5;

    /** Half of the longest request. */
    private static final int HALF_BYTES = 256 << 10;

    private static final int TLS_RECORD = 16 << 10;

    private final List<SocketChannel> admins = new ArrayList<>();
    private final List<Socket> handshakes = new ArrayList<>();

    GreedyManagers(Path adminSocket) throws IOException {
        for (int i = 0; i < READERS_OF_EVENTS; i++) {
            ask(adminSocket, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n", 1);
        }
        for (int i = 0; i < HALF_REQUESTS; i++) {
            String head = "POST /v1/volumes HTTP/1.1\r\nHost: x\r\nContent-Length: " + 2 * HALF_BYTES + "\r\n\r\n";
            ask(adminSocket, head + " ".repeat(HALF_BYTES), 1);
        }
        for (int i = 0; i < UNTAKEN; i++) {
            ask(adminSocket, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 50);
        }
    }

    private void ask(Path adminSocket, String request, int times) throws IOException {
        SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(adminSocket));
        admins.add(client);
        ByteBuffer bytes = ByteBuffer.wrap(request.repeat(times).getBytes(US_ASCII));
        client.configureBlocking(false);
        for (int tries = 0; tries < 1000 && bytes.hasRemaining(); tries++) {
            if (client.write(bytes) == 0) {
                Thread.onSpinWait();
            }
        }
    }

    /** Each has an engine, and half of a record with what should be a greeting. */
    void beginTls(int port, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            Socket client = StartTls.plainPart(port);
            handshakes.add(client);
            ByteBuffer half = ByteBuffer.allocate(TLS_RECORD / 2);
            half.put(new byte[] {22, 3, 1}).putShort((short) TLS_RECORD);
            client.getOutputStream().write(half.array());
        }
    }

    int count() {
        return admins.size() + handshakes.size();
    }

    @Override
    public void close() throws IOException {
        for (SocketChannel each : admins) {
            each.close();
        }
        for (Socket each : handshakes) {
            each.close();
        }
    }
}
