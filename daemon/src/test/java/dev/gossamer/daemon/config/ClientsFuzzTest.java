package dev.gossamer.daemon.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.AccessControl;
import dev.gossamer.daemon.server.access.AdmissionCounters;
import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.ClientPolicy;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.handshake.ExportDirectory;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdFlags;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Ten thousand edits of valid files: each is refused, or gives every peer exactly the rights that another reader of
 * YAML finds in it. So a slip in the file never gives anybody more than it says.
 */
class ClientsFuzzTest {
    private static final int EDITS = 10_000;

    private static final List<String> FILES = List.of(
            """
            access:
            - {certificate: alice, exports: alice-*, rights: read-write}
            - {network: 10.0.0.0/8, exports: [public, iso], rights: read-only}
            - {uid: 1000, rights: read-write}
            limits:
              handshake-seconds: 10
            """,
            """
            admin:
              - uid: 1000
                rights: read-only
              - uid: '*'
                rights: none
            access: []
            """,
            """
            # the first rule that fits decides
            access:
            - rights: none
              network: 10.1.0.0/16
            - rights: read-only
              exports:
              - public
              - 'alice-*'
            - {uid: '*', exports: "*", rights: none}
            limits: {connections: 200, handshakes: 50}
            """,
            """
            {"access": [{"uid": 7, "rights": "none"}, {"uid": "*", "rights": "read-only"}], "admin": []}
            """,
            """
            limits:
              connections: 64
              connections-per-peer: 8
            admin: [{uid: 7, rights: read-write}, {uid: 1000, rights: none}, {uid: "*", rights: read-only}]
            """);

    private static final List<String> WORDS = List.of(
            "*",
            "&a ",
            "*a",
            "!!str ",
            "!",
            "---\n",
            "...\n",
            "<<: ",
            "\"",
            "'",
            "#",
            " #",
            ": ",
            ":",
            "- ",
            "-",
            ",",
            "[",
            "]",
            "{",
            "}",
            "\n",
            "\n  ",
            "\t",
            " ",
            "  ",
            "\r\n",
            "~",
            "null",
            "yes",
            "true",
            "010",
            "0x7",
            "1_000",
            "7.0",
            "1e3",
            "0o7",
            "1:30",
            "2024-01-31",
            "on",
            "off",
            "No",
            "=",
            "|\n",
            ">\n",
            "? ",
            "@",
            "`",
            "%",
            "\\",
            "\u00e9",
            "\u2028",
            "\ufeff",
            "none",
            "read-write",
            "read-only",
            "rights: read-write",
            "uid: 7",
            "exports: iso",
            "access:",
            "admin:",
            "\n- {uid: 7, rights: read-write}\n",
            "0",
            "1",
            "7",
            "/0",
            "\0");

    private static final long[] USERS = {0, 7, 1000, 4711, Peer.NO_USER};
    private static final int[][] ADDRESSES = {{10, 1, 2, 3}, {10, 200, 0, 1}, {192, 0, 2, 9}};
    private static final List<String> EXPORTS = List.of("public", "iso", "alice-1", "alice-", "bob", "publi", "p", "7");

