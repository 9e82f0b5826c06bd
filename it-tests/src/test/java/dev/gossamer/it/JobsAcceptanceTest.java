package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static dev.gossamer.it.RandomImage.MIB;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.io.posix.LoopDevices;
import dev.gossamer.io.sim.Seeds;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What jobs do to a pool whose clients go on: space that moves, with data that stays right, and figures to be looked
 * at. {@code -Djobs.full=true} takes the sizes that figures are told of: a pool of 1 GiB with 50 snapshots, images of
 * 200 MiB; otherwise a quarter of that or less.
 */
@Tag("measures")
@Timeout(value = 2, unit = TimeUnit.HOURS) // at full size
final class JobsAcceptanceTest {
    private static final boolean FULL = Boolean.getBoolean("jobs.full");
    private static final int BLOCK = 64 << 10;
    private static final int CATALOG_BLOCKS = 2;
    private static final int COPIES = 10;
    private static final int ORDERED_MIB = FULL ? 256 : 32;

    @TempDir
    private Path scratch;

    /**
     * Volumes of all kinds and many snapshots, scattered over the device: shrunk to 1.05 of what is used, put in order
     * and deduped, while two clients write and verify. Then the kernel takes the pool, and reads the same.
     */
    @Test
    void aScatteredPoolIsShrunkPutInOrderAndDedupedUnderVerifiedWrites() throws Exception {
        int poolMib = FULL ? 1024 : 256;
        int volumeMib = FULL ? 64 : 16;
        int snapshots = FULL ? 50 : 10;
        try (Daemon daemon = Daemon.create(scratch, "--size", poolMib + "M").start()) {
            List<String> volumes = scatter(daemon, volumeMib, snapshots);
            final Map<Long, PoolContents> before = PoolContents.of(daemon, Map.of());
            FioClients alone = new FioClients(daemon);
            alone.round();
            final double usual = alone.p99();

            FioClients clients = new FioClients(daemon);
            clients.start();
            long used = status(daemon, "dataUsedBytes");
            long target = Math.ceilDiv((long) (used * 1.05), BLOCK) * BLOCK;
            job(daemon, "pool", "shrink", "--data", Long.toString(target));
            assertEquals(target, status(daemon, "dataBytes"));
            for (String volume : volumes) {
                job(daemon, "defragment", volume);
            }
            job(daemon, "dedupe");
            clients.finish();
            System.out.printf(
                    "shrunk from %d MiB to %d, %d used, %d now; p99 of clients %.2f ms, alone %.2f ms, ratio %.2f%n",
                    poolMib,
                    target / MIB,
                    used / MIB,
                    status(daemon, "dataUsedBytes") / MIB,
                    clients.p99(),
                    usual,
                    clients.p99() / usual);

            Map<Long, PoolContents> after = PoolContents.of(daemon, before);
            for (JsonNode volume : daemon.volumes()) {
                long id = volume.path("id").asLong();
                if (!volume.path("name").asText().startsWith("client")) {
                    assertEquals(
                            before.get(id), after.get(id), volume.path("name").asText());
                }
            }
            daemon.stopAndCheck();
            PoolContents.guest(scratch, "read", BLOCK / 512, daemon.metadata(), daemon.data(), after)
                    .withLimit(FULL ? 3000 : 600)
                    .run();
            Daemon.thinCheck(daemon.metadata());
        }
    }

    /** Blocks of several volumes by turns, with snapshots in between, some of which are deleted again. */
    private static List<String> scatter(Daemon daemon, int volumeMib, int snapshots) throws Exception {
        SplittableRandom random = Seeds.splittable(3);
        List<String> volumes = List.of("a", "b", "c");
        for (String volume : volumes) {
            daemon.createVolume(volume, volumeMib + "M");
        }
        daemon.createVolume("client0", "8M");
        daemon.createVolume("client1", "8M");
        for (int i = 0; i < snapshots + 6; i++) {
            for (int j = 0; j < volumeMib; j++) {
                String volume = volumes.get(random.nextInt(volumes.size()));
                byte[] data = new byte[BLOCK / 2 + random.nextInt(BLOCK)];
                Arrays.fill(data, (byte) random.nextInt(20)); // many are equal, and some are zeros
                write(daemon, volume, random.nextLong(volumeMib * MIB - data.length), data);
            }
            write(daemon, "client" + i % 2, (long) random.nextInt(7) * MIB, new byte[MIB]);
            daemon.createSnapshot(volumes.get(i % volumes.size()), "s" + i);
        }
        for (int i = 0; i < 6; i++) {
            gossamer("snapshot", "delete", "-p", daemon.directory().toString(), "s" + i * 2)
                    .expectStatus(0);
        }
        return volumes;
    }

