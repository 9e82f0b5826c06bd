package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static dev.gossamer.it.RandomImage.MIB;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A pool goes to and fro between this daemon and the kernel's dm-thin. At each hand-over {@code thin_check} must find
 * nothing, and every volume and snapshot must read as the other side read it; then more is written.
 */
final class KernelPoolTest {
    /** Forty writes of all sizes and a few trims, anywhere in each volume. */
    private static final String WRITE_MORE =
            """
            import random
            r = random.Random(7)
            for uri in uris:
                h = opened(uri)
                size = h.get_size()
                for i in range(40):
                    length = r.choice([512, 4096, 20480, 65536, 300000 // 512 * 512])
                    h.pwrite(r.randbytes(length), 512 * r.randrange((size - length) // 512))
                for i in range(6):
                    length = 512 * r.randrange(1, 1500)
                    h.trim(length, 512 * r.randrange((size - length) // 512))
                h.flush()
            """;

    /** Fewer than the 4096 of the pool, and more than are mapped. */
    private static final String SHRUNK_BLOCKS = "3700";

    @TempDir
    private Path scratch;

    @Test
    void aPoolMadeHereIsReadAndChangedByTheKernelAndReadHereAgain() throws Exception {
        try (Daemon daemon = Daemon.create(scratch, "--size", "256M").start()) {
            fill(daemon);
            Map<Long, PoolContents> ours = PoolContents.of(daemon, Map.of());
            long volume = daemon.volumeId("vol");
            Map<Long, String> names = names(daemon);
            long gone = daemon.volumeId("gone");
            Guest change = PoolContents.guest(scratch, "change", 128, daemon.metadata(), daemon.data(), ours)
                    .with("VOLUME", volume)
                    .with("SPARSE", daemon.volumeId("sparse"))
                    .with("GONE", gone);
            daemon.stopAndCheck();

            Map<Long, PoolContents> kernels = reported(change.run());
            Daemon.thinCheck(daemon.metadata());
            assertFalse(kernels.containsKey(gone), "a deleted device is reported");
            unchangedBut(List.of("vol", "sparse", "gone"), names, ours, kernels);

            daemon.start();
            assertEquals(kernels, PoolContents.of(daemon, kernels), "what the kernel has written");
            Libnbd.run(WRITE_MORE, daemon.uri("vol"), daemon.uri("thin-500"), daemon.uri("again"));
            daemon.createSnapshot("thin-500", "ours");
            Libnbd.run(WRITE_MORE, daemon.uri("thin-500"));
            Map<Long, PoolContents> last = PoolContents.of(daemon, kernels);
            unchangedBut(List.of("vol", "thin-500", "again"), names(daemon), kernels, last);
            long sparse = daemon.volumeId("sparse");
            long late = daemon.volumeId("late");
            daemon.stopAndCheck();

            Guest readers = PoolContents.guest(scratch, "read", 128, daemon.metadata(), daemon.data(), last)
                    .with("VOLUME", volume)
                    .with("SPARSE", sparse)
                    .with("SNAPSHOT", 501)
                    .with("GONE", late);
            List<Path> made = madeByTools(daemon, readers);
            readers.run();
            Daemon.thinCheck(daemon.metadata());
            for (Path metadata : made) {
                int verdict = gossamer("check", metadata.toString()).status();
                assertTrue(verdict == 0 || verdict == 3, metadata + ": " + verdict + ", more than leaks");
            }
        }
    }

    /** AT-3: the pool as restore, repair and shrink write it, each with data of its own, for the kernel to use. */
    private List<Path> madeByTools(Daemon daemon, Guest guest) throws Exception {
        String metadata = daemon.metadata().toString();
        Path xml = scratch.resolve("pool.xml");
        gossamer("dump", "-o", xml.toString(), metadata).expectStatus(0);
        List<Path> made = new ArrayList<>();
        for (String tool : List.of("restored", "repaired", "shrunk")) {
            Path output = image(tool + ".meta", 8);
            Path data = scratch.resolve(tool + ".data");
            Tool.succeed("cp", "--sparse=always", daemon.data().toString(), data.toString());
            List<String> command = new ArrayList<>(
                    switch (tool) {
                        case "restored" -> List.of("restore", "-i", xml.toString());
                        case "repaired" -> List.of("repair", "-i", metadata);
                        default -> List.of(
                                "shrink", "-i", metadata, "--data", data.toString(), "--nr-blocks", SHRUNK_BLOCKS);
                    });
            command.addAll(List.of("-o", output.toString()));
            gossamer(command.toArray(String[]::new)).expectStatus(0);
            if (tool.equals("shrunk")) {
                try (RandomAccessFile file = new RandomAccessFile(data.toFile(), "rw")) {
                    file.setLength(Long.parseLong(SHRUNK_BLOCKS) << 16);
                }
            }
            guest.withDisk(output).withDisk(data);
            made.add(output);
        }
        return made;
    }

