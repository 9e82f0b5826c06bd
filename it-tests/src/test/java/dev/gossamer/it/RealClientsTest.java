package dev.gossamer.it;

import static dev.gossamer.it.Tool.succeed;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * NBD clients of other projects against a served pool. After each test the pool must stop cleanly and pass {@code
 * thin_check}.
 */
final class RealClientsTest {
    private static final long GIB = 1L << 30;

    @TempDir
    private Path scratch;

    private Daemon daemon;

    @BeforeEach
    void serveOneVolume() throws Exception {
        daemon = Daemon.create(scratch);
        daemon.start();
        daemon.createVolume("vol", "1G");
    }

    @AfterEach
    void stopAndCheck() throws Exception {
        try (Daemon served = daemon) {
            served.stopAndCheck();
        }
    }

    private JsonNode nbdinfo(String export) throws IOException, InterruptedException {
        String json = succeed("nbdinfo", "--json", daemon.uri(export)).out();
        return new ObjectMapper().readTree(json).path("exports").path(0);
    }

    @Test
    void nbdinfoReportsSizesAndFlags() throws Exception {
        daemon.createSnapshot("vol", "frozen", "--read-only");

        JsonNode volume = nbdinfo("vol");
        JsonNode frozen = nbdinfo("frozen");

        assertEquals(GIB, volume.path("export-size").asLong());
        assertEquals(GIB, frozen.path("export-size").asLong());
        assertFalse(volume.path("is_read_only").asBoolean(true));
        assertTrue(frozen.path("is_read_only").asBoolean(false));
        for (String flag : List.of("can_flush", "can_fua", "can_trim", "can_zero", "can_multi_conn")) {
            assertTrue(volume.path(flag).asBoolean(false), flag);
        }
    }

    @Test
    void listsShowEveryExportAndNothingElse() throws Exception {
        daemon.createVolume("other", "10M");
        daemon.createSnapshot("vol", "snap");
        Set<String> expected = Set.of("vol", "other", "snap");

        String json = succeed("nbdinfo", "--list", "--json", daemon.uri("")).out();
        Set<String> fromNbdinfo = new ObjectMapper()
                .readTree(json).path("exports").findValuesAsText("export-name").stream()
                        .collect(Collectors.toSet());
        Set<String> fromNbdClient = succeed(
                        "nbd-client", "-unix", daemon.socket().toString(), "-l")
                .out()
                .lines()
                .map(line -> line.replaceFirst(": .*", "").strip()) // a description may follow the name
                .filter(line -> !line.isEmpty() && !line.startsWith("Negotiation"))
                .collect(Collectors.toSet());

        assertEquals(expected, fromNbdinfo);
        assertEquals(expected, fromNbdClient);
    }

    @Test
    void qemuIoReadsBackUnalignedWritesDiscardsAndZeroes() throws Exception {
        qemuIo("write -P 5 513 1", "read -P 5 513 1", "read -P 0 0 513", "read -P 0 514 64k");
        qemuIo("write -P 6 4095 2", "read -P 6 4095 2", "read -P 0 4097 4k", "read -P 5 513 1");
        // across the boundary of two data blocks, one of them not mapped yet
        qemuIo("write -P 7 65000 2000", "read -P 7 65000 2000", "read -P 0 67000 100");
        qemuIo("write -P 8 1M 4M", "discard 2M 1M", "read -P 8 1M 1M", "read -P 0 2M 1M", "read -P 8 3M 2M");
        qemuIo("write -z 1000001 123457", "read -P 0 1000001 123457", "read -P 8 1123458 100000");
        qemuIo("write -z -u 3M 64k", "read -P 0 3M 64k", "read -P 8 3136k 64k");
        qemuIo("write -f -P 9 10M 512", "flush", "read -P 9 10M 512");
        qemuIo("write -P 10 1073741312 512", "read -P 10 1073741312 512");
    }

    private void qemuIo(String... commands) throws IOException, InterruptedException {
        Tool.Result result = qemuIoResult("vol", commands);
        result.expectStatus(0);
        // qemu-io may report a wrong pattern only in words
        assertFalse(result.out().contains("verification failed"), result::toString);
        assertFalse(result.out().contains("failed:"), result::toString);
    }

