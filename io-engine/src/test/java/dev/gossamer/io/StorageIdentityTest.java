package dev.gossamer.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.posix.PosixDevice;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StorageIdentityTest {
    @TempDir
    private Path directory;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "block device, serial A, 4096 bytes | block device, serial A, 4096 bytes | true",
                "block device, serial A, 4096 bytes | block device, serial A, 8192 bytes | true",
                "block device, serial A, 8192 bytes | block device, serial A, 4096 bytes | false",
                "block device, serial A, 4096 bytes | block device, serial AB, 4096 bytes | false",
                "block device, serial A, 4096 bytes | 4096 bytes | false",
                "4096 bytes | 4096 bytes | true",
                "4096 bytes | 8192 bytes | false",
                "4096 bytes | block device, serial A, 4096 bytes | true",
                "4096 bytes | block device, serial A, 8192 bytes | false",
                "file, inode 7, 4096 bytes | file, inode 7, born 2026-11-30T00:00:00Z, 4096 bytes | true",
                "file, inode 7, born 2026-11-30T00:00:00Z, 4096 bytes | file, inode 7, 4096 bytes | false",
                "edited by hand | 4096 bytes | false",
                "edited by hand | edited by hand | false",
            })
    void whoMayStandForWhom(String recorded, String found, boolean admitted) {
        assertEquals(admitted, StorageIdentity.parse(recorded).admits(StorageIdentity.parse(found)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"4096 bytes", "file, inode 7, 4096 bytes", "some, thing", "x bytes", ""})
    void aLineIsReadAsItWasWritten(String line) {
        assertEquals(line, StorageIdentity.parse(line).toString());
    }

    private StorageIdentity of(String file) throws Exception {
        try (PosixDevice device = PosixDevice.open(directory.resolve(file), new OpenOptions(false, true))) {
            return StorageIdentity.of(device);
        }
    }

    @Test
    void aFileKeepsItByAnotherNameAndNoOtherFileHasIt() throws Exception {
        Files.write(directory.resolve("a"), new byte[4096]);
        StorageIdentity a = of("a");
        Files.write(directory.resolve("b"), new byte[4096]);
        assertFalse(a.admits(of("b")));
        assertFalse(a.isSurely(of("b")));
        Files.move(directory.resolve("a"), directory.resolve("c"));
        Files.createSymbolicLink(directory.resolve("a"), directory.resolve("c"));
        assertEquals(a, of("c"));
        assertTrue(a.isSurely(of("a")));
        assertEquals(a, StorageIdentity.parse(a.toString()));
    }

    /** File systems give a new file the inode of one that is gone. */
    @Test
    void anInodeThatIsUsedAgainIsAnotherFile() throws Exception {
        Files.write(directory.resolve("a"), new byte[4096]);
        StorageIdentity a = of("a");
        Files.delete(directory.resolve("a"));
        Files.write(directory.resolve("a"), new byte[4096]);
        assertNotEquals(a, of("a"));
        assertFalse(a.admits(of("a")));
    }
}
