package dev.gossamer.daemon.ui;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A server whose daemon is a list of what it was asked, and whose clock stands still. */
abstract class UiFixture {
    final List<String> asked = new CopyOnWriteArrayList<>();
    final AtomicLong nanos = new AtomicLong();

    /** Answers in the daemon's place. */
    volatile UiForward.Backend backend = (method, path, body) -> new AdminClient.Answer(200, "{\"yes\":true}");

    UiServer server;
    UiClient client;

    @BeforeEach
    void listen() throws StorageException {
        server = new UiServer(
                (method, path, body) -> {
                    asked.add(method + " " + path + " " + body);
                    return backend.send(method, path, body);
                },
                nanos::get);
        server.listen(0);
        client = new UiClient(server.port());
    }

    @AfterEach
    void close() {
        server.close();
    }

    String token() {
        return server.address().substring(server.address().indexOf('#') + 1);
    }

    /** The headers of the page after it has opened the session. */
    List<String> session() throws IOException {
        UiClient.Reply reply = open(token());
        assertEquals(200, reply.status(), reply::body);
        List<String> headers = client.ownHeaders();
        headers.add("Cookie: " + reply.header("Set-Cookie").split(";", -1)[0]);
        headers.add(UiPages.KEY + ": "
                + new JsonMapper().readTree(reply.body()).path("key").asText());
        headers.add("Content-Type: application/json");
        return headers;
    }

    UiClient.Reply open(String token) throws IOException {
        List<String> headers = client.ownHeaders();
        headers.add("Content-Type: application/json");
        return client.send("POST", "/session", headers, "{\"token\":\"" + token + "\"}");
    }

    UiClient.Reply get(String path, List<String> headers) throws IOException {
        return client.send("GET", path, headers, "");
    }

    /** The same, with one header taken out, or another put in its place. */
    static List<String> with(List<String> headers, String name, String... values) {
        List<String> changed = new ArrayList<>(headers);
        changed.removeIf(header -> header.startsWith(name + ":"));
        for (String value : values) {
            changed.add(name + ": " + value);
        }
        return changed;
    }
}
