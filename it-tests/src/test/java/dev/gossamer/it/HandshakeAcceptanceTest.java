package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gossamer.daemon.admin.AdminClient;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Handshakes with real clients, and raw ones through bash's /dev/tcp (NBD 8.1). One daemon serves all tests. */
final class HandshakeAcceptanceTest {
    private static final int MANY_EXPORTS = 300;

    @TempDir
    private static Path scratch;

    private static Daemon daemon;
    private static CompletableFuture<Integer> idle;

    @BeforeAll
    static void serve() throws Exception {
        daemon = Daemon.create(scratch).start("--listen", "tcp:127.0.0.1:0");
        daemon.createVolume("vol", "64M");
        NbdConnection silent = NbdConnection.connect(daemon.socket());
        idle = CompletableFuture.supplyAsync(() -> {
            try (silent) {
                return silent.readToEnd();
            } catch (IOException e) {
                return -1;
            }
        });
    }

    @AfterAll
    static void stop() throws Exception {
        try (Daemon served = daemon) {
            new DaemonProbe(served).assertQuietLog();
            served.stopAndCheck();
        }
    }

    /** What the server sends, in hexadecimal without spaces, up to its close; it has to close within the time-out. */
    private static String raw(String bytes) throws Exception {
        String script = "set -e; exec 3<>/dev/tcp/127.0.0.1/" + daemon.tcpPort() + "; printf '" + bytes
                + "' >&3; timeout 5 od -An -v -tx1 <&3 | tr -d ' \\n'; exit ${PIPESTATUS[0]}";
        String all = Tool.succeed("bash", "-c", script).out().strip();
        String greeting = "4e42444d4147494349484156454f50540003";
        assertTrue(all.startsWith(greeting), all);
        return all.substring(greeting.length());
    }

    private static final String FLAGS = "\\0\\0\\0\\3";
    private static final String ABORT = "IHAVEOPT\\0\\0\\0\\2\\0\\0\\0\\0";
    private static final String ABORT_ACK = "0003e889045565a9" + "00000002" + "00000001" + "00000000";

    @Test
    void nbdinfoFindsEveryAbilityA01() throws Exception {
        JsonNode export = new ObjectMapper()
                .readTree(Tool.succeed("nbdinfo", "--json", daemon.uri("vol")).out())
                .path("exports")
                .path(0);
        for (String ability : List.of("flush", "fua", "trim", "zero", "fast_zero", "df", "cache", "multi_conn")) {
            assertTrue(export.path("can_" + ability).asBoolean(false), ability);
        }
        assertEquals(1, export.path("block_size_minimum").asInt());
        assertTrue(export.path("block_size_preferred").asInt() >= 4096);
        assertEquals(32 << 20, export.path("block_size_maximum").asInt());
        assertTrue(export.path("contexts").toString().contains("base:allocation"));
    }

    @Test
    void threeHundredExportsAreListedByEveryClientA02A03() throws Exception {
        Set<String> expected = new TreeSet<>(Set.of("vol"));
        AdminClient admin = new AdminClient(daemon.directory().resolve("admin.sock"));
        for (int i = 0; i < MANY_EXPORTS; i++) {
            expected.add("export-" + i);
            admin.send("POST", "/v1/volumes", "{\"name\":\"export-" + i + "\",\"sizeBytes\":4096}");
        }
        JsonNode listed = new ObjectMapper()
                .readTree(Tool.succeed("nbdinfo", "--list", "--json", daemon.uri(""))
                        .out());
        assertEquals(expected, new TreeSet<>(listed.path("exports").findValuesAsText("export-name")));
        assertEquals(expected, namesFromNbdClient("-unix", daemon.socket().toString(), "-l"));
        assertEquals(expected, namesFromNbdClient("-l", "127.0.0.1", Integer.toString(daemon.tcpPort())));

        // Many volumes: the empty name means none of them (A05).
        Tool.Result noDefault = Tool.run("nbdinfo", "--size", daemon.uri(""));
        assertNotEquals(0, noDefault.status(), noDefault::toString);
        for (int i = 0; i < MANY_EXPORTS; i++) {
            assertEquals(
                    204, admin.send("DELETE", "/v1/volumes/export-" + i, "").status());
        }
        String only = Tool.succeed("nbdinfo", daemon.uri("")).out();
        assertTrue(only.contains("export=\"vol\""), only);
    }

    private static Set<String> namesFromNbdClient(String... options) throws Exception {
        String[] command = new String[options.length + 1];
        command[0] = "nbd-client";
        System.arraycopy(options, 0, command, 1, options.length);
        Set<String> names = new TreeSet<>();
        for (String line : Tool.succeed(command).out().lines().toList()) {
            String name = line.replaceFirst(": .*", "").strip();
            if (!name.isEmpty() && !name.startsWith("Negotiation")) {
                names.add(name);
            }
        }
        return names;
    }

    @Test
    void anUnknownExportIsRefusedInOneLineA04() throws Exception {
        Tool.Result refused = Tool.run("nbdinfo", "--size", daemon.uri("nope"));
        assertNotEquals(0, refused.status(), refused::toString);
        assertEquals(1, refused.errorLines().size(), refused::toString);
    }

