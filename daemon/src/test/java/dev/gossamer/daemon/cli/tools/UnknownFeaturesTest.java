package dev.gossamer.daemon.cli.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.scan.BlockProof;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Metadata of a later version, or with features that this one does not know: what is read says so, what would write
 * refuses in one line, exit code 6, and nothing is written (offline-tools.md, section 5).
 */
final class UnknownFeaturesTest {
    private static final int BLOCK = 4096;
    private static final int VERSION = 40;
    private static final int COMPAT_RO = 356;
    private static final int INCOMPAT = 360;

    @TempDir
    private Path scratch;

    private Path metadata;
    private Path data;
    private Path output;

    @BeforeEach
    void files() throws IOException {
        metadata = ToolRun.unpack("08-killed", "meta.img", scratch);
        data = scratch.resolve("data");
        output = scratch.resolve("output");
        sized(data, 1L << 30);
        sized(output, 8 << 20);
    }

    private static void sized(Path file, long bytes) throws IOException {
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(bytes);
        }
    }

    private void set(int at, int value) throws IOException {
        byte[] image = Files.readAllBytes(metadata);
        ByteBuffer superblock = ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN);
        superblock.putInt(at, value);
        new BlockProof().seal(superblock, 0, 0, BlockValidator.SUPERBLOCK);
        Files.write(metadata, image);
    }

    private List<List<String>> writers() {
        String in = metadata.toString();
        String out = output.toString();
        return List.of(
                List.of("repair", "--yes", "-i", in, "-o", out),
                List.of("repair", "--in-place", "-i", in),
                List.of("check", "--fix", "leaks", in),
                List.of("check", "--auto-repair", in),
                List.of("check", "--clear-needs-check-flag", in),
                List.of("check", "--super-block-only", "--clear-needs-check-flag", in),
                List.of("trim", "--metadata-dev", in, "--data-dev", data.toString()),
                List.of("shrink", "--no-copy", "--nr-blocks", "9999", "-i", in, "-o", out),
                List.of("generate", "--override", "--mapping-root", "1", "-o", in),
                List.of(
                        "generate",
                        "--create-metadata-leaks",
                        "--expected",
                        "0",
                        "--actual",
                        "1",
                        "--nr-blocks",
                        "1",
                        "-o",
                        in));
    }

    private void assertNobodyWrites(String what) throws IOException {
        byte[] before = Files.readAllBytes(metadata);
        for (List<String> writer : writers()) {
            ToolRun run = ToolRun.gossamer(writer.toArray(String[]::new));
            assertEquals(ToolExit.NO_POOL, run.exitCode(), writer + ": " + run.err());
            assertEquals(1, run.err().lines().count(), writer + ": " + run.err());
            assertTrue(run.err().contains(metadata + " ") && run.err().contains(what), run.err());
        }
        String refused =
                Assertions.assertThrows(StorageException.class, this::adopt).getMessage();
        assertTrue(refused.lines().count() == 1 && refused.contains("does not know"), refused);
        assertTrue(Files.notExists(scratch.resolve("pool")));
        assertArrayEquals(before, Files.readAllBytes(metadata));
        assertArrayEquals(new byte[BLOCK], Files.newInputStream(output).readNBytes(BLOCK));
    }

    private void adopt() throws StorageException {
        PoolCreation.adopt(
                new PoolDirectory(scratch.resolve("pool")), new PoolConfig(metadata.toString(), data.toString(), true));
    }

    private void assertReadersSay(String what) {
        String in = metadata.toString();
        for (List<String> reader : List.of(
                List.of("check", in),
                List.of("dump", in),
                List.of("ls", in),
                List.of("rmap", "--region", "0..9", in),
                List.of("delta", "--thin1", "1", "--thin2", "2", in),
                List.of("repair", "--list", "-i", in),
                List.of("trim", "--dry-run", "--metadata-dev", in, "--data-dev", data.toString()),
                List.of("shrink", "--plan", "--nr-blocks", "9999", "-i", in))) {
            ToolRun run = ToolRun.gossamer(reader.toArray(String[]::new));
            assertTrue(run.err().contains("warning: " + in + " " + what), reader + ": " + run.err());
            assertTrue(run.exitCode() != ToolExit.NO_POOL, reader + ": " + run.err());
        }
    }

    @Test
    void aLaterVersionIsOnlyRead() throws IOException {
        set(VERSION, 3);
        assertReadersSay("is of version 3");
        assertNobodyWrites("version 3");
    }

    @Test
    void readOnlyCompatibleFeaturesAreOnlyRead() throws IOException {
        set(COMPAT_RO, 0x80);
        assertReadersSay("uses read-only compatible features 0x80");
        assertNobodyWrites("features 0x80");
    }

    /** Searching for what is there without the superblock would give what its feature may have changed. */
    @Test
    void incompatibleFeaturesAreNotEvenRead() throws IOException {
        set(INCOMPAT, 4);
        assertNobodyWrites("incompatible features");
        for (List<String> reader : List.of(
                List.of("check", metadata.toString()),
                List.of("dump", "--repair", metadata.toString()),
                List.of("repair", "--list", "-i", metadata.toString()))) {
            ToolRun run = ToolRun.gossamer(reader.toArray(String[]::new));
            assertEquals(ToolExit.NO_POOL, run.exitCode(), run.err());
            assertTrue(run.err().contains("incompatible features 0x4"), run.err());
        }
    }

    @Test
    void xmlOfALaterVersionIsRefusedWhileThereIsAPoolToLose() throws IOException {
        Path xml = Files.writeString(
                scratch.resolve("xml"),
                "<superblock uuid=\"\" time=\"0\" transaction=\"1\" version=\"3\" data_block_size=\"128\""
                        + " nr_data_blocks=\"9\"></superblock>");
        byte[] before = Files.readAllBytes(metadata);
        ToolRun run = ToolRun.gossamer("restore", "--force", "-i", xml.toString(), "-o", metadata.toString());
        assertEquals(ToolExit.FAILED, run.exitCode(), run.err());
        assertTrue(run.err().contains("version 3"), run.err());
        assertArrayEquals(before, Files.readAllBytes(metadata));
    }
}
