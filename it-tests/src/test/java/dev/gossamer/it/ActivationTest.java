package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sockets passed by whoever starts the daemon (X3; A07). */
final class ActivationTest {
    @TempDir
    private Path scratch;

    private String pool;
    private String launcher;
    private int scripts;

    @BeforeEach
    void makePool() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start()) {
            daemon.createVolume("vol", "16M");
            daemon.stop();
        }
        pool = scratch.resolve("pool").toString();
        launcher = Path.of(System.getProperty("gossamer.home"), "bin", "gossamer")
                .normalize()
                .toString();
    }

    /** libnbd passes a Unix socket and connects at once; the launcher has to keep the process id. */
    @ParameterizedTest
    @ValueSource(strings = {"auto", "threads"})
    void clientsStartTheirServerThemselves(String engine) throws Exception {
        Tool.Result info =
                Tool.succeed("nbdinfo", "--size", "--", "[", launcher, "serve", pool, "--engine", engine, "]");
        assertEquals("16777216", info.out().strip(), "nothing but the answer: standard output is the client's");
    }

    /** systemd's own tool passes TCP; the connection that starts the daemon is served by it. */
    @ParameterizedTest
    @ValueSource(strings = {"auto", "threads"})
    void aPassedTcpSocketIsServed(String engine) throws Exception {
        Path log = scratch.resolve("activate.log");
        int port = freePort();
        Process activator = new ProcessBuilder(
                        "systemd-socket-activate",
                        "-l",
                        "127.0.0.1:" + port,
                        launcher,
                        "serve",
                        pool,
                        "--engine",
                        engine)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        try {
            String uri = "nbd://127.0.0.1:" + port + "/vol";
            for (int i = 0; i < 100 && !Files.readString(log).contains("Listening"); i++) {
                Thread.sleep(50);
            }
            Tool.succeed("qemu-io", "-f", "raw", "-c", "write -P 7 0 1M", "-c", "read -P 7 0 1M", uri);
            Tool.succeed("nbdinfo", "--size", uri);
            assertTrue(
                    Files.readString(log).contains("listening address=tcp:127.0.0.1:" + port + " passed=true"),
                    () -> uri);
            // The pool's own socket is there as well.
            Tool.succeed("nbdinfo", "--size", "nbd+unix:///vol?socket=" + pool + "/nbd.sock");
        } finally {
            activator.destroy();
            assertTrue(activator.waitFor(30, java.util.concurrent.TimeUnit.SECONDS), "ends by SIGTERM");
        }
    }

    private static int freePort() throws Exception {
        try (java.net.ServerSocket socket = new java.net.ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    @Test
    void whatIsNoListeningSocketIsRefusedInOneLine() throws Exception {
        Tool.Result refused = Tool.run(
                "bash",
                "-c",
                "exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec '" + launcher + "' serve '" + pool + "'");
        refused.expectRefused();
        List<String> lines = refused.errorLines().stream()
                .filter(line -> line.startsWith("gossamer: "))
                .toList();
        assertEquals(1, lines.size(), refused::toString);
        assertTrue(lines.getFirst().contains("passed descriptor 3 is no socket"), refused::toString);
    }

    /** Passes a good socket and then something else, both of Python's making, as whoever activates a service would. */
    private Tool.Result serveWith(String second, String... environment) throws Exception {
        String script = String.join(
                "\n",
                "import os, socket, sys",
                "first = socket.socket(socket.AF_UNIX); first.bind(sys.argv[1]); first.listen()",
                "pair = socket.socketpair()",
                "second = " + second,
                "os.dup2(second if isinstance(second, int) else second.fileno(), 4); os.dup2(first.fileno(), 3)",
                "os.set_inheritable(3, True); os.set_inheritable(4, True)",
                "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2')",
                "os.environ.update(each.split('=', 1) for each in sys.argv[4:])",
                "os.execv(sys.argv[2], [sys.argv[2], 'serve', sys.argv[3]])");
        List<String> command = new ArrayList<>(List.of(
                "python3", "-c", script, scratch.resolve("first-" + scripts++).toString(), launcher, pool));
        command.addAll(List.of(environment));
        return Tool.run(command.toArray(String[]::new));
    }

    private void assertNothingServed(Tool.Result refused, String expected) throws Exception {
        refused.expectRefused();
        List<String> lines = refused.errorLines().stream()
                .filter(line -> line.startsWith("gossamer: "))
                .toList();
        assertEquals(1, lines.size(), refused::toString);
        assertTrue(lines.getFirst().contains(expected), refused::toString);
        assertFalse(refused.toString().contains("listening address"), refused::toString);
        assertFalse(Files.exists(Path.of(pool, "admin.sock")), "the pool was not opened");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "os.open('/dev/null', os.O_RDWR)                         | passed descriptor 4 is no socket",
                "pair[0]                                                 | 4 is no listening TCP or Unix socket",
                "socket.socket(socket.AF_INET)                           | 4 is no listening TCP or Unix socket",
                "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)        | 4 is no listening TCP or Unix socket",
                "socket.create_server(('0.0.0.0', 0))                    | other machines reach the passed socket",
                "(lambda s: (s.bind(b'\\0' + b'x' * 107), s.listen(), s)[2])(socket.socket(socket.AF_UNIX)) "
                        + "| passed descriptor 4 listens where no path leads"
            })
    void ofSocketsOfWhichOneIsNoneNothingIsServed(String second, String expected) throws Exception {
        assertNothingServed(serveWith(second), expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "LISTEN_FDS=-1          | LISTEN_FDS is '-1'",
                "LISTEN_FDS=1000        | passed descriptor ",
                "LISTEN_PID=self        | LISTEN_PID is 'self'",
                "LISTEN_FDNAMES=one     | LISTEN_FDNAMES is 'one'"
            })
    void anEnvironmentThatCannotBeIsTold(String variable, String expected) throws Exception {
        assertNothingServed(serveWith("pair[0]", variable), expected);
    }

    /** Sockets for another process, as when an old environment is inherited, are not ours to take. */
    @Test
    void socketsOfAnotherProcessAreLeftAlone() throws Exception {
        Tool.Result info = Tool.run(
                "bash",
                "-c",
                "exec 3</dev/null; export LISTEN_FDS=1 LISTEN_PID=1; '" + launcher + "' serve '" + pool
                        + "' & P=$!; for i in {1..200}; do [ -S '" + pool + "/nbd.sock' ] && break; sleep 0.05; done;"
                        + " nbdinfo --size 'nbd+unix:///vol?socket=" + pool
                        + "/nbd.sock'; S=$?; kill $P; wait $P; exit $S");
        info.expectStatus(0);
    }
}
