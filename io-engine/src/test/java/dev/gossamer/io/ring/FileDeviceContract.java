package dev.gossamer.io.ring;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.posix.PosixDevice;
import dev.gossamer.io.posix.PosixFiles;
import dev.gossamer.io.sim.BlockDeviceContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

/** The contract on a real file, made where the build runs so that direct I/O is tried on a real file system. */
abstract class FileDeviceContract extends BlockDeviceContract {
    static final int BUFFER_BYTES = 16 << 20;

    final Path file = Path.of("target", "contract-" + getClass().getSimpleName());
    private boolean created;

    boolean buffered() {
        return false;
    }

    @Override
    protected BlockDevice open(boolean readOnly) throws IOException {
        if (!created) {
            Files.deleteIfExists(file);
            PosixFiles.create(file, SIZE_BYTES);
            created = true;
        }
        return PosixDevice.open(file, new OpenOptions(readOnly, buffered()));
    }

    @AfterEach
    void deleteFile() throws IOException {
        Files.deleteIfExists(file);
    }
}
