package dev.gossamer.it;

import static dev.gossamer.it.RandomImage.MIB;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gossamer.io.sim.Seeds;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What nbdinfo, nbdcopy and qemu-img learn of a volume's mappings (NBD 2.5, 3.3, 3.5; A24 to A26). */
final class BlockStatusTest {
    private static final int BLOCK = 64 << 10;
    private static final int BLOCKS = 1024;

    @TempDir
    private Path scratch;

    /** A run of blocks with one status, as nbdinfo --map prints it. */
    private record Extent(long offset, long length, int type) {}

    @Test
    void anEmptyVolumeOfSixteenTebibytesIsOneHole() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start()) {
            daemon.createVolume("big", "16T");
            assertEquals(List.of(new Extent(0, 16L << 40, 3)), map(daemon.uri("big"), "base:allocation"));
            Tool.succeed("nbdcopy", daemon.uri("big"), "null:");
            daemon.stopAndCheck();
        }
    }

    @Test
    void aCopyOfAMostlyEmptyVolumeTransfersWhatIsMapped() throws Exception {
        Path image = scratch.resolve("image");
        RandomImage.write(image, 64, 5);
        try (Daemon daemon = Daemon.create(scratch).start()) {
            daemon.createVolume("sparse", "100G");
            Tool.succeed("nbdcopy", "--flush", image.toString(), daemon.uri("sparse"));
            long before = bytesRead(daemon);
            Tool.succeed("nbdcopy", daemon.uri("sparse"), "null:");
            assertEquals(64L * MIB, bytesRead(daemon) - before);
            daemon.stopAndCheck();
        }
    }

    @Test
    void aChangedBlockContextGivesAnIncrementalBackupThatRestoresByteForByte() throws Exception {
        Path backup = scratch.resolve("backup");
        Path expected = scratch.resolve("expected");
        RandomImage.write(backup, BLOCKS * BLOCK / MIB, 11);
        try (Daemon daemon = Daemon.create(scratch).start()) {
            daemon.createVolume("vol", "64M");
            Tool.succeed("nbdcopy", "--flush", backup.toString(), daemon.uri("vol"));
            daemon.createSnapshot("vol", "first", "--read-only");
            BitSet changed = changeSomeBlocks(daemon);
            daemon.createSnapshot("vol", "second", "--read-only");
            // Changes after the second snapshot must not show in the difference of the two.
            Tool.succeed("qemu-io", "-f", "raw", "-c", "write -P 77 0 1M", daemon.uri("vol"));
            daemon.stopAndCheck();
            daemon.start();

            BitSet dirty = new BitSet();
            Tool.succeed("nbdcopy", daemon.uri("second"), expected.toString());
            try (RandomAccessFile target = new RandomAccessFile(backup.toFile(), "rw");
                    RandomAccessFile source = new RandomAccessFile(expected.toFile(), "r")) {
                for (Extent extent : map(daemon.uri("second"), "qemu:dirty-bitmap:first")) {
                    if (extent.type == 1) {
                        dirty.set((int) (extent.offset / BLOCK), (int) ((extent.offset + extent.length) / BLOCK));
                        byte[] bytes = new byte[(int) extent.length];
                        source.seek(extent.offset);
                        source.readFully(bytes);
                        target.seek(extent.offset);
                        target.write(bytes);
                    }
                }
            }
            assertEquals(changed, dirty, "the blocks written between the snapshots, and no others");
            assertEquals(-1, Files.mismatch(expected, backup), "first wrong byte of the restored backup");
            checkThatQemuSeesTheSame(daemon, dirty);
            daemon.stopAndCheck();
        }
    }

    private static BitSet changeSomeBlocks(Daemon daemon) throws Exception {
        SplittableRandom random = Seeds.splittable(12);
        BitSet changed = new BitSet();
        List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "raw"));
        for (int i = 0; i < 40; i++) {
            int block = random.nextInt(BLOCKS);
            changed.set(block);
            command.add("-c");
            command.add(
                    i % 8 == 0
                            ? "discard " + (long) block * BLOCK + " " + BLOCK
                            : "write -P " + (i + 1) + " " + ((long) block * BLOCK + random.nextInt(60) * 512L)
                                    + " 512");
        }
        command.add("-c");
        command.add("flush");
        command.add(daemon.uri("vol"));
        Tool.run(Tool.LIMIT, command).expectStatus(0);
        return changed;
    }

    /** With x-dirty-bitmap, qemu-img shows dirty blocks as those without data. */
    private static void checkThatQemuSeesTheSame(Daemon daemon, BitSet dirty) throws Exception {
        String options = "driver=nbd,server.type=unix,server.path=" + daemon.socket()
                + ",export=second,x-dirty-bitmap=qemu:dirty-bitmap:first";
        JsonNode extents = new ObjectMapper()
                .readTree(Tool.succeed("qemu-img", "map", "--output=json", "--image-opts", options)
                        .out());
        BitSet seen = new BitSet();
        for (JsonNode extent : extents) {
            if (!extent.path("data").asBoolean()) {
                int first = (int) (extent.path("start").asLong() / BLOCK);
                seen.set(first, first + (int) (extent.path("length").asLong() / BLOCK));
            }
        }
        assertEquals(dirty, seen);
    }

    private static List<Extent> map(String uri, String context) throws Exception {
        String json = Tool.succeed("nbdinfo", "--json", "--map=" + context, uri).out();
        List<Extent> extents = new ArrayList<>();
        for (JsonNode extent : new ObjectMapper().readTree(json)) {
            extents.add(new Extent(
                    extent.path("offset").asLong(),
                    extent.path("length").asLong(),
                    extent.path("type").asInt()));
        }
        assertTrue(!extents.isEmpty(), "no answer for " + context);
        return extents;
    }

    private static long bytesRead(Daemon daemon) throws Exception {
        String metrics = Tool.succeed(
                        "curl",
                        "-s",
                        "--unix-socket",
                        daemon.socket().resolveSibling("admin.sock").toString(),
                        "http://pool/metrics")
                .out();
        return (long) metrics.lines()
                .filter(line -> line.startsWith("gossamer_nbd_read_bytes_total"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }
}
