package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.security.auth.module.UnixSystem;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may use which export, with real clients (X6, X9; A33). */
final class AccessTest {
    @TempDir
    private Path scratch;

    private Path pool;

    @BeforeEach
    void makePool() throws Exception {
        Daemon.create(scratch).close();
        pool = scratch.resolve("pool");
    }

    private Daemon serve(String... options) throws Exception {
        Daemon daemon = Daemon.of(pool).start(options);
        if (daemon.volumes().isEmpty()) {
            daemon.createVolume("alice-1", "16M");
            daemon.createVolume("bob", "16M");
        }
        return daemon;
    }

    private void rules(String text) throws IOException {
        Files.writeString(pool.resolve("clients.yaml"), text);
    }

    private static Set<String> list(String uri) throws Exception {
        Set<String> names = new TreeSet<>();
        JsonNode exports = new ObjectMapper()
                .readTree(Tool.succeed("nbdinfo", "--list", "--json", uri).out())
                .path("exports");
        exports.forEach(export -> names.add(export.path("export-name").asText()));
        return names;
    }

    private static void assertUnknown(String uri) throws Exception {
        Tool.Result refused = Tool.run("nbdinfo", "--size", uri);
        assertNotEquals(0, refused.status(), refused::toString);
        assertTrue(refused.err().contains("has no export named"), refused::toString);
    }

    /** Java leaves a signal alone that whoever started it had set to be ignored: what nohup is for. */
    private static boolean ignoresHangup(long pid) throws IOException {
        String ignored = status(pid, "SigIgn:");
        return (Long.parseUnsignedLong(ignored.substring(7).trim(), 16) & 1) != 0;
    }

    private Tool.Result reload() throws Exception {
        return Daemon.gossamer("reload", "-p", pool.toString());
    }

