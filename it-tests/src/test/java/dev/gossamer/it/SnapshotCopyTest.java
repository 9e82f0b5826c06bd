package dev.gossamer.it;

import static dev.gossamer.it.RandomImage.MIB;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.sim.Seeds;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A volume of 1 GiB, its snapshot, and half of the volume overwritten: contents by nbdcopy, sharing by thin_dump. */
final class SnapshotCopyTest {
    private static final int VOLUME_MIB = 1024;
    private static final int BLOCKS_PER_MIB = 16; // data blocks of 64 KiB

    @TempDir
    private Path scratch;

    @Test
    void snapshotKeepsTheOldImageAndSharesWhatWasNotOverwritten() throws Exception {
        Path original = scratch.resolve("original.img");
        Path changed = scratch.resolve("changed.img");
        Path copy = scratch.resolve("copy.img");
        RandomImage.write(original, VOLUME_MIB, 2);
        Files.copy(original, changed);
        try (Daemon daemon = Daemon.create(scratch).start()) {
            daemon.createVolume("vol", "1G");
            Tool.succeed("nbdcopy", "--flush", original.toString(), daemon.uri("vol"));
            daemon.createSnapshot("vol", "snap");
            overwriteEverySecondMebibyte(daemon.socket(), changed);

            Tool.succeed("nbdcopy", daemon.uri("vol"), copy.toString());
            assertEquals(-1, Files.mismatch(changed, copy), "first wrong byte of the volume");
            Tool.succeed("nbdcopy", daemon.uri("snap"), copy.toString());
            assertEquals(-1, Files.mismatch(original, copy), "first wrong byte of the snapshot");

            long volumeId = daemon.volumeId("vol");
            long snapshotId = daemon.volumeId("snap");
            daemon.stopAndCheck();
            Map<Long, Map<Long, Long>> devices = ThinDump.of(daemon.metadata());
            checkSharing(devices.get(volumeId), devices.get(snapshotId));
        }
    }

    private static void overwriteEverySecondMebibyte(Path socket, Path image) throws Exception {
        SplittableRandom random = Seeds.splittable(3);
        try (NbdConnection connection = NbdConnection.open(socket, "vol");
                FileChannel channel = FileChannel.open(image, StandardOpenOption.WRITE)) {
            for (int mib = 0; mib < VOLUME_MIB; mib += 2) {
                byte[] bytes = new byte[MIB];
                random.nextBytes(bytes);
                connection.writeNow((long) mib * MIB, bytes);
                RandomImage.writeFully(channel, bytes, (long) mib * MIB);
            }
            connection.flushNow();
        }
    }

    private static void checkSharing(Map<Long, Long> volume, Map<Long, Long> snapshot) {
        assertEquals(VOLUME_MIB * BLOCKS_PER_MIB, volume.size());
        assertEquals(volume.keySet(), snapshot.keySet());
        Set<Long> used = new HashSet<>(volume.values());
        used.addAll(snapshot.values());
        assertEquals(volume.size() + volume.size() / 2, used.size(), "data blocks used by the two");
        volume.forEach((virtualBlock, dataBlock) -> {
            boolean overwritten = virtualBlock / BLOCKS_PER_MIB % 2 == 0;
            assertEquals(
                    !overwritten,
                    dataBlock.equals(snapshot.get(virtualBlock)),
                    () -> "shared? virtual block " + virtualBlock);
        });
    }
}
