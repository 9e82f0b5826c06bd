package dev.gossamer.it;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A Linux kernel in an emulated machine uses our volumes: ext4, a snapshot taken in the middle, fio, fstrim, e2fsck.
 */
final class GuestTest {
    @TempDir
    private Path scratch;

    @Test
    void kernelMountsAVolumeAndItsSnapshot() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start("--listen", "tcp:127.0.0.1:0")) {
            daemon.createVolume("vol", "256M");
            daemon.createVolume("raw", "128M");

            new Guest(scratch, "thin-volume.sh")
                    .connectedTo(daemon)
                    .with("VOLUME", "vol")
                    .with("VOLUME_BYTES", 256 << 20)
                    .with("SNAPSHOT", "frozen")
                    .with("RAW", "raw")
                    .on("guest: take the snapshot now", () -> daemon.createSnapshot("vol", "frozen", "--read-only"))
                    .run();

            daemon.stopAndCheck();
        }
    }
}
