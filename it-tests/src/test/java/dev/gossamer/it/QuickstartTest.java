package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The first command a new user tries. */
final class QuickstartTest {

    @TempDir
    private Path scratch;

    @Test
    void quickstartServesAVolumeSaysHowToAttachAndServesTheSameAgain() throws Exception {
        Path directory = scratch.resolve("first");
        try (Daemon daemon = Daemon.of(directory).startCommand("quickstart", directory.toString())) {
            Tool.succeed("qemu-io", "-f", "raw", "-c", "write -P 3 0 1M", "-c", "flush", daemon.uri("vol0"));
            daemon.stopAndCheck();
            assertTrue(daemon.output().contains("vol0"), daemon::output);
            assertTrue(daemon.output().contains(daemon.socket().toString()), daemon::output);

            daemon.startCommand("quickstart", directory.toString());
            Tool.Result read = Tool.succeed("qemu-io", "-f", "raw", "-c", "read -P 3 0 1M", daemon.uri("vol0"));
            assertTrue(!read.out().contains("failed"), read::toString);
            assertEquals(1, daemon.volumes().size());
            daemon.stopAndCheck();
        }
    }
}
