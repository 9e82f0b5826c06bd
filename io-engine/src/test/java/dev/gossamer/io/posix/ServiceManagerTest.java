package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a supervisor hears; the receiver is Python's, as Java has no Unix datagrams. */
@Timeout(60)
class ServiceManagerTest {
    private static final String RECEIVER =
            "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); n = sys.argv[1];"
                    + " s.bind(chr(0) + n[1:] if n[0] == '@' else n); print('bound', flush=True);"
                    + " print(s.recv(100).decode(), flush=True); print(s.recv(100).decode(), flush=True)";

    private static final String DEAF = "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
            + " s.bind(chr(0) + sys.argv[1][1:]); print('bound', flush=True); input()";

    @TempDir
    private Path directory;

    private static void hears(String socket) throws Exception {
        Process receiver = new ProcessBuilder("python3", "-c", RECEIVER, socket)
                .redirectErrorStream(true)
                .start();
        try (BufferedReader lines = receiver.inputReader(StandardCharsets.UTF_8)) {
            assertEquals("bound", lines.readLine());
            ServiceManager manager = ServiceManager.at(socket);
            manager.tell(ServiceManager.READY);
            assertEquals("READY=1", lines.readLine());
            manager.tell(ServiceManager.STOPPING);
            assertEquals("STOPPING=1", lines.readLine());
        } finally {
            receiver.destroyForcibly();
        }
    }

    @Test
    void aSocketFile() throws Exception {
        hears(directory.resolve("notify").toString());
    }

    @Test
    void aNameThatIsNoFile() throws Exception {
        hears("@gossamer-test-" + ProcessHandle.current().pid());
    }

    /** Whoever hangs must not keep the daemon from stopping. */
    @Test
    void whoReadsNothingIsNotWaitedForForEver() throws Exception {
        String socket = "@gossamer-full-" + ProcessHandle.current().pid();
        Process receiver = new ProcessBuilder("python3", "-c", DEAF, socket).start();
        try (BufferedReader lines = receiver.inputReader(StandardCharsets.UTF_8)) {
            assertEquals("bound", lines.readLine());
            StorageException failure = assertThrows(StorageException.class, () -> {
                for (int i = 0; i < 100_000; i++) {
                    ServiceManager.at(socket).tell(ServiceManager.STOPPING);
                }
            });
            assertTrue(failure.getMessage().contains(socket), failure.getMessage());
        } finally {
            receiver.destroyForcibly();
        }
    }

    @Test
    void whoCannotBeReachedIsNamed() throws Exception {
        String missing = directory.resolve("missing").toString();
        StorageException failure = assertThrows(
                StorageException.class, () -> ServiceManager.at(missing).tell(ServiceManager.READY));
        assertTrue(failure.getMessage().contains(missing), failure.getMessage());
        assertTrue(failure.getMessage().endsWith("No such file or directory"), failure.getMessage());
        assertThrows(
                StorageException.class, () -> ServiceManager.at("vsock:2:1").tell(ServiceManager.READY));
        ServiceManager.at(null).tell(ServiceManager.READY);
    }
}
