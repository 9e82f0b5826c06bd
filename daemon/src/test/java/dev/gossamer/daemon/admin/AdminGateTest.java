package dev.gossamer.daemon.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.AccessRights;
import dev.gossamer.daemon.server.access.AdminRules;
import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.RecordedLog;
import dev.gossamer.io.StorageException;
import dev.gossamer.nbd.handshake.Peer;
import io.netty.buffer.ByteBuf;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may do what on the admin socket, and that nothing is asked of the pool for those who may not. */
class AdminGateTest {
    private static final long READER = 4_000_001;
    private static final long WRITER = 4_000_002;
    private static final long BARRED = 4_000_003;
    private static final long STRANGER = 4_000_004;

    private static final AdminRules RULES = new AdminRules(List.of(
            new AdminRules.Rule(READER, AccessRights.READ_ONLY),
            new AdminRules.Rule(WRITER, AccessRights.READ_WRITE),
            new AdminRules.Rule(BARRED, AccessRights.NONE)));

    @TempDir
    private Path directory;

    private final AdminGate gate = new AdminGate();
    private final List<String> lines = new ArrayList<>();
    private final ClientLog log = RecordedLog.into(lines);
    private final List<String> asked = new ArrayList<>();
    private final PoolAdmin pool = (PoolAdmin) Proxy.newProxyInstance(
            AdminGateTest.class.getClassLoader(), new Class<?>[] {PoolAdmin.class}, (proxy, method, arguments) -> {
                asked.add(method.getName());
                return CompletableFuture.completedFuture(method.getName().equals("metrics") ? "metrics" : null);
            });
    private final CowAdmin cow = (CowAdmin) Proxy.newProxyInstance(
            AdminGateTest.class.getClassLoader(), new Class<?>[] {CowAdmin.class}, (proxy, method, arguments) -> {
                asked.add(method.getName());
                return CompletableFuture.completedFuture(null);
            });

    private AccessRights rights(long userId) {
        return gate.caller(userId, "somebody").rights();
    }

    private long listen() throws Exception {
        Path socket = Files.createFile(directory.resolve("admin.sock"));
        gate.listensOn(socket);
        return Integer.toUnsignedLong((Integer) Files.getAttribute(socket, "unix:uid"));
    }

    @Test
    void withoutRulesTheOwnerAndRootAreAlone() throws Exception {
        long owner = listen();
        assertEquals(AccessRights.READ_WRITE, rights(owner));
        assertEquals(AccessRights.READ_WRITE, rights(0));
        assertEquals(AccessRights.NONE, rights(STRANGER));
        assertEquals("rw-------", PosixFilePermissions.toString(gate.permissions()));
    }

    @Test
    void rulesGiveOthersWhatTheySayAndNoMore() throws Exception {
        long owner = listen();
        gate.apply(RULES);
        assertEquals(AccessRights.READ_ONLY, rights(READER));
        assertEquals(AccessRights.READ_WRITE, rights(WRITER));
        assertEquals(AccessRights.NONE, rights(BARRED));
        assertEquals(AccessRights.NONE, rights(STRANGER));
        assertEquals(AccessRights.READ_WRITE, rights(owner));
        assertTrue(gate.caller(owner, "o").owner());
        assertFalse(gate.caller(WRITER, "w").owner(), "what may be opened is another question");
        assertEquals(AccessRights.NONE, rights(Peer.NO_USER), "whoever cannot be told may be anybody");
        gate.apply(new AdminRules(List.of(new AdminRules.Rule(null, AccessRights.READ_ONLY))));
        assertEquals(AccessRights.READ_ONLY, rights(STRANGER));
    }

