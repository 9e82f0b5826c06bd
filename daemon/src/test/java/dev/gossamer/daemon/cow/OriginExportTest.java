package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.cow.OriginExport.State;
import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.daemon.server.access.MemoryBudget;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The life of an origin's export: what clients find in each state, and that nobody leaves the order of states. */
class OriginExportTest {
    @TempDir
    private Path directory;

    private IoLoops loops;
    private Path device;
    private OriginExport origin;
    private DeviceOpener opener;

    @BeforeEach
    void start() throws StorageException {
        loops = IoLoops.start(1, IoEngineChoice.AUTO, 8 << 20);
        device = directory.resolve("disk.img");
        opener = DeviceOpener.on(
                loops,
                new PoolDirectory(directory),
                Duration.ofSeconds(30),
                MemoryBudget.ofThisProcess(1, true, false));
        CowDevices devices = new CowDevices(
                opener, new OpenOptions(false, true), null, loops.loop(0), List.of(loops.loop(0)), CowThreads.OWN);
        origin = new OriginExport(
                new CowConfig.Origin("disk", device.toString(), "", List.of()),
                devices,
                (export, snapshot, cause) -> {});
    }

    @AfterEach
    void stop() {
        loops.close();
    }

    private void assertNotServed() {
        assertFalse(origin.isServed());
        assertEquals(List.of(), origin.exports());
        assertNull(origin.export(null));
        assertNull(origin.openExport(null));
    }

    @Test
    void whatCannotBeHadIsNotServedAndSaysWhyUntilItIsThere() throws StorageException, IOException {
        assertNotServed();
        StorageException why = assertThrows(StorageException.class, () -> origin.open(opener));
        assertNotServed();
        assertEquals(why.getMessage(), origin.failure());
        assertEquals(why.getMessage(), origin.facts().failure());

        Files.write(device, new byte[1 << 20]);
        origin.open(opener);
        assertTrue(origin.isServed());
        assertEquals("", origin.failure());
        assertEquals(1 << 20, origin.export(null).sizeBytes());
        assertFalse(origin.export(null).description().contains("/"), "clients see no paths of the host");
        try (BlockDevice opened = origin.openExport(null)) {
            assertNotNull(opened);
        }
        origin.close();
        assertNotServed();
        assertEquals("", origin.failure());
    }

    @Test
    void anExportThatIsServedIsNotOpenedOnTop() throws StorageException, IOException {
        Files.write(device, new byte[1 << 20]);
        origin.open(opener);
        assertThrows(AssertionError.class, () -> origin.open(opener));
        assertTrue(origin.isServed(), "the devices that are open stay known");
        origin.close();
        origin.close();
    }

    @Test
    void everyStateIsReachedAndLeft() {
        for (State state : State.values()) {
            assertTrue(List.of(State.values()).stream().anyMatch(before -> before.mayBecome(state)), state::name);
            assertTrue(List.of(State.values()).stream().anyMatch(state::mayBecome), state::name);
        }
        assertFalse(State.SERVED.mayBecome(State.CLOSED), "its devices are closed on the way");
        assertFalse(State.CLOSED.mayBecome(State.SERVED), "and opened");
    }
}
