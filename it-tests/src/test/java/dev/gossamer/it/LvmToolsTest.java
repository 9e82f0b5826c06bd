package dev.gossamer.it;

import static dev.gossamer.it.RandomImage.MIB;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * LVM, in a machine with a kernel of its own, with our links in lvm.conf (OT-2, AT-9): a pool is activated, repaired,
 * and used on.
 */
final class LvmToolsTest {
    private static final int MEMORY_MIB = 768;
    private static final int LIMIT_SECONDS = 600;

    @TempDir
    private Path scratch;

    @Test
    @Timeout(value = 12, unit = TimeUnit.MINUTES) // Java starts some ten times, with every instruction emulated.
    void lvmRunsOurTools() throws Exception {
        Path noise = scratch.resolve("noise");
        RandomImage.write(noise, 8, 9);
        Guest guest = new Guest(scratch, "lvm-tools.sh")
                .withMemory(MEMORY_MIB)
                .withLimit(LIMIT_SECONDS)
                .with("LIBRARIES", GuestDistribution.LIBRARIES)
                .with(noise)
                .withDisk(GuestDistribution.image(scratch));
        for (String name : List.of("a.img", "b.img")) {
            Path disk = scratch.resolve(name);
            try (RandomAccessFile image = new RandomAccessFile(disk.toFile(), "rw")) {
                image.setLength(80L * MIB);
            }
            guest.withDisk(disk);
        }
        List<String> console = guest.run();
        assertTrue(console.contains("guest: all steps passed"), console::toString);
    }
}
