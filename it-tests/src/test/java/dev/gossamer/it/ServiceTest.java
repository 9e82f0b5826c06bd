package dev.gossamer.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The daemon under a service manager: what it tells, and when it ends by itself. */
final class ServiceTest {
    private static final String RECEIVER =
            """
        import socket, sys
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind(sys.argv[1])
        print('bound', flush=True)
        while True:
            print(s.recv(1000).decode(), flush=True)
        """;

    @TempDir
    private Path scratch;

    @Test
    void theManagerHearsWhenItIsReadyAndWhenItStops() throws Exception {
        String notify = scratch.resolve("notify").toString();
        Process receiver = new ProcessBuilder("python3", "-c", RECEIVER, notify).start();
        try (BufferedReader heard = receiver.inputReader(UTF_8);
                Daemon daemon = Daemon.create(scratch).with("NOTIFY_SOCKET", notify)) {
            assertEquals("bound", heard.readLine());
            daemon.start();
            assertEquals("READY=1", heard.readLine());
            daemon.stop();
            assertEquals("STOPPING=1", heard.readLine());
        } finally {
            Tool.end(receiver);
        }
    }

    /** Metadata that cannot even be read again is mode FAIL; a supervisor opens the pool again, nobody else would. */
    @Test
    void aPoolThatFailedEndsTheProcess() throws Exception {
        Path metadata = Files.createFile(scratch.resolve("metadata"));
        Tool.succeed("truncate", "-s", "16M", metadata.toString());
        Path socket = scratch.resolve("metadata.sock");
        Path broken = scratch.resolve("broken");
        NbdProcess server = NbdProcess.start(
                socket,
                List.of(
                        "nbdkit",
                        "-f",
                        "-U",
                        socket.toString(),
                        "--filter=error",
                        "file",
                        metadata.toString(),
                        "error=EIO",
                        "error-rate=100%",
                        "error-file=" + broken));
        Path data = Files.createFile(scratch.resolve("data"));
        Tool.succeed("truncate", "-s", "64M", data.toString());
        try (Daemon daemon =
                Daemon.create(scratch, "--data", data.toString(), "--metadata", "nbd+unix:///?socket=" + socket)) {
            daemon.start();
            daemon.createVolume("vol", "16M");
            Files.createFile(broken);
            Tool.run("qemu-io", "-f", "raw", "-c", "write 0 1M", "-c", "flush", daemon.uri("vol"));
            assertEquals(4, daemon.awaitEnd(), daemon::logText);
            assertTrue(daemon.logText().contains("-> FAIL"), daemon::logText);
            Files.delete(broken);
            daemon.start();
            Tool.succeed("qemu-io", "-f", "raw", "-c", "write 0 1M", "-c", "flush", daemon.uri("vol"));
            daemon.stop();
        } finally {
            server.kill();
        }
    }

    @Test
    void theUnitStartsAFailedPoolAgain() throws Exception {
        Path unit = Path.of(System.getProperty("gossamer.home"), "share", "systemd", "gossamer@.service");
        List<String> lines = Files.readAllLines(unit);
        assertTrue(lines.contains("Type=notify"), lines::toString);
        assertTrue(lines.contains("Restart=on-failure"), lines::toString);
        assertTrue(lines.contains("RestartPreventExitStatus=2 3"), lines::toString);
    }

    @Test
    void everyChangeAndEveryRefusalTellsWhoAsked() throws Exception {
        try (Daemon daemon = Daemon.create(scratch)) {
            Files.writeString(
                    daemon.directory().resolve("clients.yaml"), "access:\n- {exports: other, rights: read-only}\n");
            daemon.start();
            daemon.createVolume("secret", "16M");
            String self = Tool.succeed("id", "-u").out().strip();
            assertTrue(daemon.logText().contains(" path=/v1/volumes body={\"name\":\"secret\""), daemon::logText);
            assertTrue(daemon.logText().contains(" admin request=POST peer=uid:" + self + ",pid:"), daemon::logText);
            Tool.run("nbdinfo", "--size", daemon.uri("secret"));
            assertTrue(
                    daemon.logText().contains(" refused export=secret peer=unix identity=uid:" + self + " why="),
                    daemon::logText);
            daemon.stop();
        }
    }

    /** A daemon that hangs, or is stopped, does not hang those who ask it. */
    @Test
    void aCommandDoesNotWaitForEverForADaemonThatDoesNotAnswer() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start()) {
            Tool.succeed("kill", "-STOP", Long.toString(daemon.pid()));
            Tool.Result result =
                    Daemon.gossamer("status", "-p", daemon.directory().toString(), "--timeout", "1");
            Tool.succeed("kill", "-CONT", Long.toString(daemon.pid()));
            result.expectRefused();
            assertEquals(1, result.errorLines().size(), result::toString);
            assertTrue(result.err().startsWith("gossamer: the daemon does not answer"), result::toString);
            daemon.stop();
        }
    }

    /** libnbd starts a server of its own; whoever dies before closing it takes it along, unless it was told to stay. */
    @Test
    void aClientThatDiesTakesItsServerWithIt() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start()) {
            daemon.createVolume("vol", "16M");
            daemon.stop();
            long orphan = startedByADyingClient(daemon);
            ProcessHandle.of(orphan).ifPresent(server -> server.onExit().join());
            long persistent = startedByADyingClient(daemon, "--persistent");
            ProcessHandle server = ProcessHandle.of(persistent).orElseThrow();
            // Three looks, in which it would have ended.
            TimeUnit.SECONDS.sleep(3);
            assertTrue(server.isAlive(), "--persistent ended");
            Tool.succeed("nbdinfo", "--size", daemon.uri("vol"));
            server.destroy();
            server.onExit().join();
            assertFalse(Files.exists(daemon.socket()));
        }
    }

    private static long startedByADyingClient(Daemon daemon, String... options) throws Exception {
        Path launcher =
                Path.of(System.getProperty("gossamer.home"), "bin", "gossamer").normalize();
        String script =
                """
            import nbd, os, sys
            h = nbd.NBD()
            h.set_export_name('vol')
            h.connect_systemd_socket_activation(sys.argv[1:])
            h.pread(512, 0)
            children = open('/proc/self/task/%d/children' % os.getpid()).read().split()
            print(children[0], flush=True)
            os._exit(0)
            """;
        List<String> command = new ArrayList<>(List.of("/usr/bin/python3", "-c", script, launcher.toString()));
        command.addAll(List.of("serve", daemon.directory().toString()));
        command.addAll(List.of(options));
        return Long.parseLong(
                Tool.run(Tool.LIMIT, command).expectStatus(0).out().strip());
    }
}
