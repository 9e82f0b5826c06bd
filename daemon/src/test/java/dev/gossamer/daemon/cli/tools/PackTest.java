package dev.gossamer.daemon.cli.tools;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is packed is unpacked, whatever its size; and version 1.1's packs. */
final class PackTest {
    private static final int BLOCK_BYTES = 4096;

    @TempDir
    private Path scratch;

    private ToolRun pack(Path metadata, Path pack, String... more) {
        return run("pack", metadata, pack, more);
    }

    private static ToolRun run(String tool, Path input, Path output, String... more) {
        String[] command = new String[more.length + 5];
        command[0] = tool;
        command[1] = "-i";
        command[2] = input.toString();
        command[3] = "-o";
        command[4] = output.toString();
        System.arraycopy(more, 0, command, 5, more.length);
        return ToolRun.gossamer(command);
    }

    private Path stored(String pack) throws IOException {
        Path file = scratch.resolve("stored");
        try (InputStream bytes = getClass().getResourceAsStream(pack)) {
            Files.copy(bytes, file);
        }
        return file;
    }

    @Test
    void allFixtures() throws IOException {
        for (String fixture : ToolRun.fixtures()) {
            Path metadata = ToolRun.unpack(fixture, "meta.img", scratch);
            Path pack = scratch.resolve(fixture + ".pack");
            ToolRun packed = pack(metadata, pack);
            assertEquals(0, packed.exitCode(), packed.err());
            Path back = scratch.resolve("back");
            ToolRun unpacked = run("unpack", pack, back, "--force");
            assertEquals(0, unpacked.exitCode(), unpacked.err());
            assertArrayEquals(Files.readAllBytes(metadata), Files.readAllBytes(back), fixture);
        }
    }

    /** Version 1.x loses a part of a device whose size is no multiple of its own chunks. */
    @Test
    void everySizeComesBackWhole() throws IOException {
        byte[] blocks = Files.readAllBytes(ToolRun.unpack("08-killed", "meta.img", scratch));
        Random random = Seeds.random(61);
        Path metadata = scratch.resolve("sized");
        Path pack = scratch.resolve("pack");
        Path back = scratch.resolve("back");
        for (int size : new int[] {10, 31, 32, 127, 128, 129, 1023, 1024, 1025, 2049, 4200}) {
            byte[] device = new byte[size * BLOCK_BYTES];
            for (int i = 0; i < size; i++) {
                int from = i == 0 ? 0 : random.nextInt(1024);
                System.arraycopy(blocks, from * BLOCK_BYTES, device, i * BLOCK_BYTES, BLOCK_BYTES);
            }
            Files.write(metadata, device);
            assertEquals(0, pack(metadata, pack, "-f").exitCode(), "pack " + size);
            run("unpack", pack, back, "-f");
            assertArrayEquals(device, Files.readAllBytes(back), size + " blocks");
        }
    }

    @Test
    void packsOfVersion1AreUnpacked() throws IOException {
        Path metadata = ToolRun.unpack("04-snapshots", "meta.img", scratch);
        Path back = scratch.resolve("back");
        ToolRun unpacked = run("unpack", stored("04-snapshots.1.1.0.pack"), back);
        assertEquals(0, unpacked.exitCode(), unpacked.err());
        assertArrayEquals(Files.readAllBytes(metadata), Files.readAllBytes(back));
    }

    @Test
    void whatAPackLacksIsTold() throws IOException {
        // 1.1 packs nothing of this device of 32 blocks, and exits with 0
        ToolRun unpacked = run("unpack", stored("10-needs-check.1.1.0.pack"), scratch.resolve("back"));
        assertEquals(4, unpacked.exitCode());
        assertTrue(unpacked.err().contains("holds no intact superblock"), unpacked.err());
    }

    @Test
    void damagedBlocksAreInPacksOfAll() throws IOException {
        Path metadata = ToolRun.unpack("08-killed", "meta.img", scratch);
        byte[] bytes = Files.readAllBytes(metadata);
        bytes[5 * BLOCK_BYTES + 1000] ^= 1;
        Files.write(metadata, bytes);
        Path pack = scratch.resolve("pack");
        Path back = scratch.resolve("back");
        assertEquals(0, pack(metadata, pack).exitCode());
        run("unpack", pack, back);
        assertEquals(0, Files.readAllBytes(back)[5 * BLOCK_BYTES + 1000]);
        assertEquals(0, pack(metadata, pack, "-f", "--all").exitCode());
        run("unpack", pack, back, "-f");
        assertArrayEquals(bytes, Files.readAllBytes(back));
    }

    @Test
    void nothingIsOverwrittenUnasked() throws IOException {
        Path metadata = ToolRun.unpack("04-snapshots", "meta.img", scratch);
        byte[] before = Files.readAllBytes(metadata);
        assertEquals(1, pack(metadata, metadata, "-f").exitCode(), "into itself");
        Path pack = scratch.resolve("pack");
        assertEquals(0, pack(metadata, pack).exitCode());
        assertEquals(1, pack(metadata, pack).exitCode(), "it is there");
        assertEquals(1, run("unpack", pack, metadata).exitCode(), "it is there");
        assertEquals(1, run("unpack", metadata, scratch.resolve("new"), "-f").exitCode(), "no pack");
        assertFalse(Files.exists(scratch.resolve("new")), "made for nothing");
        assertArrayEquals(before, Files.readAllBytes(metadata));
    }
}
