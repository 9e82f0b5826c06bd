package dev.gossamer.it;

import static dev.gossamer.it.SectorModel.SECTOR_BYTES;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.sim.Seeds;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * SIGKILL under load. Whatever an answered FLUSH or FUA covered is there after a restart, the metadata needs no repair
 * before it, and snapshots keep the contents of the moment when they were taken.
 */
final class KillTest {
    private static final int SECTORS = 64 * 1024 * 1024 / SECTOR_BYTES;
    private static final int SECTORS_MAX_PER_WRITE = 320; // 160 KiB: touches up to four data blocks
    private static final int IN_FLIGHT_MAX = 12;
    private static final int REQUESTS_MIN = 100;
    private static final int REQUESTS_MAX = 2500;
    private static final int CHUNK_BYTES = 1 << 20;

    @TempDir
    private Path scratch;

    @ParameterizedTest(name = "seed {0}")
    @ValueSource(longs = {1, 2})
    void flushedWritesSurviveAKill(long seed) throws Exception {
        SplittableRandom random = Seeds.splittable(seed);
        SectorModel model = new SectorModel(seed, SECTORS);
        Map<String, byte[]> snapshots = new HashMap<>();
        try (Daemon daemon = Daemon.create(scratch).start()) {
            daemon.createVolume("vol", "64M");
            Load load = new Load(model, random);
            for (int round = 0; round < 5; round++) {
                load.runUntilKilled(daemon);
                Daemon.thinCheck(daemon.metadata());
                daemon.start();

                byte[] image = readAll(daemon, "vol");
                model.verifyAndAdopt(0, image);
                String name = "round-" + round;
                daemon.createSnapshot("vol", name);
                snapshots.put(name, image);
                if (round == 3) {
                    // its blocks become free, or exclusive to the others, while the load of the last round goes on
                    Daemon.gossamer(
                                    "snapshot",
                                    "delete",
                                    "-p",
                                    daemon.directory().toString(),
                                    "round-1")
                            .expectStatus(0);
                    snapshots.remove("round-1");
                }
            }
            for (Map.Entry<String, byte[]> snapshot : snapshots.entrySet()) {
                int wrong = java.util.Arrays.mismatch(snapshot.getValue(), readAll(daemon, snapshot.getKey()));
                assertEquals(-1, wrong, () -> "seed " + seed + ": first wrong byte of snapshot " + snapshot.getKey());
            }
            daemon.stopAndCheck();
        }
    }

    private static byte[] readAll(Daemon daemon, String export) throws IOException {
        byte[] image = new byte[SECTORS * SECTOR_BYTES];
        try (NbdConnection connection = NbdConnection.open(daemon.socket(), export)) {
            for (int offset = 0; offset < image.length; offset += CHUNK_BYTES) {
                System.arraycopy(connection.readNow(offset, CHUNK_BYTES), 0, image, offset, CHUNK_BYTES);
            }
        }
        return image;
    }

    /**
     * Random writes, FUA writes and flushes on one connection, several in flight, until the server is killed in the
     * middle.
     */
    private static final class Load {
        private final SectorModel model;
        private final SplittableRandom random;
        private final Map<Long, Request> inFlight = new HashMap<>();
        private int generation;
        private long cookie;

        /** The sectors it writes, and what its answer means to the model. */
        private record Request(int first, int count, Runnable answered) {}

        Load(SectorModel model, SplittableRandom random) {
            this.model = model;
            this.random = random;
        }

        void runUntilKilled(Daemon daemon) throws Exception {
            inFlight.clear();
            int requests = random.nextInt(REQUESTS_MIN, REQUESTS_MAX);
            try (NbdConnection connection = NbdConnection.open(daemon.socket(), "vol")) {
                for (int i = 0; i < requests; i++) {
                    if (inFlight.size() >= random.nextInt(1, IN_FLIGHT_MAX + 1)) {
                        receive(connection);
                    }
                    send(connection);
                }
                daemon.kill();
            }
        }

        private void send(NbdConnection connection) throws IOException {
            cookie++;
            if (random.nextInt(20) == 0) {
                int[] covered = model.acknowledgedNow();
                inFlight.put(cookie, new Request(0, 0, () -> model.flushed(covered)));
                connection.send(NbdConnection.FLUSH, 0, cookie, 0, 0);
                return;
            }
            int count = random.nextInt(1, random.nextInt(4) == 0 ? SECTORS_MAX_PER_WRITE : 17);
            int first = random.nextInt(SECTORS - count);
            if (overlapsOneInFlight(first, count)) {
                return; // the order of overlapping requests in flight is nobody's promise
            }
            boolean fua = random.nextInt(16) == 0;
            int written = ++generation;
            model.submit(written, first, count);
            Runnable answered = fua
                    ? () -> model.acknowledgeDurable(written, first, count)
                    : () -> model.acknowledge(written, first, count);
            inFlight.put(cookie, new Request(first, count, answered));
            connection.sendWrite(
                    fua ? NbdConnection.FLAG_FUA : 0,
                    cookie,
                    (long) first * SECTOR_BYTES,
                    model.contents(written, first, count));
        }

        private boolean overlapsOneInFlight(int first, int count) {
            return inFlight.values().stream()
                    .anyMatch(other -> other.first < first + count && first < other.first + other.count);
        }

        private void receive(NbdConnection connection) throws IOException {
            NbdConnection.Reply reply = connection.readReply();
            assertEquals(0, reply.error(), "errno of a write or flush");
            inFlight.remove(reply.cookie()).answered.run();
        }
    }
}