    /** Volumes, snapshots of snapshots, blocks shared, unshared and trimmed, a snapshot and its volume deleted. */
    private static void fill(Daemon daemon) throws Exception {
        daemon.createVolume("vol", "32M");
        daemon.createVolume("sparse", "16M");
        daemon.createVolume("gone", "8M");
        Libnbd.run(
                """
                import random
                r = random.Random(5)
                h = opened(uris[0])
                for at in range(0, h.get_size(), 1 << 20):
                    h.pwrite(r.randbytes(1 << 20), at)
                h.flush()
                """,
                daemon.uri("vol"));
        Libnbd.run(WRITE_MORE, daemon.uri("sparse"), daemon.uri("gone"));
        daemon.createSnapshot("vol", "frozen", "--read-only");
        daemon.createSnapshot("vol", "dropped");
        Libnbd.run(
                """
                import random
                r = random.Random(6)
                h = opened(uris[0])
                for at in range(0, h.get_size(), 2 << 20):
                    h.pwrite(r.randbytes(1 << 20), at)
                h.trim((3 << 20) + 5120, (8 << 20) - 512)
                h.flush()
                """,
                daemon.uri("vol"));
        daemon.createSnapshot("frozen", "again");
        Libnbd.run(WRITE_MORE, daemon.uri("again"), daemon.uri("dropped"));
        daemon.createSnapshot("vol", "late");
        gossamer("snapshot", "delete", "-p", daemon.directory().toString(), "dropped")
                .expectStatus(0);
        Libnbd.run(WRITE_MORE, daemon.uri("vol"));
    }

    @Test
    void aPoolMadeByTheKernelIsReadAndChangedHereAndByTheKernelAgain() throws Exception {
        int blockSectors = 384; // 192 KiB, no power of two
        Path metadata = image("meta.img", 4);
        Path data = image("data.img", 192);

        Map<Long, PoolContents> kernels =
                reported(PoolContents.guest(scratch, "make", blockSectors, metadata, data, Map.of())
                        .run());
        Daemon.thinCheck(metadata);

        try (Daemon daemon = Daemon.adopt(scratch, metadata, data).start()) {
            assertEquals(kernels, PoolContents.of(daemon, kernels), "what the kernel has written");
            Libnbd.run(WRITE_MORE, daemon.uri("thin-0"), daemon.uri("thin-2"));
            daemon.createSnapshot("thin-3", "ours");
            daemon.createVolume("new", "8M");
            Libnbd.run(WRITE_MORE, daemon.uri("ours"), daemon.uri("thin-3"), daemon.uri("new"), daemon.uri("thin-0"));
            Map<Long, PoolContents> ours = PoolContents.of(daemon, kernels);
            Map<Long, String> names = names(daemon);
            unchangedBut(List.of("thin-0", "thin-2", "thin-3"), names, kernels, ours);
            Guest change = PoolContents.guest(scratch, "change", blockSectors, metadata, data, ours)
                    .with("VOLUME", 0)
                    .with("SPARSE", 1)
                    .with("GONE", 3);
            daemon.stop();
            Daemon.thinCheck(metadata);

            kernels = reported(change.run());
            Daemon.thinCheck(metadata);
            unchangedBut(List.of("thin-0", "thin-1", "thin-3"), names, ours, kernels);

            daemon.start();
            assertEquals(kernels, PoolContents.of(daemon, kernels), "what the kernel has written on top");
            daemon.stop();
        }
    }

    /**
     * Nobody has written to the other volumes, so what they hold is the same: no side has written to a block that they
     * share.
     */
    private static void unchangedBut(
            List<String> written,
            Map<Long, String> names,
            Map<Long, PoolContents> before,
            Map<Long, PoolContents> after) {
        before.forEach((id, contents) -> {
            if (!written.contains(names.get(id))) {
                assertEquals(contents, after.get(id), names.get(id));
            }
        });
    }

    private static Map<Long, String> names(Daemon daemon) throws Exception {
        return daemon.volumes().stream()
                .collect(Collectors.toMap(volume -> volume.path("id").asLong(), volume -> volume.path("name")
                        .asText()));
    }

    private Path image(String name, int mebibytes) throws IOException {
        Path file = scratch.resolve(name);
        try (RandomAccessFile image = new RandomAccessFile(file.toFile(), "rw")) {
            image.setLength((long) mebibytes * MIB);
        }
        return file;
    }

    /** What the kernel says in its "contents:" lines; by device id. */
    private static Map<Long, PoolContents> reported(List<String> console) {
        Map<Long, PoolContents> devices = console.stream()
                .filter(line -> line.startsWith("contents: "))
                .map(line -> line.split(" "))
                .collect(Collectors.toMap(
                        words -> Long.valueOf(words[1]),
                        words -> new PoolContents(Long.parseLong(words[2]), words[3]),
                        (one, other) -> one,
                        TreeMap::new));
        assertFalse(devices.isEmpty(), "the guest reports no device");
        return devices;
    }
}
