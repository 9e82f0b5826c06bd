package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code guest/build-image} makes the guest's image again when something that is in it has changed. */
final class GuestImageTest {
    @TempDir
    private Path scratch;

    private String build(Path folder) throws Exception {
        List<String> paths = Tool.run(
                        "env",
                        "GOSSAMER_GUEST_CACHE=" + scratch.resolve("cache"),
                        "PATH=" + scratch.resolve("bin") + ":" + System.getenv("PATH"),
                        folder.resolve("build-image").toString())
                .expectStatus(0)
                .out()
                .lines()
                .toList();
        return paths.get(1);
    }

    @Test
    void aChangedInitIsAnotherImage() throws Exception {
        Path folder = Files.createDirectories(scratch.resolve("guest"));
        Path source = Path.of(System.getProperty("gossamer.root"), "it-tests", "guest");
        Tool.succeed("cp", source.resolve("build-image").toString(), folder.toString());
        Tool.succeed("cp", source.resolve("init").toString(), folder.toString());
        // A kernel of no bytes and one module of none: only the stamp and the packing are tried.
        Path kernel = Files.createDirectories(scratch.resolve("cache/kernel/boot"));
        Files.createFile(kernel.resolve("vmlinuz-1.0"));
        Path tree = Files.createDirectories(scratch.resolve("cache/kernel/lib/modules/1.0"));
        for (String file : List.of("modules.order", "modules.builtin", "modules.builtin.modinfo")) {
            Files.createFile(tree.resolve(file));
        }
        Path modprobe = Files.createDirectories(scratch.resolve("bin")).resolve("modprobe");
        Path module = Files.createFile(tree.resolve("nbd.ko"));
        Files.writeString(modprobe, "#!/bin/sh\necho insmod " + module + "\n");
        Files.setPosixFilePermissions(modprobe, PosixFilePermissions.fromString("rwxr-xr-x"));

        String first = build(folder);
        assertEquals(first, build(folder));
        Files.writeString(folder.resolve("init"), "echo changed\n", StandardOpenOption.APPEND);
        assertNotEquals(first, build(folder), "the image of the old init would be used");
    }
}
