package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.client.NbdUri;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A server that cannot be reached: the message ends with what the system said, whichever way we asked it. */
@Timeout(60)
class ConnectMessagesTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @EnumSource(names = {"AUTO", "THREADS"})
    void theSystemsWords(IoEngineChoice engine) throws Exception {
        Path stale = directory.resolve("stale.sock");
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(stale));
        }
        int freePort;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            freePort = free.getLocalPort();
        }
        try (IoLoops loops = IoLoops.start(1, engine, 1 << 20)) {
            assertSays(loops, "nbd+unix:///?socket=" + directory.resolve("none.sock"), "No such file or directory");
            assertSays(loops, "nbd+unix:///?socket=" + stale, "Connection refused");
            assertSays(loops, "nbd://127.0.0.1:" + freePort, "Connection refused");
        }
    }

    private static void assertSays(IoLoops loops, String uri, String words) {
        StorageException refusal = assertThrows(
                StorageException.class, () -> NbdClientDevice.open(NbdUri.parse(uri), false, loops, RemoteRig.IMPATIENT)
                        .close());
        String message = refusal.getMessage();
        assertTrue(message.startsWith(uri) && message.contains(": cannot connect: " + words), message);
        assertFalse(message.contains("null") || message.contains("java.") || message.contains("(.."), message);
    }
}