    /** A socket that others could connect to between its making and its mode would let them in for good. */
    @Test
    void othersGetNothingOfWhatTheDaemonMakes() throws Exception {
        String launcher = Path.of(System.getProperty("gossamer.home"), "bin", "gossamer")
                .normalize()
                .toString();
        Process process = new ProcessBuilder("bash", "-c", "umask 000; exec '" + launcher + "' serve '" + pool + "'")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader lines = process.inputReader()) {
            assertTrue(lines.readLine().startsWith("ready"));
            assertEquals("Umask:\t0007", status(process.pid(), "Umask:"));
            assertEquals("rw-rw----", mode("nbd.sock"));
            assertEquals("rw-------", mode("admin.sock"));
        } finally {
            process.destroy();
            assertTrue(process.waitFor(30, TimeUnit.SECONDS), "ends by SIGTERM");
        }
    }

    private String mode(String file) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(pool.resolve(file)));
    }

    private static String status(long pid, String key) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + pid + "/status")).stream()
                .filter(line -> line.startsWith(key))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void certificatesDecideWhoSeesWhat() throws Exception {
        Path ca = Files.createDirectories(scratch.resolve("ca"));
        Pki.makeCa(ca, "test CA");
        Pki.makeCertificate(ca, ca, "server");
        Path alice = client(ca, "alice");
        Path carol = client(ca, "carol");
        Path expired = client(ca, "expired");
        Pki.makeExpired(ca, expired.resolve("it"), "expired");
        install(expired, "expired");
        rules(
                """
            access:
            - {certificate: alice, exports: alice-*, rights: read-write}
            - {certificate: 'DNS:localhost', exports: bob, rights: read-only}
            """);
        try (Daemon daemon = serve("--tls", "require", "--tls-verify-client", "--tls-certificates", ca.toString())) {
            assertEquals(Set.of("alice-1", "bob"), list(encrypted(daemon, "", alice)), "her own and what all may read");
            assertEquals(Set.of("bob"), list(encrypted(daemon, "", carol)));
            assertUnknown(encrypted(daemon, "alice-1", carol));
            Tool.succeed("nbdinfo", "--is", "read-only", encrypted(daemon, "bob", carol));
            assertEquals(
                    2,
                    Tool.run("nbdinfo", "--is", "read-only", encrypted(daemon, "alice-1", alice))
                            .status());
            assertNotEquals(
                    0,
                    Tool.run("nbdinfo", "--size", encrypted(daemon, "bob", expired))
                            .status());

            // Revoked while the server runs: whoever is connected stays, nobody with that certificate comes in again.
            Pki.revoke(ca, List.of(carol.resolve("client-cert.pem")));
            Tool.succeed("nbdinfo", "--size", encrypted(daemon, "bob", carol));
            reload().expectStatus(0);
            assertNotEquals(
                    0,
                    Tool.run("nbdinfo", "--size", encrypted(daemon, "bob", carol))
                            .status());
            Tool.succeed("nbdinfo", "--size", encrypted(daemon, "bob", alice));

            // X10: who, what and how, in one line.
            String log = daemon.logText();
            assertTrue(
                    log.contains("export opened name=bob peer=unix identity=certificate:CN=carol mode=read-only "),
                    log);
            assertTrue(log.contains(" identity=certificate:CN=alice mode=read-write "), log);

            List<String> failed =
                    log.lines().filter(line -> line.contains(" refused tls ")).toList();
            assertTrue(failed.size() >= 2, log);
            assertTrue(
                    failed.stream().allMatch(line -> line.matches(".* refused tls peer=unix identity=uid:\\d+ why=.+")),
                    failed::toString);

            DaemonProbe probe = new DaemonProbe(daemon);
            assertTrue(probe.metric("gossamer_nbd_refused_total", "tls_failed") >= 2, "counted");
            assertTrue(probe.metric("gossamer_nbd_access_denied_total") >= 1, "counted");
            daemon.stopAndCheck();
        }
    }

    /** Somebody with a certificate, in the layout that libnbd wants. */
    private Path client(Path ca, String name) throws Exception {
        Path directory = Files.createDirectories(scratch.resolve(name));
        Path own = Files.createDirectories(directory.resolve("it"));
        Pki.makeCertificate(ca, own, name);
        Files.copy(ca.resolve("ca-cert.pem"), directory.resolve("ca-cert.pem"));
        install(directory, name);
        return directory;
    }

    private static void install(Path directory, String name) throws IOException {
        for (String part : List.of("cert", "key")) {
            Files.copy(
                    directory.resolve("it").resolve(name + "-" + part + ".pem"),
                    directory.resolve("client-" + part + ".pem"),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static String encrypted(Daemon daemon, String export, Path certificates) {
        return "nbds+unix:///" + export + "?socket=" + daemon.socket() + "&tls-hostname=localhost&tls-certificates="
                + certificates;
    }

    @Test
    void usersAndNetworksDecideAndRulesMayChangeUnderway() throws Exception {
        long self = new UnixSystem().getUid();
        rules("access:\n- {uid: " + self + ", exports: bob, rights: read-write}\n");
        try (Daemon daemon = serve("--listen", "tcp:127.0.0.1:0");
                NbdConnection open = NbdConnection.open(daemon.socket(), "bob")) {
            String tcp = "nbd://127.0.0.1:" + daemon.tcpPort() + "/";
            assertEquals(Set.of("bob"), list(daemon.uri("")));
            assertUnknown(daemon.uri("alice-1"));
            assertEquals(Set.of(), list(tcp));

            rules("access:\n- {uid: " + (self + 1) + ", rights: read-write}\n"
                    + "- {network: 127.0.0.0/8, rights: read-only}\n");
            reload().expectStatus(0);
            assertEquals(Set.of(), list(daemon.uri("")));
            assertEquals(Set.of("alice-1", "bob"), list(tcp));
            Tool.succeed("nbdinfo", "--is", "read-only", tcp + "bob");
            open.writeNow(0, new byte[512]); // what is open stays open
            String log = daemon.logText();
            assertTrue(log.contains(" peer=unix identity=uid:" + self + " mode=read-write "), log);
            assertTrue(log.contains(" identity=unknown mode=read-only "), log);

            rules("access:\n- {rights: all}\n");
            Tool.Result refused = reload();
            refused.expectRefused();
            assertEquals(1, refused.errorLines().size(), refused::toString);
            assertTrue(refused.err().contains("clients.yaml: access rule 1: 'rights' must be"), refused::toString);
            assertEquals(Set.of("alice-1", "bob"), list(tcp), "a wrong file changes nothing");

            Files.delete(pool.resolve("clients.yaml"));
            Tool.Result vanished = reload();
            vanished.expectRefused();
            assertEquals(1, vanished.errorLines().size(), vanished::toString);
            assertEquals(Set.of("alice-1", "bob"), list(tcp), "a missing file changes nothing");

            rules("access:\n- {rights: read-write}\n");
            if (ignoresHangup(daemon.pid())) {
                reload().expectStatus(0);
            } else {
                Tool.succeed("kill", "-HUP", Long.toString(daemon.pid()));
            }
            long end = System.nanoTime() + 20_000_000_000L;
            while (list(daemon.uri("")).size() < 2) {
                assertTrue(System.nanoTime() < end, "SIGHUP reads the rules again");
                Thread.sleep(20);
            }
            daemon.stopAndCheck();
        }
    }

    @Test
    void limitsArePerPeerAndCounted() throws Exception {
        // Seconds enough for a real client on a busy machine.
        rules("limits: {connections-per-peer: 2, handshake-seconds: 4}\n");
        try (Daemon daemon = serve("--listen", "tcp:127.0.0.1:0")) {
            var tcp = new java.net.InetSocketAddress(java.net.InetAddress.getLoopbackAddress(), daemon.tcpPort());
            DaemonProbe probe = new DaemonProbe(daemon);
            try (NbdConnection first = NbdConnection.open(tcp, "bob");
                    NbdConnection second = NbdConnection.open(tcp, "bob");
                    NbdConnection third = NbdConnection.connect(tcp);
                    NbdConnection idle = NbdConnection.connect(daemon.socket())) {
                assertEquals(0, third.readToEnd(), "not even a greeting");
                assertEquals(18, idle.readToEnd(), "the greeting, and the end when its time is over");
                first.writeNow(0, new byte[] {1});
                second.flushNow();
                Tool.succeed("nbdinfo", "--size", daemon.uri("bob"));
            }
            assertEquals(1, probe.metric("gossamer_nbd_refused_total", "too_many_connections"));
            assertEquals(1, probe.metric("gossamer_nbd_refused_total", "handshake_timed_out"));
            assertTrue(probe.metric("gossamer_nbd_accepted_total") >= 4);
            daemon.stopAndCheck();
        }
    }

    @Test
    void wrongRulesAreNamedBeforeAnythingIsServed() throws Exception {
        rules("access:\n- {certificate: alice, rights: read-only}\n");
        Tool.Result refused = Daemon.gossamer("serve", pool.toString());
        refused.expectRefused();
        assertEquals(1, refused.errorLines().size(), refused::toString);
        assertTrue(refused.err().contains("--tls-verify-client"), refused::toString);
    }
}
