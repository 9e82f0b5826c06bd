package dev.gossamer.daemon.cli.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.cli.doctor.Finding.Level;
import dev.gossamer.daemon.config.PoolDirectory;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Each broken set-up is named, with what to do about it; a sound one is left in peace. */
class DoctorTest {
    @TempDir
    private Path directory;

    private Path root;
    private PoolDirectory pool;

    @BeforeEach
    void makeASoundSetUp() throws IOException {
        root = directory.resolve("root");
        write("proc/sys/kernel/osrelease", "6.1.0-40-amd64\n");
        write("proc/sys/kernel/io_uring_disabled", "0\n");
        write("proc/self/limits", limits("1048576", "unlimited"));
        write("sys/module/nbd/refcnt", "0\n");
        Files.createDirectories(root.resolve("sys/block"));
        pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
    }

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private static String limits(String files, String memory) {
        return "Limit                     Soft Limit           Hard Limit           Units     \n"
                + "Max open files            " + files + "              1048576              files     \n"
                + "Max locked memory         " + memory + "            8388608              bytes     \n";
    }

    private List<Finding> machine() {
        return new MachineCheck(root).look();
    }

    private List<Finding> checkup() {
        return new PoolCheckup(pool, root).look();
    }

    private static void assertFound(List<Finding> findings, Level level, String about, String what) {
        Finding found = findings.stream()
                .filter(finding -> finding.about().equals(about))
                .findFirst()
                .orElseThrow(() -> new AssertionError("nothing about " + about + " in " + findings));
        assertEquals(level, found.level(), found::toString);
        assertTrue(found.what().contains(what), found::toString);
        assertEquals(level == Level.FINE, found.advice().isEmpty(), found::toString);
    }

    @Test
    void aSoundSetUpHasNoFaultAndNoWarning() {
        for (Finding finding : machine()) {
            assertEquals(Level.FINE, finding.level(), finding::toString);
        }
        for (Finding finding : checkup()) {
            // Tests may run on a file system in memory.
            assertTrue(finding.level() == Level.FINE || finding.about().equals("file system"), finding::toString);
        }
    }

    @Test
    void anOldKernelIsNamed() throws IOException {
        write("proc/sys/kernel/osrelease", "5.4.0-1-amd64\n");
        assertFound(machine(), Level.WARNING, "kernel", "5.4.0-1-amd64 is older");
    }

    @Test
    void aRingThatIsSwitchedOffIsNamed() throws IOException {
        write("proc/sys/kernel/io_uring_disabled", "2\n");
        assertFound(machine(), Level.WARNING, "io_uring", "switched off");
    }

    @Test
    void smallLimitsAreNamed() throws IOException {
        write("proc/self/limits", limits("1024", "65536"));
        assertFound(machine(), Level.WARNING, "open files", "1024");
        assertFound(machine(), Level.WARNING, "locked memory", "65536");
    }

    @Test
    void aMissingModuleIsNamedUnlessItCanBeLoaded() throws IOException {
        Files.delete(root.resolve("sys/module/nbd/refcnt"));
        Files.delete(root.resolve("sys/module/nbd"));
        assertFound(machine(), Level.WARNING, "nbd client", "no kernel module");
        write("lib/modules/6.1.0-40-amd64/modules.dep", "kernel/drivers/block/nbd.ko:\n");
        assertFound(machine(), Level.FINE, "nbd client", "modprobe nbd");
    }

    @Test
    void wrongConfigurationIsNamed() throws IOException {
        Files.writeString(pool.clients(), "access: maybe\n");
        assertFound(checkup(), Level.FAULT, "clients.yaml", "'access' must be a list");
        Files.writeString(pool.config(), "colour: red\n", StandardOpenOption.APPEND);
        assertFound(checkup(), Level.FAULT, "pool.yaml", "unknown key 'colour'");
    }

    @Test
    void aMissingDeviceIsNamed() throws IOException {
        Files.delete(pool.resolve("data"));
        assertFound(checkup(), Level.FAULT, "data", "is not there");
    }

    @Test
    void promisesThatTheFileSystemCannotKeepAreNamed() throws IOException {
        try (RandomAccessFile data = new RandomAccessFile(pool.resolve("data").toFile(), "rw")) {
            data.setLength(8L << 40);
        }
        assertFound(checkup(), Level.WARNING, "room", "may still grow by 8");
    }

    @Test
    void aStaleSocketIsNamedAndALiveOneIsNot() throws IOException {
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(pool.nbdSocket()));
            assertFound(checkup(), Level.FINE, "nbd.sock", "somebody serves");
        }
        assertTrue(Files.exists(pool.nbdSocket()));
        assertFound(checkup(), Level.WARNING, "nbd.sock", "stale");
        assertFound(checkup(), Level.FINE, "admin.sock", "nobody serves");
    }

    @Test
    void aClientThatGivesUpBeforeAFullPoolIsNamed() throws IOException {
        write("sys/block/nbd0/pid", "77\n");
        write("sys/block/nbd0/queue/io_timeout", "10000\n");
        write("sys/block/nbd1/queue/io_timeout", "10000\n");
        List<Finding> findings = checkup();
        assertFound(findings, Level.WARNING, "time-outs", "nbd0 (10 s) give up");
        assertFalse(findings.toString().contains("nbd1"), "it is not attached");
        write("sys/block/nbd0/queue/io_timeout", "30000\n");
        assertFound(checkup(), Level.FINE, "time-outs", "");
    }
}