    /** Without the kernel's module the device is refused, but only after the size was negotiated. */
    @Test
    void theKernelsClientNegotiatesBothWaysA06() throws Exception {
        for (String[] way : new String[][] {{"-N", "vol"}, {"-N", "vol", "-g"}}) {
            String[] command = new String[way.length + 4];
            System.arraycopy(
                    new String[] {"nbd-client", "-unix", daemon.socket().toString()}, 0, command, 0, 3);
            System.arraycopy(way, 0, command, 3, way.length);
            command[command.length - 1] = "/dev/null";
            Tool.Result result = Tool.run(command);
            assertTrue(result.toString().contains("64MB"), result::toString);
        }
    }

    @Test
    void qemuSeesTheSizeAndTheMapA08A09() throws Exception {
        Tool.Result info = Tool.succeed("qemu-img", "info", daemon.uri("vol"));
        assertTrue(info.out().contains("67108864 bytes"), info::toString);
        JsonNode map = new ObjectMapper()
                .readTree(Tool.succeed("qemu-img", "map", "--output=json", daemon.uri("vol"))
                        .out());
        assertEquals(64 << 20, map.path(0).path("length").asLong());
        assertEquals("false", map.path(0).path("data").asText());
    }

    @Test
    void aWrongOptionMagicIsDroppedA10() throws Exception {
        assertEquals("", raw(FLAGS + "IHAVEOPS\\0\\0\\0\\3\\0\\0\\0\\0"));
    }

    @Test
    void unknownClientFlagsAreDroppedAndUnknownOptionsSkippedA11() throws Exception {
        assertEquals("", raw("\\x80\\0\\0\\3"));
        String answer = raw(FLAGS + "IHAVEOPT\\x7e\\xad\\xbe\\xef\\0\\0\\0\\4abcd" + ABORT);
        assertTrue(answer.startsWith("0003e889045565a97eadbeef80000001"), answer);
        assertTrue(answer.endsWith(ABORT_ACK), answer);
    }

    @Test
    void absurdLengthsAreRefusedOrDroppedA12() throws Exception {
        String answer = raw(FLAGS + "IHAVEOPT\\0\\0\\0\\7\\0\\0\\0\\6\\xff\\xff\\xff\\xff\\0\\0" + ABORT);
        assertTrue(answer.startsWith("0003e889045565a90000000780000003"), answer);
        assertTrue(answer.endsWith(ABORT_ACK), answer);
        assertEquals("", raw(FLAGS + "IHAVEOPT\\0\\0\\0\\7\\xff\\xff\\xff\\xff"));
    }

    @Test
    void longNamesAreRefusedA13() throws Exception {
        for (int length : new int[] {4096, 4097}) {
            Tool.Result refused = Tool.run("nbdinfo", "--size", daemon.uri("a".repeat(length)));
            assertNotEquals(0, refused.status(), refused::toString);
            assertTrue(
                    refused.err().length() < 4096 + 1000,
                    "text of " + refused.err().length());
        }
        Tool.succeed("nbdinfo", "--size", daemon.uri("vol"));
    }

    @Test
    void dataWhereNoneBelongsIsInvalidAndTheNextOptionWorksA14() throws Exception {
        String info = "IHAVEOPT\\0\\0\\0\\6\\0\\0\\0\\11\\0\\0\\0\\3vol\\0\\0";
        for (String wrong :
                List.of("\\3\\0\\0\\0\\4abcd", "\\10\\0\\0\\0\\4abcd", "\\7\\0\\0\\0\\12\\0\\0\\0\\3vol\\0\\0x")) {
            String answer = raw(FLAGS + "IHAVEOPT\\0\\0\\0" + wrong + info + ABORT);
            assertTrue(answer.substring(24).startsWith("80000003"), answer);
            assertTrue(answer.contains("0003e889045565a9" + "00000006" + "00000001" + "00000000"), answer);
            assertTrue(answer.endsWith(ABORT_ACK), answer);
        }
    }

    @Test
    void contextsNeedStructuredRepliesAndBlockStatusNeedsContextsA16() throws Exception {
        String early = raw(FLAGS
                + "IHAVEOPT\\0\\0\\0\\12\\0\\0\\0\\36\\0\\0\\0\\3vol\\0\\0\\0\\1\\0\\0\\0\\17base:allocation" + ABORT);
        assertTrue(early.startsWith("0003e889045565a90000000a80000003"), early);
        assertTrue(early.endsWith(ABORT_ACK), early);
        String none =
                raw(FLAGS + "IHAVEOPT\\0\\0\\0\\10\\0\\0\\0\\0IHAVEOPT\\0\\0\\0\\7\\0\\0\\0\\11\\0\\0\\0\\3vol\\0\\0"
                        + "\\x25\\x60\\x95\\x13\\0\\0\\0\\7ABCDEFGH\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\x10\\0"
                        + "\\x25\\x60\\x95\\x13\\0\\0\\0\\2ABCDEFGH\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0");
        String chunk = "668e33ef" + "0001" + "8001" + hex("ABCDEFGH");
        assertTrue(none.contains(chunk), none);
        assertEquals(
                "00000016",
                none.substring(none.indexOf(chunk) + chunk.length() + 8).substring(0, 8),
                "EINVAL");
    }

    private static String hex(String text) {
        return java.util.HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void aSilentPeerIsDroppedWhileOthersAreServedA17() throws Exception {
        Tool.succeed("nbdinfo", "--size", daemon.uri("vol"));
        assertEquals(18, idle.get(60, TimeUnit.SECONDS), "bytes of the greeting, then the end");
    }
}
