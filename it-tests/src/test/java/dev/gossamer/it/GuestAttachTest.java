package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code gossamer attach} in a machine with a kernel of its own, under load: the server is killed, and replaced while
 * the volume grows; the file system sees nothing of it.
 */
final class GuestAttachTest {
    private static final int MEMORY_MIB = 768;
    private static final int LIMIT_SECONDS = 900;

    /** Longer than the script's --request-timeout. */
    private static final int AWAY_SECONDS = 20;

    /** Attached at once; each is a Java whose instructions are emulated, so that more of them want some minutes. */
    private static final int MANY = Integer.getInteger("gossamer.test.attached", 3);

    @TempDir
    private Path scratch;

    @Test
    @Timeout(value = 20, unit = TimeUnit.MINUTES) // Java starts some twenty times, with every instruction emulated.
    void aMountedVolumeSurvivesItsServer() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start("--listen", "tcp:127.0.0.1:0")) {
            daemon.createVolume("vol", "128M");
            daemon.createVolume("empty", "64M");
            for (int i = 1; i <= MANY; i++) {
                daemon.createVolume("many" + i, "64M");
            }
            String address = "tcp:127.0.0.1:" + daemon.tcpPort();
            List<String> console = new Guest(scratch, "attach.sh")
                    .withMemory(MEMORY_MIB)
                    .withLimit(LIMIT_SECONDS)
                    .connectedTo(daemon)
                    .with("VOLUME", "vol")
                    .with("EMPTY", "empty")
                    .with("GROWN_BYTES", 256 << 20)
                    .with("LIBRARIES", GuestDistribution.LIBRARIES)
                    .with("AWAY_SECONDS", AWAY_SECONDS)
                    .with("MANY", MANY)
                    .withDisk(GuestDistribution.image(scratch))
                    .on("guest: kill the server", () -> {
                        daemon.kill();
                        Thread.sleep(2000);
                        daemon.start("--listen", address);
                    })
                    .on("guest: replace the server", () -> {
                        String pool = daemon.directory().toString();
                        Daemon.gossamer("volume", "resize", "-p", pool, "vol", "--size", "256M")
                                .expectStatus(0);
                        daemon.stop();
                        daemon.start("--listen", address);
                    })
                    .on("guest: replace the volume", () -> {
                        String pool = daemon.directory().toString();
                        Daemon.gossamer("volume", "delete", "-p", pool, "empty", "--force")
                                .expectStatus(0);
                        daemon.createVolume("empty", "64M");
                    })
                    .run();
            assertTrue(console.contains("guest: all steps passed"), console::toString);
            daemon.stopAndCheck();
        }
    }
}
