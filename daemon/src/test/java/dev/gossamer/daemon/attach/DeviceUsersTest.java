package dev.gossamer.daemon.attach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whose disk a detach would take away. */
class DeviceUsersTest {
    @TempDir
    private Path root;

    @BeforeEach
    void machine() throws IOException {
        write("sys/block/nbd1/dev", "43:16\n");
        write("sys/block/nbd1/nbd1p1/dev", "259:3\n");
        Files.createDirectories(root.resolve("sys/block/nbd1/holders"));
        Files.createDirectories(root.resolve("sys/block/nbd1/nbd1p1/holders"));
        write("proc/swaps", "Filename Type Size\n/dev/nbd10 partition 1 0 -2\n/dev/nbd11p1 partition 1 0 -2\n");
        process(1, "mnt:[1]", "22 1 43:160 / /ten rw - ext4 /dev/nbd10 rw\n");
        // another view of the same mounts, and a process that has just ended
        process(2, "mnt:[1]", "this is not read");
        Files.createDirectories(root.resolve("proc/3"));
        write("proc/meminfo", "");
    }

    private void write(String name, String text) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
    }

    private void process(int id, String namespace, String mounts) throws IOException {
        write("proc/" + id + "/mountinfo", mounts);
        Files.createDirectories(root.resolve("proc/" + id + "/ns"));
        Files.createSymbolicLink(root.resolve("proc/" + id + "/ns/mnt"), Path.of(namespace));
    }

    private void check() throws StorageException {
        new DeviceUsers(root.resolve("sys"), root.resolve("proc")).check(1);
    }

    private void isUsed(String how) {
        StorageException busy = assertThrows(StorageException.class, this::check);
        assertEquals(Errno.EBUSY, busy.errno(), busy::getMessage);
        assertEquals("/dev/nbd1 is in use: " + how + "; nothing was ended", busy.getMessage());
    }

    @Test
    void othersOfASimilarNameAreNotMeant() throws StorageException {
        check();
    }

    @Test
    void aMountThatOnlyOthersSeeCounts() throws IOException {
        process(40, "mnt:[2]", "22 1 8:1 / / rw - ext4 /dev/sda rw\n23 22 43:16 / /a\\040b rw - ext4 x rw\n");
        isUsed("process 40 has it mounted on /a b");
    }

    @Test
    void soDoesAPartition() throws IOException {
        process(40, "mnt:[2]", "23 22 259:3 / /boot rw shared:1 - ext4 /dev/nbd1p1 rw\n");
        isUsed("process 40 has it mounted on /boot");
    }

    @Test
    void soDoesADeviceMadeOfAPartition() throws IOException {
        write("sys/block/nbd1/nbd1p1/holders/dm-7", "");
        isUsed("/dev/dm-7 is made of it");
    }

    @Test
    void soDoesSwap() throws IOException {
        write("proc/swaps", "Filename Type Size\n/dev/nbd1p1\tpartition 1 0 -2\n");
        isUsed("swap is on /dev/nbd1p1");
    }
}
