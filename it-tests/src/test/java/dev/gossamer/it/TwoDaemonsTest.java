package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/**
 * Two daemons that want one pool, as on two machines: each reaches the same images by servers of its own (OP-10 to
 * OP-12, OP-17).
 */
@Timeout(300)
final class TwoDaemonsTest {
    private static final int OTHER_DAEMON = 3;
    private static final Duration END_LIMIT = Duration.ofSeconds(100);

    @TempDir
    private Path scratch;

    private final List<NbdProcess> servers = new ArrayList<>();
    private final List<Daemon> daemons = new ArrayList<>();
    private Path metadata;
    private Path data;

    @AfterEach
    void end() throws Exception {
        for (Daemon daemon : daemons) {
            daemon.close();
        }
        servers.forEach(NbdProcess::kill);
    }

    private void makeImages() throws IOException {
        metadata = sparse("metadata.img", 16);
        data = sparse("data.img", 128);
    }

    private Path sparse(String name, long mebibytes) throws IOException {
        Path file = scratch.resolve(name);
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(mebibytes << 20);
        }
        return file;
    }

    /** One machine's way to an image. qemu-nbd would lock it against the other machine's. */
    private final class Way {
        private final Path socket;
        private final Path image;
        private NbdProcess server;

        Way(String name, Path image) throws Exception {
            this.socket = scratch.resolve(name + ".sock");
            this.image = image;
            open();
        }

        void open() throws Exception {
            String node = "driver=raw,file.driver=file,file.locking=off,file.filename=" + image;
            server = NbdProcess.start(
                    socket, List.of("qemu-nbd", "-t", "-e", "8", "-k", socket.toString(), "--image-opts", node));
            servers.add(server);
        }

        void cut() {
            server.kill();
        }

        String uri() {
            return "nbd+unix:///?socket=" + socket;
        }
    }

    private Daemon create(String name, String metadataDevice, String dataDevice) throws Exception {
        Path home = Files.createDirectory(scratch.resolve(name));
        Daemon daemon = Daemon.create(home, "--metadata", metadataDevice, "--data", dataDevice);
        daemons.add(daemon);
        return daemon;
    }

    /** The first daemon, with a volume, both devices remote. */
    private Daemon remotePool() throws Exception {
        Daemon a = create("a", new Way("a-metadata", metadata).uri(), new Way("a-data", data).uri())
                .start();
        a.createVolume("vol", "64M");
        return a;
    }

    private Daemon adopt(String name, String metadataDevice, String dataDevice) throws Exception {
        Path pool = Files.createDirectory(scratch.resolve(name)).resolve("pool");
        Daemon.gossamer("pool", "adopt", pool.toString(), "--metadata", metadataDevice, "--data", dataDevice)
                .expectStatus(0);
        Daemon daemon = Daemon.of(pool);
        daemons.add(daemon);
        return daemon;
    }

    private static void qemuIo(Daemon daemon, String... commands) throws Exception {
        List<String> line = new ArrayList<>(List.of("qemu-io", "-f", "raw"));
        for (String command : commands) {
            line.addAll(List.of("-c", command));
        }
        line.add(daemon.uri("vol"));
        Tool.Result result = Tool.succeed(line.toArray(String[]::new));
        assertFalse(result.out().contains("verification failed"), result::toString);
    }

    /** Writes what nobody flushes; the client stays, as one that disconnects in good order may flush. */
    private static Process writeUnflushed(Daemon daemon) throws Exception {
        return new ProcessBuilder("qemu-io", "-f", "raw", "-t", "writeback", daemon.uri("vol"))
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    private void endsAsOther(Daemon loser) throws Exception {
        assertEquals(OTHER_DAEMON, loser.awaitEnd(END_LIMIT), loser::logText);
        assertTrue(loser.logText().contains("another daemon has used this pool"), loser::logText);
    }

    /**
     * The story of section A.3, with whatever devices: the winner's flushed megabyte is there, and no repair is needed.
     */
    private void winnerKeepsWhatItFlushed(Daemon winner) throws Exception {
        qemuIo(winner, "read -P 0xbb 0 1M", "read -P 0xaa 1M 1M");
        assertTrue(winner.isRunning());
        winner.stop();
        Daemon.thinCheck(metadata);
        winner.start();
        qemuIo(winner, "read -P 0xbb 0 1M", "read -P 0xaa 1M 1M");
        winner.stop();
        Daemon.thinCheck(metadata);
    }

    private Process fill(Daemon first) throws Exception {
        first.createVolume("vol", "64M");
        qemuIo(first, "write -P 0x11 0 1M", "write -P 0xaa 1M 1M", "flush");
        Process writer = writeUnflushed(first);
        // Kept by the daemon: of mapped blocks, and of new ones, whose commit follows after a second.
        writer.outputWriter().write("write -P 0x22 0 64k\nwrite -P 0x33 256k 64k\nwrite -P 0x44 8M 1M\n");
        writer.outputWriter().flush();
        TimeUnit.MILLISECONDS.sleep(200);
        return writer;
    }

    private static void takeOver(Daemon second) throws Exception {
        second.start();
        qemuIo(second, "write -P 0xbb 0 1M", "flush");
    }

    /** While the first daemon is away, however it came to that. */
    private interface Absence {
        void begin() throws Exception;

        void end() throws Exception;
    }

    /** Somebody else takes the pool while its owner is away, with writes that nobody has flushed. */
    private void takenWhileAway(Daemon a, Absence absence) throws Exception {
        Process writer = fill(a);
        try {
            absence.begin();
            Daemon b;
            try {
                b = adopt("b", new Way("b-metadata", metadata).uri(), new Way("b-data", data).uri());
                takeOver(b);
            } finally {
                absence.end();
            }
            endsAsOther(a);
            winnerKeepsWhatItFlushed(b);
        } finally {
            Tool.end(writer);
        }
    }

    private static Absence cutOff(Way... ways) {
        return new Absence() {
            @Override
            public void begin() {
                for (Way way : ways) {
                    way.cut();
                }
            }

            @Override
            public void end() throws Exception {
                for (Way way : ways) {
                    way.open();
                }
            }
        };
    }

    private static Absence stopped(Daemon daemon) {
        return new Absence() {
            @Override
            public void begin() throws Exception {
                Tool.succeed("kill", "-STOP", Long.toString(daemon.pid()));
            }

            @Override
            public void end() throws Exception {
                Tool.succeed("kill", "-CONT", Long.toString(daemon.pid()));
            }
        };
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void a3TheLoserReconnectsLateAndEndsBeforeItRepeatsAnything() throws Exception {
        makeImages();
        Way metadataOfA = new Way("a-metadata", metadata);
        Way dataOfA = new Way("a-data", data);
        takenWhileAway(create("a", metadataOfA.uri(), dataOfA.uri()).start(), cutOff(metadataOfA, dataOfA));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void a3WithLocalMetadata() throws Exception {
        makeImages();
        Way dataOfA = new Way("a-data", data);
        takenWhileAway(create("a", metadata.toString(), dataOfA.uri()).start(), cutOff(dataOfA));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void anOwnerThatStoodStillWithLocalDataEndsWhenItGoesOn() throws Exception {
        makeImages();
        Daemon a = create("a", new Way("a-metadata", metadata).uri(), data.toString())
                .start();
        takenWhileAway(a, stopped(a));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void aSecondServeIsRefusedWithTheOwnersNameAndChangesNothing() throws Exception {
        makeImages();
        Daemon a = remotePool();
        qemuIo(a, "write -P 0x11 0 1M", "flush");
        Daemon.gossamer(
                        "cow",
                        "create",
                        "-p",
                        a.directory().toString(),
                        "disk",
                        "--origin",
                        sparse("disk", 8).toString())
                .expectStatus(0);
        Daemon.gossamer("cow", "create", "-p", a.directory().toString(), "disk@now", "--transient")
                .expectStatus(0);
        Daemon b = adopt("b", new Way("b-metadata", metadata).uri(), new Way("b-data", data).uri());
        Files.copy(a.directory().resolve("cow.yaml"), b.directory().resolve("cow.yaml"));
        TimeUnit.SECONDS.sleep(2); // the first one commits what it has
        byte[] before = Files.readAllBytes(metadata);
        Set<String> files = filesOf(b);
        Tool.Result second = Daemon.gossamer("serve", b.directory().toString());
        second.expectStatus(OTHER_DAEMON);
        assertTrue(second.err().contains("another daemon has the pool: host "), second::toString);
        assertTrue(second.err().contains(", process " + a.pid() + ","), second::toString);
        assertArrayEquals(before, Files.readAllBytes(metadata));
        assertEquals(files, filesOf(b));
        assertArrayEquals(
                Files.readAllBytes(a.directory().resolve("cow.yaml")),
                Files.readAllBytes(b.directory().resolve("cow.yaml")));
        assertTrue(a.isRunning());
        qemuIo(a, "read -P 0x11 0 1M");
        assertTrue(Daemon.gossamer("cow", "list", "-p", a.directory().toString())
                .expectStatus(0)
                .out()
                .contains("disk@now"));
        a.stop();
        Daemon.thinCheck(metadata);
    }

    private static Set<String> filesOf(Daemon daemon) throws IOException {
        try (Stream<Path> files = Files.list(daemon.directory())) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
        }
    }

    /** OP-12: nobody waits for a pool that was closed, nor for a process of this machine that has gone. */
    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void aCleanRestartAndOneAfterAKillWaitForNothing() throws Exception {
        makeImages();
        Daemon a = remotePool();
        qemuIo(a, "write -P 0x11 0 1M", "flush");
        a.stop();
        Daemon.thinCheck(metadata);
        a.start();
        qemuIo(a, "read -P 0x11 0 1M", "write -P 0x12 0 1M", "flush");
        a.kill();
        Daemon.thinCheck(metadata);
        a.start();
        qemuIo(a, "read -P 0x12 0 1M");
        a.stop();
        assertFalse(a.logText().contains("looking again in"), a::logText);
        assertEquals(3, count(a.logText(), "without high availability"), "OP-17: one warning at each start");
    }

    private static int count(String text, String word) {
        return text.split(word, -1).length - 1;
    }

    /** OP-11: a slot of which both halves are damaged is none, and the claim waits; one torn half does not matter. */
    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void aTornSlotIsSurvived() throws Exception {
        makeImages();
        Daemon a = remotePool();
        a.stop();
        byte[] image = Files.readAllBytes(data);
        long slot = -1;
        for (int at = 0; at < image.length; at += 512) {
            if (new String(image, at, 8, java.nio.charset.StandardCharsets.US_ASCII).equals("GOSSOWN1")) {
                slot = slot < 0 ? at : slot;
            }
        }
        assertTrue(slot >= 0, "there is no owner slot");
        for (long half : new long[] {slot, slot + 512}) {
            overwrite(half + 200, new byte[] {1, 2, 3});
            a.start();
            a.stop();
        }
        assertFalse(a.logText().contains("looking again in"), a::logText);
        overwrite(slot, new byte[1024]);
        a.start();
        assertTrue(a.logText().contains("looking again in"), a::logText);
        a.stop();
        Daemon.thinCheck(metadata);
    }

    private void overwrite(long at, byte[] bytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(data.toFile(), "rw")) {
            file.seek(at);
            file.write(bytes);
        }
    }

    /** A pool made by the kernel gets an owner slot when a device of it is served remotely, and not before. */
    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void anAdoptedPoolGetsItsSlotOnlyWhenSomethingIsRemote() throws Exception {
        Fixture fixture = Fixture.thinPools()
                .filter(each -> each.toString().contains("04-snapshots"))
                .findFirst()
                .orElseThrow();
        metadata = fixture.unpackMetadata(scratch.resolve("metadata.img"));
        data = fixture.unpackData(scratch.resolve("data.img"));
        byte[] asMade = Files.readAllBytes(metadata);
        Daemon local = adopt("local", metadata.toString(), data.toString());
        local.start();
        local.stop();
        assertArrayEquals(asMade, Files.readAllBytes(metadata));
        Daemon remote = adopt("remote", new Way("metadata", metadata).uri(), new Way("data", data).uri());
        remote.start();
        remote.stop();
        Daemon.thinCheck(metadata);
        assertEquals(fixture.mappings().size() + 1, ThinDump.of(metadata).size(), "the catalog");
        // What has been served remotely once may be again: the slot is kept up.
        local.start();
        Tool.Result second = Daemon.gossamer("serve", remote.directory().toString());
        second.expectStatus(OTHER_DAEMON);
        local.stop();
        Daemon.thinCheck(metadata);
    }
}
