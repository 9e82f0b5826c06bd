package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A test that wants a loop device is skipped only where there can be none. */
class LoopDevicesTest {
    @Test
    void onlyWhatIsNotAllowedIsNoFailure() {
        assertTrue(LoopDevices.isNotAllowed("losetup: /tmp/a: failed to set up loop device: Operation not permitted"));
        assertTrue(LoopDevices.isNotAllowed("losetup: cannot find an unused loop device: Permission denied"));
        assertFalse(LoopDevices.isNotAllowed("losetup: /tmp/a: failed to set up loop device: Invalid argument"));
        assertFalse(LoopDevices.isNotAllowed("losetup: unrecognized option '--sector-size'"));
    }

    @Test
    void aFileThatIsNotThereFailsTheTest(@TempDir Path directory) throws Exception {
        Path there = Files.write(directory.resolve("file"), new byte[1 << 20]);
        LoopDevices.detach(LoopDevices.attach(there)); // or skipped
        AssertionError failure =
                assertThrows(AssertionError.class, () -> LoopDevices.attach(directory.resolve("nowhere")));
        assertTrue(failure.getMessage().contains("No such file"), failure.getMessage());
    }
}
