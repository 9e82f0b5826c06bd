package dev.gossamer.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.PosixFiles;
import dev.gossamer.io.ring.IoEngineChoice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One process at a time works with a pool's directory; another is refused before it opens anything. */
@SuppressWarnings("try") // Locks are held, not used.
class PoolLockTest {
    private static final int BLOCK_BYTES = 64 << 10;

    @TempDir
    private Path scratch;

    private PoolDirectory pool;

    @BeforeEach
    void makeDirectory() throws IOException {
        pool = new PoolDirectory(Files.createDirectory(scratch.resolve("pool")));
    }

    private Daemon serve(PoolConfig config) throws StorageException {
        return Daemon.start(new DaemonConfig(pool, config, List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF));
    }

    private List<Path> entries() throws IOException {
        try (Stream<Path> entries = Files.list(pool.path())) {
            return entries.toList();
        }
    }

    /** These devices cannot be opened: whoever tried would say so. */
    @Test
    void servingIsRefusedBeforeADeviceIsOpened() throws IOException {
        PoolConfig config = new PoolConfig("nbd+unix:///?socket=/no/such", "/no/such/device", true);
        try (var ignored = PoolLock.take(pool)) {
            PoolInUse refused = assertThrows(PoolInUse.class, () -> serve(config));
            assertTrue(refused.getMessage().startsWith(pool + " is in use by another process"), refused.getMessage());
            assertEquals(1, refused.getMessage().lines().count(), refused.getMessage());
            assertEquals(List.of(), entries());
        }
        StorageException unlocked = assertThrows(StorageException.class, () -> serve(config));
        assertFalse(unlocked instanceof PoolInUse, unlocked.getMessage());
        PoolLock.take(pool).close(); // and what failed to start has given it up
    }

    @Test
    void makingAndAdoptingAreRefusedBeforeAnythingIsWritten() throws IOException {
        PosixFiles.create(scratch.resolve("m"), 1 << 20);
        PosixFiles.create(scratch.resolve("d"), 1 << 20);
        PoolConfig devices = new PoolConfig(
                scratch.resolve("m").toString(), scratch.resolve("d").toString(), true);
        try (var ignored = PoolLock.take(pool)) {
            assertThrows(PoolInUse.class, () -> PoolCreation.createInFiles(pool, 1 << 20, BLOCK_BYTES, true));
            assertThrows(PoolInUse.class, () -> PoolCreation.createOnDevices(pool, devices, BLOCK_BYTES));
            assertThrows(PoolInUse.class, () -> PoolCreation.adopt(pool, devices));
            assertEquals(List.of(), entries());
            assertEquals(-1, Files.mismatch(scratch.resolve("m"), scratch.resolve("d")), "both still zeros");
        }
        PoolCreation.createOnDevices(pool, devices, BLOCK_BYTES);
    }

    @Test
    void aDaemonHoldsItUntilItHasStopped() throws IOException {
        PoolCreation.createInFiles(pool, 1 << 20, BLOCK_BYTES, true);
        Daemon daemon = serve(PoolConfig.read(pool.config()));
        try {
            assertThrows(PoolInUse.class, () -> PoolLock.take(pool));
        } finally {
            daemon.stop();
        }
        PoolLock.take(pool).close();
    }
}
