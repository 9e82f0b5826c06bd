package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who is asked before a device is opened, and of what. */
class AdmissionTest {
    private static final OpenOptions BUFFERED = new OpenOptions(false, true);

    @TempDir
    private Path directory;

    private Path one;
    private Path two;
    private Path link;

    @BeforeEach
    void makeFiles() throws IOException {
        Path real = directory.toRealPath();
        one = Files.write(real.resolve("one"), new byte[4096]);
        two = Files.write(real.resolve("two"), new byte[8192]);
        link = Files.createSymbolicLink(real.resolve("link"), one);
    }

    @Test
    void itIsToldWhereTheNameHasLed() throws StorageException {
        List<Path> asked = new ArrayList<>();
        OpenOptions options = BUFFERED.withAdmission((real, identity) -> {
            asked.add(real);
            assertEquals(DeviceIdentity.of(one), identity);
        });
        PosixDevice.open(link, options).close();
        PosixDevice.open(one, options).close();
        assertEquals(List.of(one, one), asked);
    }

    @Test
    void whatIsAdmittedIsWhatIsOpened() throws StorageException {
        OpenOptions options = BUFFERED.withAdmission((real, identity) -> {
            try {
                Files.delete(link);
                Files.createSymbolicLink(link, two);
            } catch (IOException e) {
                throw new StorageException(Errno.EIO, "cannot swap", e);
            }
        });
        try (PosixDevice device = PosixDevice.open(link, options)) {
            assertEquals(DeviceIdentity.of(one), device.identity());
            assertEquals(4096, device.sizeBytes());
        }
    }

    @Test
    void whatIsRefusedIsNotOpenedAndNothingIsLeftOpen() throws IOException {
        OpenOptions options = BUFFERED.withAdmission((real, identity) -> {
            assertEquals(1, openOn(one), "the name alone");
            throw new StorageException(Errno.EACCES, "no");
        });
        StorageException refused = assertThrows(StorageException.class, () -> PosixDevice.open(link, options));
        assertEquals(Errno.EACCES, refused.errno());
        assertEquals(0, openOn(one));
    }

    /** Descriptors of this process. */
    private static long openOn(Path file) {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(descriptor -> leadsTo(descriptor, file)).count();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean leadsTo(Path descriptor, Path file) {
        try {
            return Files.readSymbolicLink(descriptor).equals(file);
        } catch (IOException e) {
            return false; // It has been closed since.
        }
    }
}
