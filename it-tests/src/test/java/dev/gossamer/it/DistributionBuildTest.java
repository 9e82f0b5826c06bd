package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code deploy/src/build-dist}, on a source tree and a JDK of a few files: what it makes again, and when it is done.
 */
final class DistributionBuildTest {
    @TempDir
    private Path scratch;

    private Path target;

    @BeforeEach
    void makeTree() throws Exception {
        Path deploy = Files.createDirectories(scratch.resolve("tree/deploy"));
        target = Files.createDirectory(deploy.resolve("target"));
        Path sources = Path.of(System.getProperty("gossamer.root"), "deploy", "src");
        Tool.succeed("cp", "-r", sources.toString(), deploy.toString());
        for (String document : List.of("LICENSE", "NOTICE", "README.md")) {
            Files.writeString(scratch.resolve("tree").resolve(document), "first " + document);
        }
        Path jars = Files.createDirectory(scratch.resolve("jars"));
        Files.writeString(jars.resolve("daemon.jar"), "daemon");
        Files.writeString(jars.resolve("netty-native.jar"), "native");
        Files.writeString(
                target.resolve("class-path"), jars.resolve("daemon.jar") + ":" + jars.resolve("netty-native.jar"));
        Files.createDirectories(scratch.resolve("jdk"));
        Files.writeString(scratch.resolve("jdk/release"), "JAVA_VERSION=\"25\"");
        program("jdk/bin/jlink", "for out; do :; done; mkdir -p \"$out/bin\"; echo java >\"$out/bin/java\"");
        program("jdk/bin/java", ""); // gives classes a newer format, of which there are none
        program(
                "jdk/bin/jar",
                "mkdir -p META-INF/native jni/x86_64-Linux jni/aarch64-Linux;"
                        + " touch META-INF/native/n_x86_64.so META-INF/native/n_aarch_64.so jni/x86_64-Linux/j.so"
                        + " jni/aarch64-Linux/j.so");
    }

    private void program(String name, String script) throws IOException {
        Path file = scratch.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\nset -e\n" + script + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private Tool.Result build(String pathBefore) throws Exception {
        String environment = "env PATH=\"" + pathBefore + "$PATH\" TOOLCHAIN_JAVA_HOME=\"$(realpath ../jdk)\"";
        String build = " deploy/src/build-dist deploy 1.0 true";
        return Tool.run("sh", "-c", "cd '" + scratch + "' && cd tree && " + environment + build);
    }

    private Path archive() throws IOException {
        try (var files = Files.list(target)) {
            return files.filter(file -> file.toString().endsWith(".tar.gz"))
                    .findFirst()
                    .orElse(target.resolve("none"));
        }
    }

    private String inArchive(String name) throws Exception {
        return Tool.succeed("tar", "-xzOf", archive().toString(), "--wildcards", "*/" + name)
                .out();
    }

    @Test
    void withoutAnArchiveItIsNotDone() throws Exception {
        program("bin/tar", "exit 3");
        assertNotEquals(0, build(scratch.resolve("bin") + ":").status());
        assertFalse(Files.exists(target.resolve("gossamer/bin/gossamer")), "it says that it is done");
        build("").expectStatus(0);
        assertTrue(Files.isExecutable(target.resolve("gossamer/bin/gossamer")));
        assertEquals(Files.readString(target.resolve("gossamer/bin/gossamer")), inArchive("bin/gossamer"));
        List<String> names =
                Tool.succeed("tar", "-tzf", archive().toString()).out().lines().toList();
        assertTrue(names.stream().noneMatch(name -> name.contains("/.gossamer")), names::toString);
        Files.delete(archive());
        build("").expectStatus(0);
        assertTrue(Files.exists(archive()), "an archive that was deleted is made again");
    }

    @Test
    void whatItShipsIsWhatItLooksAt() throws Exception {
        build("").expectStatus(0);
        var made = Files.getLastModifiedTime(archive());
        build("").expectStatus(0);
        assertEquals(made, Files.getLastModifiedTime(archive()), "nothing has changed");
        for (String document : List.of("LICENSE", "NOTICE", "README.md")) {
            Files.writeString(scratch.resolve("tree").resolve(document), "second " + document);
            build("").expectStatus(0);
            assertEquals(
                    "second " + document,
                    Files.readString(target.resolve("gossamer").resolve(document)));
            assertEquals("second " + document, inArchive(document));
        }
    }
}
