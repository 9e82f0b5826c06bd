package dev.gossamer.daemon.remote;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PassedSockets;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.Starting;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Metadata on a server that is there and says nothing: it is waited for, and whoever stops does not wait. */
class SilentStartTest extends OneServerTest {
    private static final Duration SOON = Duration.ofMillis(100);

    /** Only a failure waits for so long. */
    private static final long FAR_SECONDS = 40;

    private final CountDownLatch asked = new CountDownLatch(1);
    private final Starting starting = new Starting();
    private PoolDirectory pool;

    @BeforeEach
    void prepare() throws StorageException {
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        server.setRule((command, flags, offset, length) -> {
            if (command == NbdCommand.READ) {
                asked.countDown();
                return VolatileServer.SILENCE;
            }
            return NbdError.OK;
        });
    }

    private CompletableFuture<Daemon> startDaemon() throws StorageException {
        String data = PoolConfig.read(pool.config()).data();
        DaemonConfig config = new DaemonConfig(
                pool, new PoolConfig(server.uri(), data, true), List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF);
        CompletableFuture<Daemon> started = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                started.complete(Daemon.start(config, PassedSockets.NONE, starting));
            } catch (StorageException | RuntimeException | Error e) {
                started.completeExceptionally(e);
            }
        });
        return started;
    }

    private static void assertEnds(CompletableFuture<Daemon> started) {
        ExecutionException why =
                assertThrows(ExecutionException.class, () -> started.get(FAR_SECONDS, TimeUnit.SECONDS));
        assertInstanceOf(StorageException.class, why.getCause());
    }

    @Test
    void whoeverStopsAStartDoesNotWaitForItsDevices() throws Exception {
        CompletableFuture<Daemon> started = startDaemon();
        assertTrue(asked.await(FAR_SECONDS, TimeUnit.SECONDS));
        assertFalse(started.isDone(), "it waits");
        starting.end(SOON);
        assertEnds(started);
    }

    @Test
    void norForThoseThatAreOpenedAfterwards() throws Exception {
        starting.end(SOON);
        assertEnds(startDaemon());
    }
}