    private static void write(Daemon daemon, String volume, long at, byte[] data) throws IOException {
        try (NbdConnection connection = NbdConnection.open(daemon.socket(), volume)) {
            connection.writeNow(at, data);
        }
    }

    private static long status(Daemon daemon, String field) throws Exception {
        Tool.Result result =
                gossamer("status", "--json", "-p", daemon.directory().toString());
        return new JsonMapper()
                .readTree(result.expectStatus(0).out())
                .path(field)
                .asLong();
    }

    /** Runs a command that starts a job, to its end. */
    private static void job(Daemon daemon, String... command) throws Exception {
        List<String> line = new ArrayList<>(List.of(command));
        line.addAll(List.of("-p", daemon.directory().toString()));
        Tool.Result result = Daemon.gossamer(Duration.ofMinutes(30), line.toArray(String[]::new));
        System.out.println(
                String.join(" ", command) + ": " + result.expectStatus(0).out().strip());
    }

    /** Two clients that write at random and verify, round by round. */
    private final class FioClients {
        private final Daemon daemon;
        private final List<Thread> threads = new ArrayList<>();
        private final List<Double> percentiles = new ArrayList<>();
        private volatile boolean finishing;
        private volatile Throwable failure;

        FioClients(Daemon daemon) {
            this.daemon = daemon;
        }

        void start() {
            for (int i = 0; i < 2; i++) {
                int client = i;
                threads.add(Thread.ofPlatform().daemon().start(() -> {
                    try {
                        do {
                            run(client);
                        } while (!finishing);
                    } catch (Exception | AssertionError e) {
                        failure = e;
                    }
                }));
            }
        }

        /** One round of both. */
        void round() throws Exception {
            start();
            finish();
        }

        void finish() throws InterruptedException {
            finishing = true;
            for (Thread thread : threads) {
                thread.join();
            }
            if (failure != null) {
                throw new AssertionError("a client", failure);
            }
        }

        private void run(int client) throws Exception {
            Path result = scratch.resolve("fio-" + client + ".json");
            Tool.run(
                            Duration.ofMinutes(5),
                            List.of(
                                    "fio",
                                    "--name=client" + client,
                                    "--ioengine=nbd",
                                    "--uri=" + daemon.uri("client" + client),
                                    "--size=8m",
                                    "--rw=randwrite",
                                    "--bs=4k",
                                    "--iodepth=4",
                                    "--io_size=16m",
                                    "--verify=crc32c",
                                    "--verify_fatal=1",
                                    "--verify_backlog=64",
                                    "--verify_state_save=0",
                                    "--randseed=" + (5 + client),
                                    "--output-format=json",
                                    "--output=" + result))
                    .expectStatus(0);
            JsonNode write = new JsonMapper()
                    .readTree(result.toFile())
                    .path("jobs")
                    .path(0)
                    .path("write");
            synchronized (percentiles) {
                percentiles.add(write.path("clat_ns")
                                .path("percentile")
                                .path("99.000000")
                                .asDouble()
                        / 1e6);
            }
        }

        /** The middle one of all rounds', in milliseconds. */
        double p99() {
            List<Double> sorted = percentiles.stream().sorted().toList();
            return sorted.get(sorted.size() / 2);
        }
    }

