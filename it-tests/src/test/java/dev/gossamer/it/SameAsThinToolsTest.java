package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.daemon.cli.GossamerCommand;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Byte for byte what thin-provisioning-tools write, 0.9.0 as installed and 1.1.0 as stored (OT-12), and pools that both
 * read.
 */
final class SameAsThinToolsTest {
    @TempDir
    private Path scratch;

    static Stream<Fixture> thinPools() throws IOException {
        return Fixture.thinPools();
    }

    private String dump(Path metadata, String... options) throws IOException {
        Path file = Files.createTempDirectory(scratch, "dump").resolve("text");
        List<String> command = new ArrayList<>(List.of("dump", metadata.toString(), "-o", file.toString()));
        command.addAll(List.of(options));
        assertEquals(0, GossamerCommand.run(command.toArray(String[]::new)));
        return Files.readString(file);
    }

    private static String stored(Fixture fixture, String name) throws IOException {
        try (InputStream in =
                new GZIPInputStream(Files.newInputStream(fixture.folder().resolve(name)))) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @ParameterizedTest
    @MethodSource("thinPools")
    void dumpsAreTheSame(Fixture fixture) throws Exception {
        Path metadata = fixture.unpackMetadata(scratch.resolve("meta"));
        String file = metadata.toString();

        assertEquals(Tool.succeed("thin_dump", file).out(), dump(metadata, "--compat", "0.9"));
        assertEquals(
                Tool.succeed("thin_dump", "-f", "human_readable", file).out(),
                dump(metadata, "--compat", "0.9", "-f", "human_readable"));
        assertEquals(
                Tool.succeed("thin_dump", "--skip-mappings", file).out(),
                dump(metadata, "--compat", "0.9", "--skip-mappings"));
        assertEquals(
                Tool.succeed("thin_dump", "--dev-id", "1", file).out(),
                dump(metadata, "--compat", "0.9", "--dev-id", "1"));
        assertEquals(stored(fixture, "dump-1.1.xml.gz"), dump(metadata, "--compat", "1"));
        assertEquals(stored(fixture, "human-1.1.txt.gz"), dump(metadata, "--compat", "1", "-f", "human_readable"));
    }

    @Test
    void metadataSnapshotsAreTheSame() throws Exception {
        Fixture fixture = new Fixture(Path.of(System.getProperty("gossamer.fixtures"), "06-metadata-snapshot"));
        Path metadata = fixture.unpackMetadata(scratch.resolve("meta"));

        assertEquals(
                Tool.succeed("thin_dump", "-m", metadata.toString()).out(), dump(metadata, "--compat", "0.9", "-m"));
        assertEquals(stored(fixture, "dump-held-1.1.xml.gz"), dump(metadata, "--compat", "1", "-m"));
        assertEquals(0, GossamerCommand.run("check", "-q", "-m", metadata.toString()));
    }

    @ParameterizedTest
    @MethodSource("thinPools")
    void restoredPoolsAreReadByBoth(Fixture fixture) throws Exception {
        Path metadata = fixture.unpackMetadata(scratch.resolve("meta"));
        for (String format : List.of("0.9", "1")) {
            Path xml = scratch.resolve("pool.xml");
            Files.writeString(xml, dump(metadata, "--compat", format));
            Path restored = device(scratch.resolve("restored-" + format));
            assertEquals(0, GossamerCommand.run("restore", "-q", "-i", xml.toString(), "-o", restored.toString()));

            Tool.succeed("thin_check", "-q", restored.toString());
            assertEquals(0, GossamerCommand.run("check", "-q", restored.toString()));
            assertEquals(
                    withoutFlag(dump(metadata, "--compat", "0.9")),
                    Tool.succeed("thin_dump", restored.toString()).out());
        }
    }

    /** A restored pool is not in need of a check. */
    private static String withoutFlag(String dump) {
        return dump.replace("flags=\"1\"", "flags=\"0\"");
    }

    /** What the peer's restore writes has wrong hints, and nothing worse. */
    @ParameterizedTest
    @MethodSource("thinPools")
    void thePeersRestoreHasNothingButWrongHints(Fixture fixture) throws Exception {
        Path xml = scratch.resolve("pool.xml");
        Files.writeString(xml, dump(fixture.unpackMetadata(scratch.resolve("meta")), "--compat", "0.9"));
        Path restored = device(scratch.resolve("restored"));
        Tool.succeed("thin_restore", "-q", "-i", xml.toString(), "-o", restored.toString());

        assertEquals(3, GossamerCommand.run("check", "-q", restored.toString()));
        assertEquals(0, GossamerCommand.run("check", "-q", "--fix", "leaks", restored.toString()));
        assertEquals(0, GossamerCommand.run("check", "-q", restored.toString()));
        Tool.succeed("thin_check", "-q", restored.toString());
    }

    @ParameterizedTest
    @CsvSource({
        "-b64k -s1t -m1000, 1073232 sectors",
        "-b64k -s1t -m1000 -um, 524.04 mebibytes",
        "-b64k -s1t -m1000 -ug, 0.5117568969726563 gibibytes",
        "-b64k -s1t -m1000 -ut, 0.0004997625946998596 terabytes",
        "-b64k -s1t -m1000 -ue, 0.0000000004766107508658024 exbytes",
        "-b64k -s1t -m1000 -uT, 0.000549494784 terabytes",
        "-b64k -s1t -m1000 -uK, 549494.78 kilobytes",
        "-b64k -s1t -m1000 --numeric-only=short -ug, 0.5117568969726563g",
        "-b64k -s1t -m1000 -n, 1073232",
        "-b64k -s100t -m1, 33292800 sectors",
        "-b192k -s1t -m1, 355096 sectors",
        "-b128 -s1000000 -m1, 512 sectors"
    })
    void metadataSizesAreTheSame(String options, String newer) throws Exception {
        assertEquals(newer, metadataSize(options, "1"));
        Tool.Result older = Tool.run(("thin_metadata_size " + options).split(" "));
        if (older.status() == 0) {
            assertEquals(older.out().strip(), metadataSize(options, "0.9"));
        }
    }

    private static String metadataSize(String options, String compat) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            String[] command = ("metadata-size --compat " + compat + " " + options).split(" ");
            assertEquals(0, GossamerCommand.run(command));
        } finally {
            System.setOut(before);
        }
        return out.toString(StandardCharsets.UTF_8).strip();
    }

    private static Path device(Path file) throws IOException {
        try (RandomAccessFile device = new RandomAccessFile(file.toFile(), "rw")) {
            device.setLength(8 << 20);
        }
        return file;
    }
}
