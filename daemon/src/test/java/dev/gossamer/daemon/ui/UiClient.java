package dev.gossamer.daemon.ui;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A client that sends whatever it is told, and no header of its own. */
final class UiClient {
    private static final int PATIENCE_MILLIS = 30_000;

    /** What came back; status 0 if nothing did. */
    record Reply(int status, String head, String body) {
        String header(String name) {
            Matcher line = Pattern.compile("(?imd)^" + name + ": (.*?)\\r$").matcher(head);
            return line.find() ? line.group(1) : null;
        }
    }

    private final int port;

    UiClient(int port) {
        this.port = port;
    }

    /** The headers of our own page, without a session. */
    List<String> ownHeaders() {
        return new ArrayList<>(List.of("Host: 127.0.0.1:" + port, "Origin: http://127.0.0.1:" + port));
    }

    Reply send(String method, String path, List<String> headers, String body) throws IOException {
        StringBuilder request = new StringBuilder(method + " " + path + " HTTP/1.1\r\n");
        headers.forEach(header -> request.append(header).append("\r\n"));
        byte[] content = body.getBytes(StandardCharsets.UTF_8);
        request.append("Content-Length: ").append(content.length).append("\r\n\r\n");
        return send(request + body);
    }

    Reply send(String bytes) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.UTF_8));
            return read(socket.getInputStream());
        }
    }

    Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port);
        socket.setSoTimeout(PATIENCE_MILLIS);
        return socket;
    }

    static Reply read(InputStream stream) throws IOException {
        String all = new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        int end = all.indexOf("\r\n\r\n");
        return end < 0
                ? new Reply(0, all, "")
                : new Reply(Integer.parseInt(all.substring(9, 12)), all.substring(0, end + 2), all.substring(end + 4));
    }
}