    /**
     * Ten copies of one ext4 image, of which each has some sectors of its own: dedupe gives back 0.98 of what counting
     * equal blocks says, at least.
     */
    @Test
    void dedupeFindsWhatCountingEqualBlocksFinds() throws Exception {
        int imageMib = FULL ? 200 : 16;
        byte[] image = fileSystem(imageMib);
        SplittableRandom random = Seeds.splittable(4);
        Set<String> distinct = new HashSet<>();
        long stored = 0;
        try (Daemon daemon =
                Daemon.create(scratch, "--size", (COPIES * imageMib + 64) + "M").start()) {
            for (int copy = 0; copy < COPIES; copy++) {
                byte[] its = image.clone();
                for (int i = 0; i < imageMib / 4; i++) {
                    byte[] sector = new byte[512];
                    random.nextBytes(sector);
                    System.arraycopy(sector, 0, its, random.nextInt(its.length / 512) * 512, 512);
                }
                daemon.createVolume("copy" + copy, imageMib + "M");
                store(daemon, "copy" + copy, its);
                stored += its.length / BLOCK;
                addBlocks(its, distinct);
            }
            long before = settled(daemon);
            job(daemon, "dedupe");
            long after = settled(daemon);
            long ideal = (long) distinct.size() + CATALOG_BLOCKS;
            double share = (double) (before - after) / (before - ideal);
            System.out.printf(
                    "dedupe of %d copies of %d MiB: %d blocks before, %d after, ideal %d: %.4f of it%n",
                    COPIES, imageMib, before, after, ideal, share);
            assertTrue(before >= stored, before + " blocks used, " + stored + " written");
            assertTrue(share >= 0.98, "only " + share + " of the ideal");
            byte[] first = new byte[image.length];
            readAll(daemon, "copy0", first);
            addBlocks(first, distinct);
            assertEquals(ideal - CATALOG_BLOCKS, distinct.size(), "a copy has a block that nobody wrote");
            daemon.stopAndCheck();
        }
    }

    private byte[] fileSystem(int mebibytes) throws Exception {
        Path files = Files.createDirectories(scratch.resolve("files"));
        SplittableRandom random = Seeds.splittable(5);
        for (int i = 0; i < mebibytes; i++) {
            byte[] content = new byte[random.nextInt(MIB)];
            random.nextBytes(content);
            Files.write(files.resolve("file" + i), content);
        }
        Path image = scratch.resolve("golden.img");
        Tool.succeed("mkfs.ext4", "-q", "-d", files.toString(), image.toString(), mebibytes + "M");
        return Files.readAllBytes(image);
    }

