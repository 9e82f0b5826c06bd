package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.sim.SimulatedDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Debian's thin_check, which must be installed: the judge of metadata that this project did not write. */
final class ThinCheck {
    private ThinCheck() {}

    /** The tool finds nothing wrong, and no leak, in the metadata of a pool that is not open. */
    static void assertAccepts(SimulatedDisk metadata, Path directory, String where)
            throws IOException, InterruptedException {
        Path image = directory.resolve("metadata");
        metadata.save(image);
        Process process = new ProcessBuilder("thin_check", image.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> where + ": thin_check: " + output);
    }
}