    @Test
    void everyEditIsRefusedOrMeansWhatItSays() {
        Random random = Seeds.random(13);
        int accepted = 0;
        int changed = 0;
        for (int i = 0; i < EDITS; i++) {
            String file = FILES.get(random.nextInt(FILES.size()));
            String edited = file;
            for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
                edited = edit(random, edited);
            }
            if (check(edited)) {
                accepted++;
                changed += rightsOf(edited).equals(rightsOf(file)) ? 0 : 1;
            }
        }
        // Or the edits would say nothing about rights.
        assertTrue(accepted > EDITS / 20 && accepted < EDITS * 19 / 20, "accepted " + accepted);
        assertTrue(changed > EDITS / 100, "other rights than before " + changed);
    }

    @Test
    void theFilesThemselvesAreAccepted() {
        FILES.forEach(file -> assertTrue(check(file), file));
    }

    private static String edit(Random random, String text) {
        int at = random.nextInt(text.length() + 1);
        int end = Math.min(text.length(), at + 1 + random.nextInt(random.nextInt(8) == 0 ? 40 : 3));
        String word = WORDS.get(random.nextInt(WORDS.size()));
        List<String> lines = new ArrayList<>(List.of(text.split("(?<=\n)", -1)));
        int line = random.nextInt(lines.size());
        int other = random.nextInt(lines.size());
        switch (random.nextInt(9)) {
            case 0 -> lines.remove(line);
            case 1 -> lines.add(other, lines.get(line));
            case 2 -> lines.set(other, lines.set(line, lines.get(other)));
            case 3 -> lines.set(
                    line, " ".repeat(random.nextInt(4)) + lines.get(line).stripLeading());
            case 4 -> {
                return text.substring(0, at) + text.substring(end);
            }
            case 5 -> {
                return text.substring(0, at) + word + text.substring(end);
            }
            case 6 -> {
                return text.substring(0, at) + (random.nextInt(10) == 0 ? "" : word + text.substring(at));
            }
            case 7 -> {
                return text.substring(0, at) + text.substring(at, end) + text.substring(at, end) + text.substring(end);
            }
            default -> {
                return text.substring(0, at) + word + text.substring(at);
            }
        }
        return String.join("", lines);
    }

    /** Whether the file is accepted; fails if it then means something else than it says. */
    private static boolean check(String text) {
        if (policy(text) == null) {
            return false;
        }
        String said;
        try {
            said = said(text);
        } catch (RuntimeException e) {
            throw new AssertionError("accepted, and says nothing to another reader:\n" + text, e);
        }
        assertEquals(said, rightsOf(text), () -> "of the file\n" + text);
        return true;
    }

    private static ClientPolicy policy(String text) {
        try {
            return ClientsConfig.parse(Path.of("clients.yaml"), text);
        } catch (StorageException refused) {
            assertEquals(1, refused.getMessage().lines().count(), "a refusal is one line: " + refused.getMessage());
            return null;
        }
    }

    private static String said(String text) {
        YamlReading reading = new YamlReading(text);
        StringBuilder rights = new StringBuilder();
        for (String export : EXPORTS) {
            for (long user : USERS) {
                rights.append(reading.access(user, null, export)).append(' ');
            }
            for (int[] address : ADDRESSES) {
                rights.append(reading.access(Peer.NO_USER, address, export)).append(' ');
            }
        }
        for (long user : USERS) {
            rights.append(user < 0 ? "" : reading.admin(user)).append(' ');
        }
        return rights.append(reading.limit("connections", 4000))
                .append(' ')
                .append(reading.limit("connections-per-peer", 1000))
                .append(' ')
                .append(reading.limit("handshakes", 1000))
                .append(' ')
                .append(reading.limit("handshakes-per-peer", 64))
                .append(' ')
                .append(reading.limit("handshake-seconds", 10))
                .toString();
    }

    private static String rightsOf(String text) {
        ClientPolicy policy = policy(text);
        AccessControl control = new AccessControl(
                new AnyExport(), policy::access, new AdmissionCounters(), new ClientLog(), () -> false);
        StringBuilder rights = new StringBuilder();
        for (String export : EXPORTS) {
            for (long user : USERS) {
                rights.append(word(control.find(new Peer(null, false, null, user), export)))
                        .append(' ');
            }
            for (int[] address : ADDRESSES) {
                String host = address[0] + "." + address[1] + "." + address[2] + "." + address[3];
                Peer peer = new Peer(new InetSocketAddress(host, 4711), false, null, Peer.NO_USER);
                rights.append(word(control.find(peer, export))).append(' ');
            }
        }
        for (long user : USERS) {
            String word =
                    policy.admin().rights(user).name().toLowerCase(Locale.ROOT).replace('_', '-');
            rights.append(user < 0 ? "" : word).append(' ');
        }
        return rights.append(policy.limits().connections())
                .append(' ')
                .append(policy.limits().connectionsPerPeer())
                .append(' ')
                .append(policy.limits().handshakes())
                .append(' ')
                .append(policy.limits().handshakesPerPeer())
                .append(' ')
                .append(policy.limits().handshakeSeconds())
                .toString();
    }

    private static String word(ExportInfo export) {
        if (export == null) {
            return "none";
        }
        return (export.transmissionFlags() & NbdFlags.READ_ONLY) != 0 ? "read-only" : "read-write";
    }

    /** Whatever is asked for is there. */
    private static final class AnyExport implements ExportDirectory {
        @Override
        public Iterable<ExportInfo> list(Peer peer) {
            return List.of();
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return new ExportInfo(name, "", 1 << 20, NbdFlags.HAS_FLAGS | NbdFlags.SEND_FLUSH, 1, 4096, 1 << 20);
        }
    }
}