    @Test
    void theSocketIsOpenToOthersOnlyWhileARuleLetsThemIn() throws Exception {
        listen();
        Path socket = directory.resolve("admin.sock");
        gate.apply(RULES);
        assertEquals("rw-rw-rw-", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
        gate.apply(new AdminRules(List.of(new AdminRules.Rule(BARRED, AccessRights.NONE))));
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)));
    }

    @Test
    void whoMayReadMayNotChange() throws StorageException {
        gate.apply(RULES);
        AdminApi api = new AdminApi(pool, cow, log);
        AdminCaller reader = gate.caller(READER, "uid:4000001,pid:7");
        assertEquals(200, api.handle("GET", "/metrics", "", reader).join().status());
        assertEquals(List.of("metrics"), asked);
        for (String[] change : new String[][] {
            {"POST", "/v1/volumes", "{\"name\":\"v\",\"sizeBytes\":1048576}"},
            {"DELETE", "/v1/volumes/v", ""},
            {"PATCH", "/v1/volumes/v", "{\"name\":\"w\"}"},
            {"POST", "/v1/reload", ""},
            {"POST", "/v1/cow", "{\"name\":\"a\"}"},
            {"DELETE", "/v1/cow/a@b", ""},
            {"PUT", "/v1/pool/transaction-id", "{\"value\":1}"},
            {"get", "/v1/status", ""},
            {"HEAD", "/metrics", ""}
        }) {
            AdminResponse answer =
                    api.handle(change[0], change[1], change[2], reader).join();
            assertEquals(AdminRefusal.FORBIDDEN, answer.status(), change[0] + " " + change[1]);
            assertTrue(answer.body().contains("uid:4000001,pid:7 may not"), answer.body());
        }
        assertEquals(List.of("metrics"), asked, "nothing else was asked of the pool");
    }

    @Test
    void aConnectionIsAskedWhoItIs() throws StorageException {
        gate.apply(RULES);
        EmbeddedChannel channel = new EmbeddedChannel(new HttpServerCodec(), handler());
        byte[] request = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
        channel.writeInbound(channel.alloc().buffer().writeBytes(request));
        ByteBuf answer = channel.readOutbound();
        assertTrue(answer.toString(StandardCharsets.US_ASCII).startsWith("HTTP/1.1 403"));
        answer.release();
        assertEquals(List.of(), asked);
        channel.finishAndReleaseAll();
    }

    private AdminHandler handler() {
        AdminApi api = new AdminApi(pool, cow, log);
        return new AdminHandler(api, new HttpAnswers(api.busy()), new EventStream(pool, log), gate, log);
    }

    private String ask(String method, String uri, String body) {
        EmbeddedChannel channel = new EmbeddedChannel(new HttpServerCodec(), handler());
        String request = method + " " + uri + " HTTP/1.1\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
        channel.writeInbound(channel.alloc().buffer().writeBytes(request.getBytes(StandardCharsets.US_ASCII)));
        ByteBuf answer = channel.readOutbound();
        String status = answer.toString(StandardCharsets.US_ASCII).substring(9, 12);
        answer.release();
        channel.finishAndReleaseAll();
        return status;
    }

    /** Whoever may connect and nothing else decides how often he asks. */
    @Test
    void requestsOfThoseWhoMayNotAreALimitedNumberOfLines() throws StorageException {
        gate.apply(RULES);
        for (int i = 0; i < 1000; i++) {
            assertEquals("403", ask(i % 2 == 0 ? "GET" : "POST", "/v1/volumes", ""));
        }
        assertEquals(50, lines.size(), lines::toString);
        assertTrue(
                lines.getFirst().contains("admin request=GET peer=unknown status=403 path=/v1/volumes"),
                lines::toString);
        log.close();
        assertEquals(
                List.of("INFO lines left out kind=\"admin request\" leftOut=950"), lines.subList(50, lines.size()));
    }

    /** A change has its line, however many there were: somebody was let in to make it. */
    @Test
    void everyChangeHasItsLineBesideAFloodToo() {
        for (int i = 0; i < 200; i++) {
            assertEquals("405", ask("POST", "/v1/status", ""));
        }
        assertEquals(50, lines.size(), lines::toString);
        for (int i = 0; i < 200; i++) {
            assertEquals("204", ask("POST", "/v1/reload", ""));
        }
        assertEquals(
                200,
                lines.stream()
                        .filter(line -> line.contains("=POST peer=unknown status=204 path=/v1/reload body="))
                        .count(),
                lines::toString);
    }

    @Test
    void whatACallerWritesStaysInItsLineAndBehindWhatIsTrue() {
        ask(
                "DELETE",
                "/v1/nothing?x=%0apeer=root",
                "{\"a\":\"\r\n\u001b[2J peer=root status=200\"}" + "x".repeat(10_000));
        assertEquals(1, lines.size());
        String line = lines.getFirst();
        assertTrue(line.startsWith("INFO admin request=DELETE peer=unknown status=404 path="), line);
        assertTrue(line.length() < 400, line);
        assertTrue(line.chars().allMatch(c -> c >= ' '), line);
    }

    @Test
    void aBodyThatTwoReadersCouldUnderstandInTwoWaysIsRefused() {
        String whole = "{\"name\":\"v\",\"sizeBytes\":512}";
        String twice = "{\"name\":\"v\",\"sizeBytes\":512,\"sizeBytes\":1024}";
        for (String body : List.of(twice, whole + "x", whole + " {}", "{}" + whole)) {
            assertEquals("400", ask("POST", "/v1/volumes", body), body);
        }
        assertEquals(List.of(), asked);
        ask("POST", "/v1/volumes", whole + " ");
        assertFalse(asked.isEmpty(), "how much may be promised is asked first");
    }

    /** Whose user the transport cannot tell has what the socket's permissions say; these were others' once. */
    @Test
    void whoCannotBeToldIsNoOwnerOnceOthersWereLetIn() throws Exception {
        listen();
        assertTrue(gate.caller(Peer.NO_USER, "?").owner(), "the socket has always been the owner's alone");
        gate.apply(RULES);
        assertEquals(AccessRights.NONE, rights(Peer.NO_USER));
        gate.apply(AdminRules.NONE);
        assertEquals(AccessRights.NONE, rights(Peer.NO_USER), "it may have connected while it could");
    }

    @Test
    void whatIsNotWellEncodedIsABadRequestAndNoFaultOfOurs() {
        for (String uri : List.of("/v1/volumes/%zz", "/v1/volumes/v?force=%f", "/v1/%c3%28%/x")) {
            assertEquals("400", ask("DELETE", uri, ""), uri);
        }
        assertEquals(3, lines.size(), lines::toString);
    }
}
