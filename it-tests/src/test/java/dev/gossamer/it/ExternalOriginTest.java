package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code volume create --origin}: volumes that begin as what a file or another server's export holds (C-2, X-1 to X-4).
 */
@Timeout(300)
final class ExternalOriginTest {
    private static final int ORIGIN_MIB = 8;
    private static final int ORIGIN_BYTES = ORIGIN_MIB << 20;

    @TempDir
    private Path scratch;

    private Path golden() throws Exception {
        Path image = scratch.resolve("golden.img");
        RandomImage.write(image, ORIGIN_MIB, 5);
        return image;
    }

    private static Tool.Result create(Daemon daemon, String name, String origin) throws Exception {
        return Daemon.gossamer(
                "volume", "create", "-p", daemon.directory().toString(), name, "--size", "16M", "--origin", origin);
    }

    @Test
    void aFileShowsThroughUntilItIsOverwritten() throws Exception {
        Path golden = golden();
        byte[] before = Files.readAllBytes(golden);
        try (Daemon daemon = Daemon.create(scratch).start()) {
            create(daemon, "vm", golden.toString()).expectStatus(0);
            assertOverwritten(daemon, before);
            daemon.stop();
            assertExtractedKnowingly(daemon, golden);
            daemon.start();
            assertEquals(
                    golden.toString(),
                    daemon.volumes().getFirst().path("externalOrigin").asText());
            assertMixed(daemon, before);
            daemon.stopAndCheck();
        }
        assertArrayEquals(before, Files.readAllBytes(golden), "only ever read (X-4)");
    }

    /** Zeros in place of what the origin has would be taken for the volume's contents. */
    private void assertExtractedKnowingly(Daemon daemon, Path golden) throws Exception {
        Path file = scratch.resolve("extracted");
        String pool = daemon.directory().toString();
        Tool.Result refused = Daemon.gossamer("extract", "--thin", "0", "-o", file.toString(), pool);
        assertRefused(refused, "is over the external origin " + golden);
        assertTrue(Files.notExists(file));
        Daemon.gossamer("extract", "--without-origin", "--thin", "0", "-o", file.toString(), pool)
                .expectStatus(0);
        byte[] own = Files.readAllBytes(file);
        assertArrayEquals(filled(), Arrays.copyOfRange(own, 1000, 1000 + filled().length));
    }

    @Test
    void anExportOfAnotherServerShowsThroughUntilItIsOverwritten() throws Exception {
        Path golden = golden();
        byte[] before = Files.readAllBytes(golden);
        Path socket = scratch.resolve("golden.sock");
        NbdProcess server = NbdProcess.start(
                socket, List.of("qemu-nbd", "-r", "-t", "-f", "raw", "-e", "8", "-k", "" + socket, "" + golden));
        try (Daemon daemon = Daemon.create(scratch).start()) {
            create(daemon, "vm", "nbd+unix:///?socket=" + socket).expectStatus(0);
            assertOverwritten(daemon, before);
            daemon.stop();
            daemon.start();
            assertMixed(daemon, before);
            daemon.stopAndCheck();
        } finally {
            server.kill();
        }
    }

    private static void assertOverwritten(Daemon daemon, byte[] before) throws Exception {
        try (NbdConnection client = NbdConnection.open(daemon.socket(), "vm")) {
            assertArrayEquals(before, client.readNow(0, ORIGIN_BYTES));
            assertArrayEquals(new byte[4096], client.readNow(ORIGIN_BYTES, 4096), "zeroes behind its end");
            // Not whole blocks: their rest has to come from the origin.
            client.writeNow(1000, filled());
            client.flushNow();
        }
        assertMixed(daemon, before);
    }

    private static void assertMixed(Daemon daemon, byte[] before) throws Exception {
        byte[] expected = before.clone();
        System.arraycopy(filled(), 0, expected, 1000, filled().length);
        try (NbdConnection client = NbdConnection.open(daemon.socket(), "vm")) {
            assertArrayEquals(expected, client.readNow(0, ORIGIN_BYTES));
        }
    }

    private static byte[] filled() {
        byte[] bytes = new byte[100_000];
        Arrays.fill(bytes, (byte) 9);
        return bytes;
    }

    /**
     * C-2: neither by another name of a device nor by another way to a socket does a volume come to lie over its own
     * pool.
     */
    @Test
    void thePoolItselfIsNoOriginByWhateverName() throws Exception {
        try (Daemon daemon = Daemon.create(scratch).start("--listen", "tcp:127.0.0.1:0")) {
            daemon.createVolume("vol", "16M");
            Path data = Files.createSymbolicLink(scratch.resolve("innocent"), daemon.data());
            Path metadata = Files.createLink(scratch.resolve("harmless"), daemon.metadata());
            Path socket = Files.createSymbolicLink(scratch.resolve("other.sock"), daemon.socket());
            assertRefused(create(daemon, "a", data.toString()), data + " is the pool's own data device");
            assertRefused(create(daemon, "b", metadata.toString()), metadata + " is the pool's own metadata device");
            assertRefused(create(daemon, "c", daemon.uri("vol")), "is served by this pool itself");
            assertRefused(create(daemon, "d", "nbd+unix:///vol?socket=" + socket), "is served by this pool itself");
            assertRefused(
                    create(daemon, "e", "nbd://localhost:" + daemon.tcpPort() + "/vol"),
                    "is served by this pool itself");
            assertRefused(create(daemon, "f", scratch.resolve("nothing").toString()), "nothing");
            assertEquals(1, daemon.volumes().size());
            daemon.stopAndCheck();
        }
    }

    private static void assertRefused(Tool.Result result, String why) {
        result.expectRefused();
        assertEquals(1, result.errorLines().size(), result::toString);
        assertTrue(result.err().contains(why), result::toString);
    }
}
