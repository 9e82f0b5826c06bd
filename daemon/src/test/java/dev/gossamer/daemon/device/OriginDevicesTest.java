package dev.gossamer.daemon.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.config.SpaceConfig;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.Admission;
import dev.gossamer.io.posix.DeviceIdentity;
import dev.gossamer.io.posix.OpenOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the daemon opens for users other than its own. */
class OriginDevicesTest {
    private static final OriginDevices.Asking OTHERS = new OriginDevices.Asking(false, List.of());
    private static final OriginDevices.Asking OWNER = new OriginDevices.Asking(true, List.of());

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
        return origins(DeviceOpener.standalone(pool), allowed);
    }

    private OriginDevices origins(NamedDevices opener, String... allowed) {
        PoolConfig config = new PoolConfig(
                "metadata", "named.img", true, PoolConfig.DEFAULT_PATIENCE, SpaceConfig.DEFAULT, List.of(allowed));
        return new OriginDevices(opener, pool, config);
    }

    private void refused(OriginDevices origins, String location) {
        StorageException refused = assertThrows(StorageException.class, () -> origins.open(location, OTHERS));
        assertEquals(Errno.EACCES, refused.errno());
        assertTrue(refused.getMessage().contains("'allow-paths' in " + pool.config()), refused.getMessage());
    }

    private static void opens(OriginDevices origins, String location) throws StorageException {
        origins.open(location, OTHERS).close();
    }

    @Test
    void thePoolsDirectoryAndWhatItsFileNames() throws Exception {
        OriginDevices origins = origins();
        opens(origins, "inside.img");
        opens(origins, pool.path().resolve("inside.img").toString());
        refused(origins, outside.toString());
        refused(origins, "/etc/passwd");
        refused(origins, "/no/such/file");
        refused(origins, "../pool-2/disk.img");
        refused(origins, "nbd://127.0.0.1/x");
        origins.open(outside.toString(), OWNER).close();
    }

    @Test
    void linksAreLookedThrough() throws Exception {
        Files.createSymbolicLink(pool.path().resolve("link.img"), outside);
        Files.createSymbolicLink(pool.path().resolve("dir"), outside.getParent());
        refused(origins(), "link.img");
        refused(origins(), "dir/disk.img");
    }

    /** Who may make links in an allowed directory finds out nothing of what lies elsewhere. */
    @Test
    void aLinkToNothingIsRefusedAsOneToSomethingIs() throws Exception {
        Files.createSymbolicLink(pool.path().resolve("link.img"), outside);
        Files.createSymbolicLink(pool.path().resolve("nothing.img"), outside.resolveSibling("nothing"));
        Files.createSymbolicLink(pool.path().resolve("dir"), outside.getParent());
        Files.createSymbolicLink(
                pool.path().resolve("nowhere"), outside.getParent().resolve("nowhere"));
        OriginDevices origins = origins("/no/such/directory", "/no/such/either");
        refused(origins, "link.img");
        refused(origins, "nothing.img");
        refused(origins, "dir/nothing");
        refused(origins, "nowhere/nothing");
        refused(origins, "no/such/nothing");
        StorageException missing = assertThrows(StorageException.class, () -> origins.open("missing.img", OTHERS));
        assertEquals(Errno.ENOENT, missing.errno(), missing.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"a\n2026 [main] INFO forged", "a\u001b[31mb", "a\u009b1m", "a\u202eb", "a\rb", "a\tb", "\u0000"})
    void aNameThatWouldForgeALineIsRefused(String name) throws Exception {
        if (name.indexOf(0) < 0) {
            Files.createFile(pool.path().resolve(name));
        }
        for (OriginDevices.Asking asking : List.of(OTHERS, OWNER)) {
            StorageException refused =
                    assertThrows(StorageException.class, () -> origins().open(name, asking));
            assertEquals(Errno.EINVAL, refused.errno());
            assertTrue(refused.getMessage().contains("cannot be shown"), refused.getMessage());
            assertEquals(1, refused.getMessage().lines().count());
        }
    }

    @Test
    void moreIsAllowedByName() throws Exception {
        OriginDevices origins = origins(outside.getParent().toString(), "nbd://127.0.0.1/x");
        opens(origins, outside.toString());
        refused(origins, "nbd://127.0.0.1/y");
        refused(origins, outside.getParent() + "-3");
        NamedDevices none = (name, options) -> {
            throw new StorageException(Errno.ENODEV, name);
        };
        StorageException opened = assertThrows(
                StorageException.class, () -> opens(origins(none, "nbd://127.0.0.1/x"), "nbd://127.0.0.1/x"));
        assertEquals(Errno.ENODEV, opened.errno(), "it is asked for");
    }

    /** An opener that finds a link changed, each time anew, after the name was looked at. */
    private NamedDevices afterSwap(Path link, Path to) {
        DeviceOpener opener = DeviceOpener.standalone(pool);
        return (name, options) -> {
            try {
                Files.delete(link);
                Files.createSymbolicLink(link, to);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            return opener.open(name, options);
        };
    }

    @Test
    void aLinkThatLeadsElsewhereWhenItIsOpened() throws Exception {
        Path inside = pool.path().resolve("inside.img");
        Path link = Files.createSymbolicLink(pool.path().resolve("link.img"), inside);
        refused(origins(afterSwap(link, outside)), "link.img");
        Path directoryLink = Files.createSymbolicLink(pool.path().resolve("dir"), pool.path());
        Files.createFile(pool.path().resolve("disk.img"));
        refused(origins(afterSwap(directoryLink, outside.getParent())), "dir/disk.img");
        Files.delete(link);
        Files.createSymbolicLink(link, inside);
        opens(origins(afterSwap(link, inside)), "link.img");
    }

    @Test
    void thePoolsOwnDevicesByWhateverNameAndWhoever() throws Exception {
        Path data = Files.createFile(pool.path().resolve("named.img"));
        Path inside = pool.path().resolve("inside.img");
        Path link = Files.createSymbolicLink(pool.path().resolve("link.img"), inside);
        Files.createLink(outside.resolveSibling("hard.img"), data);
        Files.createFile(pool.path().resolve("metadata"));
        isOwn(origins(), data.toString(), "data");
        isOwn(origins(), "metadata", "metadata");
        isOwn(origins(), outside.resolveSibling("hard.img").toString(), "data");
        isOwn(origins(afterSwap(link, data)), "link.img", "data");
    }

    private static void isOwn(OriginDevices origins, String location, String role) {
        StorageException refused = assertThrows(StorageException.class, () -> origins.open(location, OWNER));
        assertTrue(refused.getMessage().contains("is the pool's own " + role + " device"), refused.getMessage());
    }

    /**
     * A host's name may stand for another address each time that it is asked for: what is looked at is what is
     * connected to, and nobody asks for the name before.
     */
    @Test
    void theAddressesOfAServerAreLookedAtWhenTheyAreKnown() throws Exception {
        InetSocketAddress served = new InetSocketAddress(InetAddress.getLoopbackAddress(), 10809);
        OriginDevices.Asking asking = new OriginDevices.Asking(true, List.of(new ListenAddress.Tcp(served)));
        List<String> opened = new ArrayList<>();
        SocketAddress[] found = {null};
        OriginDevices origins = origins((name, options) -> {
            opened.add(name);
            options.admission().admit(found[0]);
            throw new StorageException(Errno.ENODEV, name);
        });
        String uri = "nbd://a.name.invalid/x";
        found[0] = served;
        StorageException refused = assertThrows(StorageException.class, () -> origins.open(uri, asking));
        assertTrue(refused.getMessage().contains("is served by this pool itself"), refused.getMessage());
        for (String elsewhere : List.of("127.0.0.1:10810", "192.0.2.1:10809")) {
            String[] parts = elsewhere.split(":", -1);
            found[0] = new InetSocketAddress(InetAddress.getByName(parts[0]), Integer.parseInt(parts[1]));
            refused = assertThrows(StorageException.class, () -> origins.open(uri, asking));
            assertEquals(Errno.ENODEV, refused.errno(), elsewhere);
        }
        assertEquals(List.of(uri, uri, uri), opened);
    }

    @Test
    void allAddressesOfANameAreAskedFor() {
        List<SocketAddress> asked = new ArrayList<>();
        Admission admission = new Admission() {
            @Override
            public void admit(Path real, DeviceIdentity identity) {
                throw new AssertionError("it is no file");
            }

            @Override
            public void admit(SocketAddress server) throws StorageException {
                asked.add(server);
                throw new StorageException(Errno.EINVAL, "not this one");
            }
        };
        try (DeviceOpener opener = DeviceOpener.standalone(pool)) {
            StorageException refused = assertThrows(
                    StorageException.class,
                    () -> opener.open("nbd://127.0.0.1:1/x", OpenOptions.READ_ONLY.withAdmission(admission)));
            assertEquals("not this one", refused.getMessage(), "it was not connected to");
        }
        assertEquals(List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), 1)), asked);
    }
}