    private Tool.Result qemuIoResult(String export, String... commands) throws IOException, InterruptedException {
        List<String> line = new java.util.ArrayList<>(List.of("qemu-io", "-f", "raw"));
        for (String command : commands) {
            line.add("-c");
            line.add(command);
        }
        line.add(daemon.uri(export));
        return Tool.run(Tool.LIMIT, line);
    }

    @Test
    void discardGivesBlocksBack() throws Exception {
        qemuIo("write -P 1 0 16M", "flush");
        long before = mappedBytes("vol");

        qemuIo("discard 4M 8M", "flush");

        assertEquals(16L << 20, before);
        assertEquals(8L << 20, mappedBytes("vol"));
    }

    private long mappedBytes(String name) throws IOException, InterruptedException {
        return daemon.volumes().stream()
                .filter(volume -> volume.path("name").asText().equals(name))
                .findFirst()
                .orElseThrow()
                .path("mappedBytes")
                .asLong(-1);
    }

    @Test
    void snapshotMayBeWrittenUnlessReadOnly() throws Exception {
        qemuIo("write -P 1 0 1M", "flush");
        daemon.createSnapshot("vol", "writable");
        daemon.createSnapshot("vol", "frozen", "--read-only");

        qemuIo("write -P 2 0 64k");
        qemuIoResult("writable", "read -P 1 0 1M", "write -P 3 64k 64k", "read -P 3 64k 64k")
                .expectStatus(0);
        Tool.Result refused = qemuIoResult("frozen", "write -P 4 0 512");

        assertNotEquals(0, refused.status(), refused::toString);
        qemuIo("read -P 2 0 64k", "read -P 1 64k 960k");
        succeed("qemu-io", "-r", "-f", "raw", "-c", "read -P 1 0 1M", daemon.uri("frozen"));
    }

    @Test
    void nbdcopyAndQemuImgMoveImagesInAndOut() throws Exception {
        daemon.createVolume("small", "64M");
        Path in = scratch.resolve("in.img");
        Path out = scratch.resolve("out.img");
        RandomImage.write(in, 64, 64);

        succeed("nbdcopy", "--flush", in.toString(), daemon.uri("small"));
        succeed("nbdcopy", daemon.uri("small"), out.toString());

        assertEquals(-1, Files.mismatch(in, out));
        succeed("qemu-img", "compare", "-f", "raw", "-F", "raw", in.toString(), daemon.uri("small"));

        RandomImage.write(in, 64, 65);
        succeed(
                "qemu-img",
                "convert",
                "-n",
                "-W",
                "-m",
                "16",
                "-f",
                "raw",
                "-O",
                "raw",
                in.toString(),
                daemon.uri("small"));
        succeed("qemu-img", "compare", "-f", "raw", "-F", "raw", in.toString(), daemon.uri("small"));
    }

    @Test
    void fioVerifiesMixedSizesAtDepth() throws Exception {
        fio("write", "--rw=randwrite", "--bsrange=512-256k", "--blockalign=512", "--fsync=32");
        // the same extents again: they are mapped now
        fio("rewrite", "--rw=randwrite", "--bs=4k");
        fio("sequential", "--rw=write", "--bs=128k");
    }

    private void fio(String name, String... options) throws IOException, InterruptedException {
        List<String> line = new java.util.ArrayList<>(List.of(
                "fio",
                "--name=" + name,
                "--ioengine=nbd",
                "--uri=" + daemon.uri("vol"),
                "--size=64m",
                "--iodepth=16",
                "--verify=crc32c",
                "--verify_fatal=1",
                "--verify_state_save=0",
                "--randseed=29"));
        line.addAll(List.of(options));
        Tool.run(Tool.LIMIT, line).expectStatus(0);
    }

    @Test
    void unknownExportIsRefusedWhileOthersGoOn() throws Exception {
        try (NbdConnection other = NbdConnection.open(daemon.socket(), "vol")) {
            other.writeNow(0, new byte[] {1, 2, 3});

            Tool.Result refused = Tool.run("nbdinfo", "--size", daemon.uri("nope"));

            assertNotEquals(0, refused.status(), refused::toString);
            assertEquals(2, other.readNow(0, 3)[1]);
        }
        assertEquals(GIB, nbdinfo("vol").path("export-size").asLong());
    }
}
