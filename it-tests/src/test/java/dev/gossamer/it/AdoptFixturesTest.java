package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Pools that the kernel's dm-thin wrote are adopted, served and read: each device must have the contents that the
 * kernel read, and nothing may be written to a pool in which nothing was named or changed.
 */
final class AdoptFixturesTest {
    private static final byte[] ZEROS = new byte[512];

    @TempDir
    private Path scratch;

    static Stream<Fixture> thinPools() throws IOException {
        return Fixture.thinPools();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("thinPools")
    void kernelPoolIsReadAsTheKernelReadItAndNotWritten(Fixture fixture) throws Exception {
        Path metadata = fixture.unpackMetadata(scratch.resolve("meta.img"));
        Path data = fixture.unpackData(scratch.resolve("data.img"));
        byte[] metadataBefore = Files.readAllBytes(metadata);
        boolean smallData = fixture.hasDataImage();
        String dataBefore = smallData ? md5(data, Files.size(data)) : "";
        boolean needsCheck = fixture.expected().path("needs_check").asBoolean();

        try (Daemon daemon = Daemon.adopt(scratch, metadata, data).start()) {
            checkVolumeList(fixture, daemon);
            for (Map.Entry<Long, Map<Long, Long>> device : fixture.mappings().entrySet()) {
                if (device.getValue().isEmpty()) {
                    continue; // its highest mapped block is none, so its size is 0
                }
                String export = "thin-" + device.getKey();
                if (smallData) {
                    checkContents(fixture, daemon, export, device.getKey());
                } else {
                    checkMarks(fixture, daemon, export, device.getValue());
                }
                if (needsCheck) {
                    checkReadOnly(daemon, export, device.getValue(), fixture.blockBytes());
                }
            }
            daemon.stop();
        }

        assertArrayEquals(metadataBefore, Files.readAllBytes(metadata), "the metadata device was written");
        if (smallData) {
            assertEquals(dataBefore, md5(data, Files.size(data)), "the data device was written");
        }
    }

    private static void checkVolumeList(Fixture fixture, Daemon daemon) throws Exception {
        JsonNode devices = fixture.expected().path("devices");
        Map<Long, Map<Long, Long>> mappings = fixture.mappings();
        assertEquals(devices.size(), daemon.volumes().size(), "number of volumes");
        for (JsonNode volume : daemon.volumes()) {
            String id = volume.path("id").asText();
            String what = "volume " + volume;
            assertTrue(devices.has(id), what);
            assertEquals("thin-" + id, volume.path("name").asText(), what);
            long mappedBlocks = devices.path(id).path("mapped_blocks").asLong();
            assertEquals(
                    mappedBlocks * fixture.blockBytes(),
                    volume.path("mappedBytes").asLong(-1),
                    what);
            long end = mappings.get(Long.valueOf(id)).keySet().stream()
                    .mapToLong(block -> block + 1)
                    .max()
                    .orElse(0);
            assertEquals(end * fixture.blockBytes(), volume.path("sizeBytes").asLong(-1), what);
        }
    }

    /** The whole device, read by nbdcopy; the kernel's MD5 covers zeros behind the highest mapped block too. */
    private void checkContents(Fixture fixture, Daemon daemon, String export, long id) throws Exception {
        JsonNode kernel = fixture.expected().path("kernel_md5").path(Long.toString(id));
        if (kernel.isMissingNode()) {
            return;
        }
        Path copy = scratch.resolve("copy.img");
        Tool.succeed("nbdcopy", daemon.uri(export), copy.toString());
        assertEquals(
                kernel.path("md5").asText(), md5(copy, kernel.path("sectors").asLong() * 512), export);
        Files.delete(copy);
    }

    /** MD5 of the first bytes of a file, which counts as continued with zeros. */
    private static String md5(Path file, long lengthBytes) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("MD5");
        long size = Math.min(Files.size(file), lengthBytes);
        try (InputStream in = new DigestInputStream(new BufferedInputStream(Files.newInputStream(file)), digest)) {
            for (long left = size; left > 0; ) {
                left -= in.readNBytes((int) Math.min(left, 1 << 20)).length;
            }
        }
        for (long left = lengthBytes - size; left > 0; left -= ZEROS.length) {
            digest.update(ZEROS, 0, (int) Math.min(left, ZEROS.length));
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** First and last sector of every mapped block, and the first of every unmapped block beside a mapped one. */
    private static void checkMarks(Fixture fixture, Daemon daemon, String export, Map<Long, Long> mappings)
            throws IOException {
        int blockBytes = fixture.blockBytes();
        try (NbdConnection connection = NbdConnection.open(daemon.socket(), export)) {
            for (Map.Entry<Long, Long> mapping : mappings.entrySet()) {
                long block = mapping.getKey();
                byte[] mark = Fixture.mark(mapping.getValue());
                String what = export + " virtual block " + block;
                assertArrayEquals(mark, connection.readNow(block * blockBytes, 512), what);
                assertArrayEquals(mark, connection.readNow((block + 1) * blockBytes - 512, 512), what);
                long next = block + 1;
                if (!mappings.containsKey(next) && next * blockBytes < connection.sizeBytes()) {
                    assertArrayEquals(ZEROS, connection.readNow(next * blockBytes, 512), what + " + 1");
                }
            }
        }
    }

    /** A pool with needs_check set gives no new blocks, takes no names and is not repaired behind its owner's back. */
    private static void checkReadOnly(Daemon daemon, String export, Map<Long, Long> mappings, int blockBytes)
            throws Exception {
        long unmapped = LongStream.iterate(0, block -> block + 1)
                .filter(block -> !mappings.containsKey(block))
                .findFirst()
                .orElseThrow();
        String write = "write -P 1 " + unmapped * blockBytes + " 512";
        Tool.Result result = Tool.run("qemu-io", "-f", "raw", "-c", write, daemon.uri(export));
        assertNotEquals(0, result.status(), result::toString);
        Daemon.gossamer("volume", "create", "-p", daemon.directory().toString(), "new", "--size", "1G")
                .expectRefused();
    }
}
