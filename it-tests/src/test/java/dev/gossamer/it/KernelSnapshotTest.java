package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Classic snapshots go to and fro between this daemon and the kernel's dm-snapshot: what is written here activates
 * there with the same contents, and a merge that began on one side ends on the other.
 */
final class KernelSnapshotTest {
    private static final Duration MERGE_LIMIT = Duration.ofSeconds(60);

    /** Writes of all sizes to the origin and its snapshot. */
    private static final String WRITE =
            """
            import random
            r = random.Random(11)
            for uri in uris:
                h = opened(uri)
                for i in range(60):
                    length = r.choice([4096, 8192, 20480, 65536, 300 * 1024])
                    h.pwrite(r.randbytes(length), 4096 * r.randrange((h.get_size() - length) // 4096))
                h.flush()
            """;

    /** Every other chunk of 8 KiB, so that a merge takes a round for each. */
    private static final String WRITE_SCATTERED =
            """
            import random
            r = random.Random(12)
            h = opened(uris[0])
            for at in range(0, h.get_size(), 16384):
                h.pwrite(r.randbytes(8192), at)
            h.flush()
            """;

    private static final String SUM =
            """
            import hashlib
            h = opened(uris[0])
            sum = hashlib.sha256()
            for at in range(0, h.get_size(), 1 << 20):
                sum.update(h.pread(1 << 20, at))
            print(sum.hexdigest())
            """;

    @TempDir
    private Path scratch;

    private Daemon daemon;

    @Test
    void snapshotsAndMergesOfEitherSideGoOnAtTheOther() throws Exception {
        try (Daemon started = Daemon.create(scratch)) {
            daemon = started.start();
            Path disk = createWithSnapshot("disk", 8);
            Path halfMerged = createWithSnapshot("half", 48);
            Libnbd.run(WRITE, daemon.uri("disk"), daemon.uri("disk@s"));
            Libnbd.run(WRITE_SCATTERED, daemon.uri("half@s"));
            List<String> expected =
                    List.of("origin " + sum("disk"), "snapshot " + sum("disk@s"), "merged " + sum("half@s"));
            // One daemon serves both, so this crash is also that of the first origin.
            gossamer("cow", "merge", "-p", daemon.directory().toString(), "half@s", "--no-wait")
                    .expectStatus(0);
            daemon.kill();
            assertTrue(hasHeader(store("half")), "the merge was over before the daemon was killed");

            List<String> console = new Guest(scratch, "cow.sh")
                    .with(Files.write(scratch.resolve("expected"), expected))
                    .withDisk(disk)
                    .withDisk(store("disk"))
                    .withDisk(halfMerged)
                    .withDisk(store("half"))
                    .run();

            Path record = daemon.directory().resolve("cow.yaml");
            Files.writeString(record, Files.readString(record).replace("\"active\"", "\"merging\""));
            daemon.start();
            assertEquals(changed(console, "snapshot"), sum("disk"), "a merge that the kernel began");
            awaitMerged("disk");
            awaitMerged("half");
            assertEquals(changed(console, "snapshot"), sum("disk"), "a merge that the kernel began, at its end");
            assertEquals(expected.get(2), "merged " + sum("half"), "a merge that the kernel finished");
            daemon.stopAndCheck();
        }
    }

    private Path store(String name) {
        return scratch.resolve(name + ".cow");
    }

    private Path createWithSnapshot(String name, int mebibytes) throws IOException, InterruptedException {
        Path image = scratch.resolve(name + ".img");
        RandomImage.write(image, mebibytes, 3);
        try (RandomAccessFile file = new RandomAccessFile(store(name).toFile(), "rw")) {
            file.setLength((mebibytes + 2L) * RandomImage.MIB);
        }
        String pool = daemon.directory().toString();
        gossamer(
                        "cow",
                        "create",
                        "-p",
                        pool,
                        name + "@s",
                        "--origin",
                        image.toString(),
                        "--store",
                        store(name).toString(),
                        "--chunk-size",
                        "8k")
                .expectStatus(0);
        return image;
    }

    private String sum(String export) throws IOException, InterruptedException {
        return Libnbd.run(SUM, daemon.uri(export)).strip();
    }

    private static String changed(List<String> console, String what) {
        String start = "changed: " + what + " ";
        return console.stream()
                .filter(line -> line.startsWith(start))
                .map(line -> line.substring(start.length()))
                .findFirst()
                .orElseThrow();
    }

    /** The format's magic, "SnAp", of a store that holds a snapshot. */
    private static boolean hasHeader(Path store) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(store.toFile(), "r")) {
            byte[] magic = new byte[4];
            file.readFully(magic);
            return Arrays.equals(magic, new byte[] {'S', 'n', 'A', 'p'});
        }
    }

    private void awaitMerged(String origin) throws IOException, InterruptedException {
        long end = System.nanoTime() + MERGE_LIMIT.toNanos();
        String snapshot = origin + "@s";
        while (gossamer("cow", "status", "-p", daemon.directory().toString(), snapshot)
                        .status()
                == 0) {
            assertTrue(System.nanoTime() - end < 0, () -> snapshot + " is not merged\n" + daemon.logText());
            Thread.sleep(100);
        }
    }
}
