package dev.gossamer.daemon.ui;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What pages of others, and other users of this machine, can do to the page of {@code gossamer ui}: nothing. */
@Timeout(60)
class UiAttackTest extends UiFixture {

    @Test
    void aNameThatSomebodyPointsAtThisMachineIsRefused() throws IOException {
        List<String> session = session();
        String port = ":" + server.port();
        for (String host : new String[] {
            "evil.example" + port, "localhost" + port, "127.0.0.1", "127.0.0.1:1", "127.0.0.1" + port + ".evil.example"
        }) {
            assertEquals(403, get("/", with(session, "Host", host)).status(), host);
            assertEquals(403, get("/v1/status", with(session, "Host", host)).status(), host);
        }
        assertEquals(403, get("/v1/status", with(session, "Host")).status(), "none at all");
        String own = "127.0.0.1" + port;
        assertNotEquals(
                200,
                get("/v1/status", with(session, "Host", own, "evil.example")).status());
        assertNotEquals(200, get("http://evil.example/v1/status", session).status(), "the name in the path");
        assertEquals(List.of(), asked);
        assertEquals(200, get("/v1/status", session).status());
    }

    @Test
    void whatAnotherPageAsksForIsRefusedAlthoughTheBrowserAddsTheCookie() throws IOException {
        List<String> session = session();
        for (String origin :
                new String[] {"http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:" + server.port()
                }) {
            List<String> foreign = with(session, "Origin", origin);
            assertEquals(403, get("/v1/status", foreign).status(), origin);
            assertEquals(403, client.send("POST", "/v1/volumes", foreign, "{}").status(), origin);
            assertEquals(403, client.send("DELETE", "/session", foreign, "").status(), origin);
        }
        assertEquals(
                403,
                client.send("POST", "/v1/volumes", with(session, "Origin"), "{}")
                        .status(),
                "a change without an Origin");
        for (String site : new String[] {"cross-site", "same-site", "x"}) {
            assertEquals(
                    403,
                    get("/v1/status", with(session, "Sec-Fetch-Site", site)).status(),
                    site);
        }
        assertEquals(List.of(), asked);
        assertFalse(server.isOver(), "nobody else has ended the session");
    }

    /** A form, or a script without leave, sends no JSON; and leave is given to none. */
    @Test
    void thereIsNoLeaveForOtherPages() throws IOException {
        List<String> session = session();
        for (String type : new String[] {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"}) {
            assertEquals(
                    415,
                    client.send("POST", "/v1/volumes", with(session, "Content-Type", type), "{}")
                            .status());
        }
        List<String> asking = with(session, "Origin", "http://evil.example");
        asking.add("Access-Control-Request-Method: POST");
        UiClient.Reply reply = client.send("OPTIONS", "/v1/volumes", asking, "");
        assertEquals(403, reply.status());
        assertFalse(reply.head().toLowerCase(java.util.Locale.ROOT).contains("access-control"), reply.head());
        assertEquals(List.of(), asked);
    }

    @Test
    void theAddressWorksOnce() throws IOException {
        assertEquals(403, open("AAAAAAAAAAAAAAAAAAAAAA").status());
        assertEquals(403, open("").status());
        UiClient.Reply first = open(token());
        assertEquals(200, first.status(), "wrong ones have not used it up");
        assertTrue(first.header("Set-Cookie").endsWith("; Path=/; HttpOnly; SameSite=Strict"), first.head());
        UiClient.Reply second = open(token());
        assertEquals(403, second.status());
        assertTrue(second.body().contains("works once"), second.body());
        assertNull(second.header("Set-Cookie"));
        assertTrue(server.address().matches("http://127\\.0\\.0\\.1:[0-9]+/#[A-Za-z0-9_-]{22}"), "128 bits");
    }

    /** Browsers send the cookie to every port of 127.0.0.1, so whoever listens on another one knows it. */
    @Test
    void bothSecretsAreNeeded() throws IOException {
        List<String> session = session();
        String cookie = session.stream()
                .filter(each -> each.startsWith("Cookie: "))
                .findFirst()
                .orElseThrow();
        List<List<String>> lacking = new ArrayList<>();
        lacking.add(with(session, "Cookie"));
        lacking.add(with(session, UiPages.KEY));
        lacking.add(with(session, UiPages.KEY, "AAAAAAAAAAAAAAAAAAAAAA"));
        lacking.add(with(session, "Cookie", "gossamer-" + server.port() + "=x"));
        lacking.add(with(session, "Cookie", "gossamer-" + server.port() + "=x; " + cookie.substring(8)));
        lacking.add(with(session, "Cookie", "gossamer-" + server.port() + "="));
        lacking.add(client.ownHeaders());
        for (List<String> headers : lacking) {
            assertEquals(401, get("/v1/status", headers).status(), headers::toString);
        }
        assertEquals(List.of(), asked);
        List<String> others = with(session, "Cookie", "other=1; " + cookie.substring(8) + "; more=2");
        assertEquals(200, get("/v1/status", others).status(), "cookies of others do not matter");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /v1/volumes",
                "POST /v1/reload",
                "POST /v1/pool/grow",
                "DELETE /v1/volumes/web",
                "PUT /v1/volumes/web",
                "GET /v1/volumes/a/../../status",
                "GET /v1/volumes/a%0d%0aX/space/x",
                "GET /v1/volume-page?search=a&x=\"",
                "POST /v1/volumes/a/limits",
                "DELETE /v1/uuids/1?force=true&x",
                "GET /v1/status?x=1"
            })
    void whatThePageDoesNotOfferCannotBeAskedFor(String request) throws IOException {
        UiClient.Reply reply = client.send(request.split(" ", 2)[0], request.split(" ", 2)[1], session(), "{}");
        assertEquals(404, reply.status(), reply::body);
        assertEquals(List.of(), asked);
    }

