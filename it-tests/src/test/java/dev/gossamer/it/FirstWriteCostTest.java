package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the first write to a chunk of an origin costs under one and under eight classic snapshots, beside the kernel's
 * target: bytes read and written. The kernel reads the old contents for each snapshot, we read them once (S-O3).
 */
final class FirstWriteCostTest {
    private static final int WRITES = 64;
    private static final int CHUNK_BYTES = 4096;

    /** What else the daemon may write to disk meanwhile: its log. */
    private static final long SLACK_BYTES = 64 << 10;

    private static final String WRITE =
            """
            h = opened(uris[0])
            for i in range(%d):
                h.pwrite(bytes(4096), 4096 * i)
            h.flush()
            """
                    .formatted(WRITES);

    private record Cost(long readBytes, long writtenBytes) {
        Cost minus(Cost other) {
            return new Cost(readBytes - other.readBytes, writtenBytes - other.writtenBytes);
        }

        @Override
        public String toString() {
            return readBytes / WRITES + " bytes read, " + writtenBytes / WRITES + " written";
        }
    }

    @TempDir
    private Path scratch;

    @Test
    void aFirstWriteMovesNoMoreThanTheKernelDoes() throws Exception {
        Path origin = scratch.resolve("origin");
        RandomImage.write(origin, 8, 5);
        Path stores = scratch.resolve("stores");
        try (RandomAccessFile file = new RandomAccessFile(stores.toFile(), "rw")) {
            file.setLength(32 * RandomImage.MIB);
        }
        List<String> kernel = new Guest(scratch, "cow-cost.sh")
                .with("WRITES", WRITES)
                .withDisk(origin)
                .withDisk(stores)
                .run();
        for (int snapshots : new int[] {1, 8}) {
            Cost theirs = kernelCost(kernel, snapshots);
            Cost ours = ourCost(snapshots);
            System.out.println("first write of a 4 KiB chunk, " + snapshots + " snapshot(s): here " + ours
                    + "; the kernel " + theirs);
            assertTrue(ours.readBytes <= (long) WRITES * CHUNK_BYTES + SLACK_BYTES, "the origin is read once: " + ours);
            assertTrue(ours.writtenBytes <= theirs.writtenBytes + SLACK_BYTES, ours + " and the kernel " + theirs);
        }
    }

    private Cost ourCost(int snapshots) throws Exception {
        Path directory = Files.createDirectory(scratch.resolve("with-" + snapshots));
        try (Daemon daemon = Daemon.create(directory)) {
            daemon.start();
            Path image = directory.resolve("disk.img");
            RandomImage.write(image, 8, 6);
            for (int i = 0; i < snapshots; i++) {
                Path store = directory.resolve("store" + i);
                try (RandomAccessFile file = new RandomAccessFile(store.toFile(), "rw")) {
                    file.setLength(4 * RandomImage.MIB);
                }
                gossamer(
                                "cow",
                                "create",
                                "-p",
                                daemon.directory().toString(),
                                "disk@s" + i,
                                "--origin",
                                image.toString(),
                                "--store",
                                store.toString(),
                                "--chunk-size",
                                "4k")
                        .expectStatus(0);
            }
            Cost before = movedBy(daemon.pid());
            Libnbd.run(WRITE, daemon.uri("disk"));
            Cost cost = movedBy(daemon.pid()).minus(before);
            daemon.stopAndCheck();
            return cost;
        }
    }

    /** Bytes that a process has had read from and written to disks. */
    private static Cost movedBy(long pid) throws IOException {
        long read = 0;
        long written = 0;
        for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/io"))) {
            if (line.startsWith("read_bytes: ")) {
                read = Long.parseLong(line.substring("read_bytes: ".length()));
            } else if (line.startsWith("write_bytes: ")) {
                written = Long.parseLong(line.substring("write_bytes: ".length()));
            }
        }
        return new Cost(read, written);
    }

    private static Cost kernelCost(List<String> console, int snapshots) {
        String start = "cost: " + snapshots + " ";
        String[] figures = console.stream()
                .filter(line -> line.startsWith(start))
                .map(line -> line.substring(start.length()).split(" "))
                .findFirst()
                .orElseThrow();
        return new Cost(Long.parseLong(figures[0]), Long.parseLong(figures[1]));
    }
}
