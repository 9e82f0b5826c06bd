package dev.gossamer.it;

import static dev.gossamer.it.RandomImage.MIB;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.cli.GossamerCommand;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A thin pool of two mirrors that LVM and a kernel made (OT-54), each of which has lost an image: read on a machine
 * without device-mapper, from the image that has the newest bytes of each, and written by nobody.
 */
final class LvmMirrorTest {
    @TempDir
    private Path scratch;

    @Test
    void aPoolOfMirrorsIsReadFromGoodImages() throws Exception {
        Path noise = scratch.resolve("noise");
        RandomImage.write(noise, 8, 9);
        List<Path> disks = List.of(image("a.img"), image("b.img"));
        Guest guest = new Guest(scratch, "lvm-mirror.sh").with(noise);
        disks.forEach(guest::withDisk);
        List<String> contents = guest.run().stream()
                .filter(line -> line.startsWith("contents: "))
                .toList();
        assertEquals(3, contents.size(), contents::toString);

        String pool = "lvm:group/pool?pv=" + disks.get(0) + "&pv=" + disks.get(1);
        assertEquals(0, GossamerCommand.run("check", "-q", pool));
        for (String line : contents) {
            String[] words = line.split(" ", -1);
            Path copy = scratch.resolve("copy");
            Files.deleteIfExists(copy);
            int id = List.of("one", "two", "early").indexOf(words[1]) + 1;
            String sectors = Long.toString(Long.parseLong(words[2]) / 512);
            String[] extract = {"extract", "-q", "--thin=" + id, "--size=" + sectors, "-o", copy.toString(), pool};
            assertEquals(0, GossamerCommand.run(extract));
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(copy));
            assertEquals(words[3], HexFormat.of().formatHex(sum), words[1]);
        }
        assertNothingIsWritten(pool, disks);
    }

    private void assertNothingIsWritten(String pool, List<Path> disks) throws IOException {
        byte[] before = Files.readAllBytes(disks.get(0));
        assertEquals(6, GossamerCommand.run("check", "-q", "--auto-repair", pool));
        Path xml = scratch.resolve("xml");
        assertEquals(0, GossamerCommand.run("dump", pool, "-o", xml.toString()));
        assertEquals(6, GossamerCommand.run("restore", "-q", "--force", "-i", xml.toString(), "-o", pool));
        Path directory = scratch.resolve("pool");
        List<String> command = new ArrayList<>();
        command.addAll(List.of("pool", "adopt", directory.toString(), "--lvm", "group/pool"));
        disks.forEach(disk -> command.addAll(List.of("--pv", disk.toString())));
        assertTrue(GossamerCommand.run(command.toArray(String[]::new)) != 0, "adopted");
        assertTrue(Files.notExists(directory), "no trace is left");
        assertArrayEquals(before, Files.readAllBytes(disks.get(0)));
    }

    private Path image(String name) throws IOException {
        Path file = scratch.resolve(name);
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.setLength(80L * MIB);
        }
        return file;
    }
}
