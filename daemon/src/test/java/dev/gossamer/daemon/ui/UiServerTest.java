package dev.gossamer.daemon.ui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.io.StorageException;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the page of {@code gossamer ui} is answered, also while the daemon is away, and when a session is over. */
@Timeout(60)
class UiServerTest extends UiFixture {

    @Test
    void whatThePageAsksForGoesToTheDaemonAsItIs() throws IOException {
        List<String> session = session();
        assertEquals(
                "{\"yes\":true}",
                get("/v1/volume-page?search=a%20b&limit=5", session).body());
        backend = (method, path, body) -> new AdminClient.Answer(409, "{\"error\":\"in use\",\"kind\":\"in-use\"}");
        UiClient.Reply refused = client.send("PATCH", "/v1/volumes/a%2Fb", session, "{\"sizeBytes\":4096}");
        assertEquals(409, refused.status());
        assertTrue(refused.body().contains("in use"), refused.body());
        String uuid = "/v1/uuids/01234567-89ab-cdef-0123-456789abcdef?force=false";
        client.send("DELETE", uuid, session, "");
        assertEquals(
                List.of(
                        "GET /v1/volume-page?search=a%20b&limit=5 ",
                        "PATCH /v1/volumes/a%2Fb {\"sizeBytes\":4096}", "DELETE " + uuid + " "),
                asked);
    }

    @Test
    void everyFileOfThePageIsThere() throws IOException {
        List<String> files = new ArrayList<>(List.of("/page.css", "/main.js", "/icon.svg"));
        for (int i = 0; i < files.size(); i++) {
            UiClient.Reply file = get(files.get(i), client.ownHeaders());
            assertEquals(200, file.status(), files.get(i));
            assertEquals(
                    Integer.parseInt(file.header("Content-Length")),
                    file.body().getBytes(StandardCharsets.UTF_8).length);
            var imports =
                    java.util.regex.Pattern.compile("from '\\.(/\\w+\\.js)'").matcher(file.body());
            imports.results()
                    .map(found -> found.group(1))
                    .filter(name -> !files.contains(name))
                    .forEach(files::add);
        }
        assertEquals(14, files.size(), files::toString);
    }

    @Test
    void aDaemonThatIsAwayIsToldAndMayComeBack() throws IOException {
        List<String> session = session();
        backend = (method, path, body) -> {
            throw new IOException("Connection refused");
        };
        UiClient.Reply away = get("/v1/status", session);
        assertEquals(502, away.status());
        assertTrue(away.body().contains("\"kind\":\"no-daemon\""), away.body());
        backend = (method, path, body) -> {
            throw new IllegalStateException("a mistake");
        };
        assertEquals(500, get("/v1/status", session).status());
        backend = (method, path, body) -> new AdminClient.Answer(200, "x".repeat(5 << 20));
        assertEquals(502, get("/v1/connections", session).status(), "too long for a page");
        backend = (method, path, body) -> new AdminClient.Answer(200, "{}");
        assertEquals(200, get("/v1/status", session).status());
    }

    @Test
    void aSilentDaemonMayStillDoWhatWasAsked(@TempDir Path directory) throws IOException {
        List<String> session = session();
        Path socket = directory.resolve("admin.sock");
        try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            silent.bind(UnixDomainSocketAddress.of(socket));
            backend = new AdminClient(socket, Duration.ofMillis(100))::send;
            UiClient.Reply reply = client.send("POST", "/v1/volumes", session, "{}");
            assertEquals(504, reply.status());
            assertTrue(reply.body().contains("may still do what was asked"), reply.body());
        }
    }

    /** Four wait for the daemon, sixteen for those; the next one is told, and nobody waits for ever. */
    @Test
    void noMoreRequestsWaitThanThereIsRoomFor() throws Exception {
        List<String> session = session();
        CountDownLatch answer = new CountDownLatch(1);
        backend = (method, path, body) -> {
            try {
                answer.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return new AdminClient.Answer(200, "{}");
        };
        List<Socket> waiting = new ArrayList<>();
        String request = "GET /v1/status HTTP/1.1\r\n" + String.join("\r\n", session) + "\r\n\r\n";
        for (int i = 0; i < 4 + UiForward.QUEUE + 1; i++) {
            Socket socket = client.connect();
            socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
            waiting.add(socket);
        }
        // While all others wait, one is answered; which of them depends on the order in which they came.
        Socket refused = firstAnswered(waiting);
        assertEquals(503, UiClient.read(refused.getInputStream()).status());
        answer.countDown();
        waiting.remove(refused);
        refused.close();
        for (Socket socket : waiting) {
            assertEquals(200, UiClient.read(socket.getInputStream()).status());
            socket.close();
        }
    }

    private static Socket firstAnswered(List<Socket> sockets) throws Exception {
        while (true) {
            for (Socket socket : sockets) {
                if (socket.getInputStream().available() > 0) {
                    return socket;
                }
            }
            Thread.sleep(10);
        }
    }

    @Test
    void aSessionEndsWhenItIsEndedOrNobodyUsesIt() throws IOException {
        List<String> session = session();
        nanos.addAndGet(UiSession.IDLE.toNanos());
        assertEquals(200, get("/v1/status", session).status());
        nanos.addAndGet(UiSession.IDLE.toNanos());
        assertEquals(200, get("/v1/status", session).status(), "it was used meanwhile");
        assertFalse(server.isOver());
        assertEquals(200, client.send("DELETE", "/session", session, "").status());
        assertTrue(server.isOver());
        assertEquals(401, get("/v1/status", session).status());
        assertEquals(403, open(token()).status());
    }

    @Test
    void aPortThatIsTakenIsNamed() {
        UiServer other = new UiServer(backend, nanos::get);
        StorageException taken = assertThrows(StorageException.class, () -> other.listen(server.port()));
        assertTrue(
                taken.getMessage().startsWith("cannot listen on 127.0.0.1:" + server.port() + ": "),
                taken.getMessage());
        assertTrue(taken.getMessage().contains("--port"), taken.getMessage());
    }

    @Test
    void aRequestThatDoesNotArriveIsNotWaitedForForEver() {
        EmbeddedChannel channel = new EmbeddedChannel(new RequestClock(10, 75));
        channel.freezeTime();
        channel.advanceTimeBy(9, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertTrue(channel.isOpen());
        channel.writeInbound("the whole request");
        channel.advanceTimeBy(60, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertTrue(channel.isOpen(), "the daemon may take that long");
        channel.advanceTimeBy(20, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
        assertFalse(channel.isOpen());
        EmbeddedChannel silent = new EmbeddedChannel(new RequestClock(10, 75));
        silent.advanceTimeBy(11, TimeUnit.SECONDS);
        silent.runScheduledPendingTasks();
        assertFalse(silent.isOpen());
    }
}
