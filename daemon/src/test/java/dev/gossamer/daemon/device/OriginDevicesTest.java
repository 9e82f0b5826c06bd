package dev.gossamer.daemon.device;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.config.SpaceConfig;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the daemon opens for users other than its own. */
class OriginDevicesTest {
    @TempDir
    private Path directory;

    private PoolDirectory pool;
    private Path outside;

    @BeforeEach
    void makeFiles() throws Exception {
        pool = new PoolDirectory(Files.createDirectory(directory.resolve("pool")));
        Files.createFile(pool.path().resolve("inside.img"));
        outside = Files.createDirectory(directory.resolve("pool-2")).resolve("disk.img");
        Files.createFile(outside);
    }

    private OriginDevices origins(String... allowed) {
        PoolConfig config = new PoolConfig(
                "metadata", "/dev/named", true, PoolConfig.DEFAULT_PATIENCE, SpaceConfig.DEFAULT, List.of(allowed));
        return new OriginDevices(DeviceOpener.standalone(pool), pool, config);
    }

    private void refused(OriginDevices origins, String location) {
        StorageException refused = assertThrows(StorageException.class, () -> origins.requireAllowed(location));
        assertEquals(Errno.EACCES, refused.errno());
        assertTrue(refused.getMessage().contains("'allow-paths' in " + pool.config()), refused.getMessage());
    }

    @Test
    void thePoolsDirectoryAndWhatItsFileNames() {
        OriginDevices origins = origins();
        assertDoesNotThrow(() -> origins.requireAllowed("inside.img"));
        assertDoesNotThrow(
                () -> origins.requireAllowed(pool.path().resolve("inside.img").toString()));
        assertDoesNotThrow(() -> origins.requireAllowed("/dev/named"));
        refused(origins, outside.toString());
        refused(origins, "/etc/passwd");
        refused(origins, "../pool-2/disk.img");
        refused(origins, "nbd://127.0.0.1/x");
    }

    @Test
    void linksAreLookedThrough() throws Exception {
        Files.createSymbolicLink(pool.path().resolve("link.img"), outside);
        Files.createSymbolicLink(pool.path().resolve("dir"), outside.getParent());
        refused(origins(), "link.img");
        refused(origins(), "dir/disk.img");
    }

    @Test
    void moreIsAllowedByName() {
        OriginDevices origins = origins(outside.getParent().toString(), "nbd://127.0.0.1/x");
        assertDoesNotThrow(() -> origins.requireAllowed(outside.toString()));
        assertDoesNotThrow(() -> origins.requireAllowed("nbd://127.0.0.1/x"));
        refused(origins, "nbd://127.0.0.1/y");
        refused(origins, outside.getParent() + "-3");
    }
}
