package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A command's start is what its start-up cache lacks (OT-26 f): next to nothing. Counts classes, not time. */
final class StartUpCacheTest {
    /** What the program makes while it runs, and a few that the typical runs did not need. */
    private static final int FEW = 40;

    @TempDir
    private Path scratch;

    @Test
    void aToolsClassesComeFromItsCache() throws Exception {
        Path home = Path.of(System.getProperty("gossamer.home"));
        assumeTrue(Files.exists(home.resolve("lib/tool.jsa")), "a distribution without start-up caches");
        Path metadata = new Fixture(Path.of(System.getProperty("gossamer.fixtures"), "08-killed"))
                .unpackMetadata(scratch.resolve("meta"));

        List<String> classes = classes(home, "check", "-q", metadata.toString());

        assertTrue(classes.size() > 1000, "classes: " + classes.size());
        List<String> read = classes.stream()
                .filter(line -> line.contains("source: file:") || line.contains("source: jrt:"))
                .toList();
        assertTrue(read.size() < FEW, () -> "read and verified at every start: " + read);
        // Compiled for Java 5, and kept out of the cache therefore, until they are made newer.
        assertEquals(
                List.of(),
                read.stream().filter(line -> line.contains("picocli")).toList());
    }

    /** The VM takes no cache whose jars have other times: those in the archive must be those that it was made of. */
    @Test
    void whoUnpacksTheArchiveHasTheCachesToo() throws Exception {
        Path home = Path.of(System.getProperty("gossamer.home"));
        assumeTrue(Files.exists(home.resolve("lib/client.jsa")), "a distribution without start-up caches");
        Path archive;
        try (Stream<Path> files = Files.list(home.getParent())) {
            archive = files.filter(file -> file.toString().endsWith(".tar.gz"))
                    .findFirst()
                    .orElseThrow();
        }
        Tool.succeed("tar", "-xzf", archive.toString(), "-C", scratch.toString());
        Path program;
        try (Stream<Path> unpacked = Files.list(scratch)) {
            program = unpacked.findFirst().orElseThrow().resolve("bin/gossamer");
        }
        String cacheOrNothing = "GOSSAMER_JAVA_OPTS=-Xshare:on";
        Tool.succeed("env", cacheOrNothing, program.toString(), "status", "--help");
        Tool.succeed("env", cacheOrNothing, program.toString(), "check", "--help");
        Tool.succeed("env", cacheOrNothing, program.toString(), "serve", "--help");
    }

    private List<String> classes(Path home, String... command) throws Exception {
        Path log = scratch.resolve("classes");
        String[] words = Stream.concat(
                        Stream.of(
                                "env",
                                "GOSSAMER_JAVA_OPTS=-Xlog:class+load:file=" + log,
                                home.resolve("bin/gossamer").toString()),
                        Stream.of(command))
                .toArray(String[]::new);
        Tool.succeed(words);
        return Files.readAllLines(log);
    }
}
