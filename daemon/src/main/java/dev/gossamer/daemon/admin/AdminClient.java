package dev.gossamer.daemon.admin;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;

/**
 * Asks a running daemon over its admin socket; for the command line, so it loads neither Netty nor the storage engine.
 * Each request has a connection of its own, which the daemon closes after the answer.
 */
public final class AdminClient {
    /** More than the longest answer, a list of 100 000 volumes of about 300 bytes each. */
    private static final int ANSWER_LIMIT_BYTES = 256 << 20;

    private final Path socket;
    private final Duration limit;

    /** Waits as long as it takes. */
    public AdminClient(Path socket) {
        this(socket, Duration.ZERO);
    }

    /** @param limit how long a request may take; zero is for ever */
    public AdminClient(Path socket, Duration limit) {
        this.socket = socket;
        this.limit = limit;
    }

    /** The daemon accepted the connection, or not even that, and then said nothing for too long. */
    public static final class Silent extends IOException {
        private static final long serialVersionUID = 1L;

        Silent(Throwable cause) {
            super("no answer in time", cause);
        }
    }

    /**
     * What the daemon answered.
     *
     * @param status HTTP status code
     * @param body text, empty for 204
     */
    public record Answer(int status, String body) {
        public boolean isSuccess() {
            return status / 100 == 2;
        }
    }

    /**
     * Sends a request and waits for the answer.
     *
     * @param body JSON, or empty
     * @throws Silent if that took too long; the daemon may still do what was asked
     * @throws IOException if no daemon listens or it went away
     */
    public Answer send(String method, String path, String body) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            // Unix sockets have no time-outs in Java: whoever closes the channel ends the wait.
            Thread watch = Thread.ofPlatform().daemon().unstarted(() -> closeAfterLimit(channel));
            if (!limit.isZero()) {
                watch.start();
            }
            try {
                return exchange(channel, method, path, body);
            } catch (ClosedChannelException e) {
                throw new Silent(e);
            } finally {
                watch.interrupt();
            }
        }
    }

    /** Takes a stream's lines as they come. */
    @FunctionalInterface
    public interface Lines {
        /**
         * One line.
         *
         * @return whether more are wanted
         */
        boolean take(String line);
    }

    /**
     * Reads a stream that ends when the daemon does, or the reader has enough.
     *
     * @return the daemon's refusal, or null if there was a stream
     * @throws Silent if the daemon does not begin to answer in time
     */
    public Answer follow(String path, Lines lines) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            Thread watch = Thread.ofPlatform().daemon().unstarted(() -> closeAfterLimit(channel));
            if (!limit.isZero()) {
                watch.start();
            }
            BufferedReader reader =
                    new BufferedReader(new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
            try {
                ask(channel, "GET", path, new byte[0]);
                String head = readHead(reader);
                watch.interrupt();
                if (!head.startsWith("HTTP/1.1 200")) {
                    return parse(head + "\r\n" + reader.readAllAsString());
                }
            } catch (ClosedChannelException e) {
                throw new Silent(e);
            } finally {
                watch.interrupt();
            }
            String line = reader.readLine();
            while (line != null && lines.take(line)) {
                line = reader.readLine();
            }
            return null;
        }
    }

    private static String readHead(BufferedReader reader) throws IOException {
        StringBuilder head = new StringBuilder();
        for (String line = reader.readLine(); line != null && !line.isEmpty(); line = reader.readLine()) {
            head.append(line).append("\r\n");
        }
        return head.toString();
    }

    private void closeAfterLimit(SocketChannel channel) {
        try {
            Thread.sleep(limit);
            channel.close();
        } catch (InterruptedException | IOException e) {
            return; // answered, or the end of it comes some other way
        }
    }

    private Answer exchange(SocketChannel channel, String method, String path, String body) throws IOException {
        ask(channel, method, path, body.getBytes(StandardCharsets.UTF_8));
        return parse(readToEnd(channel));
    }

    private void ask(SocketChannel channel, String method, String path, byte[] content) throws IOException {
        channel.connect(UnixDomainSocketAddress.of(socket));
        String head = method + " " + path + " HTTP/1.1\r\nHost: gossamer\r\nContent-Length: " + content.length
                + "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n";
        write(channel, ByteBuffer.wrap(head.getBytes(StandardCharsets.UTF_8)));
        write(channel, ByteBuffer.wrap(content));
    }

    private static void write(SocketChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static String readToEnd(SocketChannel channel) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        ByteBuffer chunk = ByteBuffer.allocate(64 << 10);
        while (channel.read(chunk) >= 0) {
            all.write(chunk.array(), 0, chunk.position());
            chunk.clear();
            if (all.size() > ANSWER_LIMIT_BYTES) {
                throw new IOException("answer of the daemon is too long");
            }
        }
        return all.toString(StandardCharsets.UTF_8);
    }

    // The daemon always announces the length and closes, so the end of the stream is the end of the body; a shorter
    // answer means that the daemon died on the way.
    private static Answer parse(String answer) throws IOException {
        int headEnd = answer.indexOf("\r\n\r\n");
        if (!answer.startsWith("HTTP/1.1 ") || headEnd < 0) {
            throw new IOException("the daemon closed the connection without an answer");
        }
        String body = answer.substring(headEnd + 4);
        for (String line : answer.substring(0, headEnd).lines().toList()) {
            if (line.regionMatches(true, 0, "content-length:", 0, 15)
                    && Integer.parseInt(line.substring(15).strip()) != body.getBytes(StandardCharsets.UTF_8).length) {
                throw new IOException("the daemon closed the connection within its answer");
            }
        }
        return new Answer(Integer.parseInt(answer.substring(9, 12)), body);
    }
}