    private static void store(Daemon daemon, String volume, byte[] bytes) throws IOException {
        try (NbdConnection connection = NbdConnection.open(daemon.socket(), volume)) {
            for (int at = 0; at < bytes.length; at += MIB) {
                connection.writeNow(at, Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + MIB)));
            }
        }
    }

    private static void readAll(Daemon daemon, String volume, byte[] bytes) throws IOException {
        try (NbdConnection connection = NbdConnection.open(daemon.socket(), volume)) {
            for (int at = 0; at < bytes.length; at += MIB) {
                int length = Math.min(MIB, bytes.length - at);
                System.arraycopy(connection.readNow(at, length), 0, bytes, at, length);
            }
        }
    }

    private static void addBlocks(byte[] bytes, Set<String> distinct) throws Exception {
        byte[] zeros = new byte[BLOCK];
        for (int at = 0; at < bytes.length; at += BLOCK) {
            byte[] block = Arrays.copyOfRange(bytes, at, at + BLOCK);
            if (!Arrays.equals(block, zeros)) {
                distinct.add(HexFormat.of()
                        .formatHex(MessageDigest.getInstance("SHA-256").digest(block)));
            }
        }
    }

    /** Blocks in use once what was freed is free. */
    private static long settled(Daemon daemon) throws Exception {
        long used = -1;
        for (long now = status(daemon, "dataUsedBytes"); now != used; now = status(daemon, "dataUsedBytes")) {
            used = now;
            Thread.sleep(1500);
        }
        return used / BLOCK;
    }

    /** A volume that was written here and there by turns with another: reads of the disk, and how fast it is read. */
    @Test
    void aVolumeThatWasPutInOrderIsReadInFewerPieces() throws Exception {
        Path disk = LoopDevices.attach(
                sparse("disk", 3 * ORDERED_MIB)); // or skipped: the system counts the reads of a block device
        try {
            readInOrder(disk);
        } finally {
            LoopDevices.detach(disk);
        }
    }

    private Path sparse(String name, int mebibytes) throws IOException {
        Path path = scratch.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength((long) mebibytes * MIB);
        }
        return path;
    }

    private void readInOrder(Path disk) throws Exception {
        try (Daemon daemon = Daemon.create(
                        scratch,
                        "--data",
                        disk.toString(),
                        "--metadata",
                        sparse("metadata", 16).toString())
                .start()) {
            scatterTwo(daemon);
            Reading scattered = Reading.of(daemon, disk);
            final long pieces = pieces(daemon);
            job(daemon, "defragment", "a");
            Reading ordered = Reading.of(daemon, disk);
            System.out.printf(
                    "sequential reads of %d MiB: %.2f disk I/Os a MiB and %.0f MB/s before, %.2f and %.0f after; in %d"
                            + " runs, and in %d%n",
                    ORDERED_MIB,
                    scattered.readsPerMib,
                    scattered.megabytesPerSecond,
                    ordered.readsPerMib,
                    ordered.megabytesPerSecond,
                    pieces,
                    pieces(daemon));
            assertTrue(pieces >= ORDERED_MIB * MIB / BLOCK, pieces + " pieces");
            assertTrue(pieces(daemon) <= ORDERED_MIB / 4 + 1, pieces(daemon) + " pieces");
            assertTrue(scattered.readsPerMib >= MIB / BLOCK, "each block is a read: " + scattered.readsPerMib);
            assertTrue(ordered.readsPerMib <= scattered.readsPerMib / 4, ordered.readsPerMib + " reads a MiB");
            assertTrue(Arrays.equals(scattered.bytes, ordered.bytes));
            daemon.stop();
            Daemon.thinCheck(scratch.resolve("metadata"));
        }
    }

    private static void scatterTwo(Daemon daemon) throws Exception {
        daemon.createVolume("a", ORDERED_MIB + "M");
        daemon.createVolume("b", ORDERED_MIB + "M");
        SplittableRandom random = Seeds.splittable(6);
        byte[] block = new byte[BLOCK];
        try (NbdConnection a = NbdConnection.open(daemon.socket(), "a");
                NbdConnection b = NbdConnection.open(daemon.socket(), "b")) {
            int blocks = ORDERED_MIB * MIB / BLOCK;
            for (int i = 0; i < blocks; i++) {
                random.nextBytes(block);
                a.writeNow((long) (i * 7 % blocks) * BLOCK, block);
                if (i % 2 == 0) {
                    b.writeNow((long) i * BLOCK, block);
                }
            }
        }
    }

    /** All of a volume, read from its start to its end. */
    private static final class Reading {
        private final byte[] bytes;
        private final double readsPerMib;
        private final double megabytesPerSecond;

        private Reading(byte[] bytes, double readsPerMib, double megabytesPerSecond) {
            this.bytes = bytes;
            this.readsPerMib = readsPerMib;
            this.megabytesPerSecond = megabytesPerSecond;
        }

        /** The best of several rounds: what else the machine does makes it slower, never faster. */
        static Reading of(Daemon daemon, Path disk) throws Exception {
            byte[] bytes = new byte[ORDERED_MIB * MIB];
            long before = LoopDevices.reads(disk);
            readAll(daemon, "a", bytes);
            double reads = (double) (LoopDevices.reads(disk) - before) / ORDERED_MIB;
            double best = 0;
            for (int round = 0; round < 5; round++) {
                long began = System.nanoTime();
                readAll(daemon, "a", bytes);
                best = Math.max(best, bytes.length / 1e6 / ((System.nanoTime() - began) / 1e9));
            }
            return new Reading(bytes, reads, best);
        }
    }

    private static long pieces(Daemon daemon) throws Exception {
        Tool.Result result = gossamer("volume", "show", "-p", daemon.directory().toString(), "a", "--space", "--json");
        return new JsonMapper()
                .readTree(result.expectStatus(0).out())
                .path("runs")
                .asLong();
    }
}