    @Test
    void noPathLeadsToOtherFiles() throws IOException {
        for (String path :
                new String[] {"/../index.html", "/%2e%2e/x", "/UiFiles.class", "//index.html", "/index.html?x", "/."}) {
            assertEquals(404, get(path, client.ownHeaders()).status(), path);
        }
        assertEquals(405, client.send("DELETE", "/", client.ownHeaders(), "").status());
    }

    @Test
    void thePageMayLoadNothingFromElsewhereAndBeInNoFrame() throws IOException {
        for (String path : new String[] {"/", "/main.js", "/nothing"}) {
            UiClient.Reply reply = get(path, client.ownHeaders());
            String policy = reply.header("Content-Security-Policy");
            assertTrue(policy.startsWith("default-src 'none'; script-src 'self'; style-src 'self';"), policy);
            assertTrue(policy.contains("frame-ancestors 'none'"), policy);
            assertFalse(policy.contains("unsafe"), policy);
            assertEquals("nosniff", reply.header("X-Content-Type-Options"));
            assertEquals("no-store", reply.header("Cache-Control"));
            assertEquals("no-referrer", reply.header("Referrer-Policy"));
        }
        String page = get("/", client.ownHeaders()).body();
        assertFalse(page.matches("(?s).*(\\son\\w+=|style=|<script>|https?://).*"), page);
    }

    @Test
    void aLinkFromElsewhereLeadsToThePageAndNoFurther() throws IOException {
        List<String> link = with(client.ownHeaders(), "Origin");
        link.addAll(List.of("Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"));
        assertEquals(200, get("/", link).status());
        assertEquals(403, get("/main.js", link).status());
        List<String> frame = with(link, "Sec-Fetch-Mode", "no-cors");
        assertEquals(403, get("/", frame).status());
    }

    @Test
    void whatIsTooLongOrNoHttpIsRefused() throws IOException {
        String host = "Host: 127.0.0.1:" + server.port() + "\r\n";
        assertNotEquals(
                200,
                client.send("GET /" + "a".repeat(5000) + " HTTP/1.1\r\n" + host + "\r\n")
                        .status());
        assertNotEquals(
                200,
                client.send("GET / HTTP/1.1\r\n" + host + "X: " + "a".repeat(9000) + "\r\n\r\n")
                        .status());
        assertEquals(
                413,
                client.send("POST /session HTTP/1.1\r\n" + host + "Connection: close\r\nContent-Length: 20000\r\n\r\n")
                        .status());
        assertEquals(400, client.send("what is this\r\n\r\n").status());
        assertEquals(
                400,
                client.send("POST", "/session", with(session(), "X"), "{\"token\":")
                        .status());
        assertEquals(List.of(), asked);
    }

    @Test
    void whoHoldsConnectionsOpenGetsNoMoreThanThereAre() throws Exception {
        List<Socket> held = new ArrayList<>();
        try {
            for (int i = 0; i < UiServer.CONNECTION_LIMIT; i++) {
                held.add(client.connect());
            }
            // Those before it are counted before it is: one loop takes them in their order.
            try (Socket more = client.connect()) {
                more.setSoTimeout(8_000); // before a connection without a request is closed anyway
                assertEquals(-1, more.getInputStream().read());
            }
        } finally {
            for (Socket socket : held) {
                socket.close();
            }
        }
        UiClient.Reply reply = get("/", client.ownHeaders());
        for (int i = 0; i < 100 && reply.status() == 0; i++) {
            Thread.sleep(20);
            reply = get("/", client.ownHeaders());
        }
        assertEquals(200, reply.status(), "there is room again");
    }

    @Test
    void onlyThisMachineCanConnect() throws IOException {
        for (NetworkInterface each : NetworkInterface.networkInterfaces().toList()) {
            for (InetAddress address : each.inetAddresses().toList()) {
                if (!address.isLoopbackAddress() && each.isUp()) {
                    assertThrows(ConnectException.class, () -> new Socket(address, server.port()).close());
                }
            }
        }
        byte[] six = new byte[16];
        six[15] = 1;
        for (byte[] other : new byte[][] {{127, 0, 0, 2}, six}) {
            InetAddress address = InetAddress.getByAddress(other);
            assertThrows(IOException.class, () -> new Socket(address, server.port()).close(), address::toString);
        }
    }
}
