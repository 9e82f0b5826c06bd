package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Pools whose devices are exports of other NBD servers (A70, A71; the small client as a device). */
@Timeout(300)
final class RemotePoolTest {
    private static final int IMAGE_MIB = 64;

    @TempDir
    private Path scratch;

    private final List<NbdProcess> servers = new ArrayList<>();

    private Path sparse(String name, long mebibytes) throws IOException {
        Path file = scratch.resolve(name);
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(mebibytes << 20);
        }
        return file;
    }

    private static String uri(Path socket) {
        return "nbd+unix:///?socket=" + socket;
    }

    private NbdProcess qemuNbd(Path socket, Path file) throws Exception {
        return serve(
                socket, List.of("qemu-nbd", "-t", "-f", "raw", "-e", "8", "-k", socket.toString(), file.toString()));
    }

    private NbdProcess nbdkit(Path socket, String... plugin) throws Exception {
        List<String> command = new ArrayList<>(List.of("nbdkit", "-f", "-U", socket.toString()));
        command.addAll(List.of(plugin));
        return serve(socket, command);
    }

    private NbdProcess serve(Path socket, List<String> command) throws Exception {
        NbdProcess server = NbdProcess.start(socket, command);
        servers.add(server);
        return server;
    }

    @AfterEach
    void endServers() {
        servers.forEach(NbdProcess::kill);
    }

    private static String mode(Daemon daemon) throws Exception {
        return Daemon.gossamer("status", "-p", daemon.directory().toString(), "--json")
                .expectStatus(0)
                .out();
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void dataOnNbdkitIsCopiedVerifiedAndChecked() throws Exception {
        Path socket = scratch.resolve("data.sock");
        Path metadata = sparse("metadata", 64);
        Path image = scratch.resolve("image");
        Path copy = scratch.resolve("copy");
        RandomImage.write(image, IMAGE_MIB, 11);
        nbdkit(socket, "file", sparse("disk", 256).toString());
        try (Daemon daemon = Daemon.create(scratch, "--data", uri(socket), "--metadata", metadata.toString())) {
            daemon.start();
            daemon.createVolume("vol", "1G");
            Tool.succeed("nbdcopy", "--flush", image.toString(), daemon.uri("vol"));
            daemon.createSnapshot("vol", "snap");
            Tool.succeed("nbdcopy", "--flush", "--destination-is-zero", image.toString(), daemon.uri("vol"));
            daemon.stop();
            daemon.start();
            Tool.succeed("qemu-img", "convert", "-O", "raw", daemon.uri("snap"), copy.toString());
            assertEquals(-1, Files.mismatch(image, cut(copy)), "the snapshot, after a restart");
            daemon.stop();
            Daemon.thinCheck(metadata);
            assertEquals(2, ThinDump.of(metadata).size() - 1, "volumes besides the catalog");
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void metadataMayBeRemoteToo() throws Exception {
        Path data = scratch.resolve("data.sock");
        Path metadata = scratch.resolve("metadata.sock");
        Path metadataFile = sparse("metadata", 64);
        Path image = scratch.resolve("image");
        Path copy = scratch.resolve("copy");
        RandomImage.write(image, 8, 12);
        nbdkit(data, "memory", "128M");
        nbdkit(metadata, "file", metadataFile.toString());
        try (Daemon daemon = Daemon.create(scratch, "--data", uri(data), "--metadata", uri(metadata))) {
            daemon.start();
            daemon.createVolume("vol", "64M");
            Tool.succeed("nbdcopy", "--flush", image.toString(), daemon.uri("vol"));
            daemon.stop();
            daemon.start();
            Tool.succeed("nbdcopy", daemon.uri("vol"), copy.toString());
            assertEquals(-1, Files.mismatch(image, cut(copy)));
            daemon.stop();
            Daemon.thinCheck(metadataFile);
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void aPoolOutlivesItsServersDeathInTheMiddleOfWriting() throws Exception {
        Path socket = scratch.resolve("data.sock");
        Path metadata = sparse("metadata", 64);
        Path disk = sparse("disk", 256);
        Path image = scratch.resolve("image");
        Path copy = scratch.resolve("copy");
        RandomImage.write(image, IMAGE_MIB, 13);
        NbdProcess server = qemuNbd(socket, disk);
        try (Daemon daemon = Daemon.create(scratch, "--data", uri(socket), "--metadata", metadata.toString())) {
            daemon.start();
            daemon.createVolume("vol", "1G");
            Process copying = new ProcessBuilder(
                            "nbdcopy", "--flush", "--requests=8", image.toString(), daemon.uri("vol"))
                    .inheritIO()
                    .start();
            try {
                for (int i = 0; i < 5; i++) {
                    TimeUnit.MILLISECONDS.sleep(60);
                    server.kill();
                    server = qemuNbd(socket, disk);
                }
                assertTrue(copying.waitFor(60, TimeUnit.SECONDS), "nbdcopy hangs");
            } finally {
                Tool.end(copying);
            }
            assertEquals(0, copying.exitValue(), "nbdcopy");
            assertTrue(daemon.logText().contains("connected again"), "the server died too late to be noticed");
            assertTrue(mode(daemon).contains("\"rw\""), () -> "the pool is not degraded");
            Tool.succeed("nbdcopy", daemon.uri("vol"), copy.toString());
            assertEquals(-1, Files.mismatch(image, cut(copy)));
            daemon.stop();
            Daemon.thinCheck(metadata);
        }
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void whatCannotBeReachedOrUsedIsSaidInOneLine() throws Exception {
        Path metadata = sparse("metadata", 64);
        refused("cannot connect", "nbd+unix:///?socket=" + scratch.resolve("none"), metadata.toString());
        refused("scheme must be nbd or nbds", "nbd+smoke://host/x", metadata.toString());
        refused("scheme must be nbd or nbds", "nbdx://host/x", metadata.toString());
        Path socket = scratch.resolve("data.sock");
        nbdkit(socket, "-r", "memory", "128M");
        refused("read-only", uri(socket), metadata.toString());
        endServers();
        nbdkit(socket, "memory", "128M");
        refused("named twice", uri(socket), uri(socket));
        endServers();
        nbdkit(socket, "memory", "60k");
        refused("less than one block", uri(socket), metadata.toString());
        endServers();
    }

    private void refused(String why, String data, String metadata) throws Exception {
        Path pool = scratch.resolve("refused");
        Tool.Result result = Daemon.gossamer("pool", "create", pool.toString(), "--data", data, "--metadata", metadata);
        result.expectRefused();
        assertEquals(1, result.errorLines().size(), result::toString);
        assertTrue(result.err().contains(why), result::toString);
        assertFalse(Files.exists(pool), "left behind");
    }

    /** The copy of a volume, cut to the length of the image that was written to its beginning. */
    private Path cut(Path copy) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(copy.toFile(), "rw")) {
            file.setLength(Files.size(scratch.resolve("image")));
        }
        return copy;
    }

    /** Longer than the data device would be waited for: nothing fails, status says what is wrong, and work goes on. */
    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void metadataThatWereAwayAreNoReasonToFail() throws Exception {
        Path socket = scratch.resolve("metadata.sock");
        Path disk = sparse("metadata-disk", 64);
        NbdProcess server = nbdkit(socket, "file", disk.toString());
        Path data = sparse("data", 64);
        try (Daemon daemon = Daemon.create(scratch, "--data", data.toString(), "--metadata", uri(socket))) {
            daemon.start();
            daemon.createVolume("vol", "16M");
            server.kill();
            Process writer = new ProcessBuilder(
                            "qemu-io", "-f", "raw", "-c", "write -P 5 0 1M", "-c", "flush", daemon.uri("vol"))
                    .redirectErrorStream(true)
                    .redirectOutput(scratch.resolve("writer.log").toFile())
                    .start();
            long begin = System.nanoTime();
            String status = mode(daemon);
            while (status.contains("\"stalledSeconds\" : 0.0")) {
                TimeUnit.MILLISECONDS.sleep(200);
                status = mode(daemon);
            }
            String shown = Daemon.gossamer("status", "-p", daemon.directory().toString())
                    .out();
            assertTrue(shown.contains("bring its server back"), shown);
            TimeUnit.NANOSECONDS.sleep(TimeUnit.SECONDS.toNanos(33) - (System.nanoTime() - begin));
            assertTrue(writer.isAlive(), "the writer was answered, with what?");
            nbdkit(socket, "file", disk.toString());
            assertEquals(0, writer.waitFor(), () -> "see writer.log");
            assertTrue(mode(daemon).contains("\"mode\" : \"rw\""), () -> daemon.logText());
            Tool.succeed("qemu-io", "-f", "raw", "-c", "read -P 5 0 1M", daemon.uri("vol"));
            daemon.stop();
            Daemon.thinCheck(disk);
        }
    }
}
