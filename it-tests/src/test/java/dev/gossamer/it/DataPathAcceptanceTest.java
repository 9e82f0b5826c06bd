package dev.gossamer.it;

import static dev.gossamer.it.Tool.succeed;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reading and writing with libnbd, qemu and nbdcopy (NBD 8.2). One daemon; each test has a volume of its own. */
final class DataPathAcceptanceTest {
    @TempDir
    private static Path scratch;

    private static Daemon daemon;

    @BeforeAll
    static void serve() throws Exception {
        daemon = Daemon.create(scratch, "--size", "1G").start("--listen", "tcp:127.0.0.1:0");
    }

    @AfterAll
    static void stop() throws Exception {
        try (Daemon served = daemon) {
            served.stopAndCheck();
        }
    }

    private static String volume(String name) throws Exception {
        daemon.createVolume(name, "64M");
        return daemon.uri(name);
    }

    private static long mappedBytes(String name) throws Exception {
        for (JsonNode volume : daemon.volumes()) {
            if (volume.path("name").asText().equals(name)) {
                return volume.path("mappedBytes").asLong();
            }
        }
        throw new AssertionError("no volume " + name);
    }

    @Test
    void whatIsWrittenIsReadBackAHundredTimesA20() throws Exception {
        Libnbd.run(
                """
                h = opened(uris[0])
                for i in range(100):
                    b = bytes((x + i) % 256 for x in range(256)) * 4096
                    h.pwrite(b, 0)
                    assert h.pread(len(b), 0) == b
                    h.flush()
                """,
                volume("a20"));
    }

    @Test
    void errorsAreTheProtocolsAndTheConnectionStaysA21() throws Exception {
        String uri = volume("a21");
        daemon.createSnapshot("a21", "a21-ro", "--read-only");
        Libnbd.run(
                """
                h = opened(uris[0], strict=False)
                end = h.get_size()
                assert error(h.pread, 512, end) == 22
                assert error(h.pread, 512, end - 1) == 22
                assert error(h.pwrite, bytes(512), end - 1) == 28
                assert error(h.trim, 512, end) == 22
                assert error(h.zero, 512, end) == 28
                assert error(h.cache, 512, end) == 22
                assert error(h.trim, 512, 0, 0x8000) == 22
                assert h.pread(512, 0) == bytes(512)
                r = opened(uris[1], strict=False)
                for call in ((r.pwrite, b"x", 0), (r.trim, 4096, 0), (r.zero, 4096, 0)):
                    assert error(*call) == 1, call
                assert r.pread(512, 0) == bytes(512)
                """,
                uri,
                daemon.uri("a21-ro"));
    }

    @Test
    void emptyRequestsAreAnsweredA22() throws Exception {
        Libnbd.run(
                """
                h = opened(uris[0], strict=False)
                for call in ((h.pread, 0, 0), (h.pwrite, b"", 0), (h.trim, 0, 0), (h.zero, 0, 0), (h.cache, 0, 0)):
                    assert error(*call) == 0, call
                h.pwrite(b"alive", 0)
                assert h.pread(5, 0) == b"alive"
                h.cache(h.get_size(), 0)
                """,
                volume("a22"));
    }

    /**
     * Two processes, alternate halves of the same sectors of 1024 bytes: each sees its own writes and no other's (T47).
     */
    @Test
    void unalignedWritesOfTwoClientsDoNotLoseEachOtherA23() throws Exception {
        String uri = volume("a23");
        String writer =
                """
                import random
                mine = int(uris[1])
                h = opened(uris[0])
                r = random.Random(mine)
                model = {}
                for i in range(1500):
                    sector = 2 * r.randrange(200) + mine
                    model[sector] = bytes([1 + r.randrange(255)]) * 512
                    h.pwrite(model[sector], sector * 512)
                for sector in range(mine, 400, 2):
                    assert h.pread(512, sector * 512) == model.get(sector, bytes(512)), sector
                """;
        CompletableFuture<String> even = CompletableFuture.supplyAsync(() -> quietly(writer, uri, "0"));
        quietly(writer, uri, "1");
        even.join();
    }

    private static String quietly(String script, String... arguments) {
        try {
            return Libnbd.run(script, arguments);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** libnbd puts the reply together from its chunks: data where something is mapped, holes elsewhere (T18). */
    @Test
    void aReadOverMappedAndUnmappedBlocksNamesItsHoles() throws Exception {
        Libnbd.run(
                """
                h = opened(uris[0])
                block = 64 << 10
                h.pwrite(b"a" * block, 2 * block)
                h.pwrite(b"b" * 512, 5 * block)
                chunks = []
                def chunk(data, offset, status, err):
                    chunks.append((status, offset // block, len(data)))
                data = h.pread_structured(8 * block, 0, chunk)
                assert data == bytes(2 * block) + b"a" * block + bytes(2 * block) + b"b" * 512 + bytes(3 * block - 512)
                d, z = nbd.READ_DATA, nbd.READ_HOLE
                assert [c[:2] for c in chunks] == [(z, 0), (d, 2), (z, 3), (d, 5), (z, 6)], chunks
                chunks.clear()
                assert h.pread_structured(8 * block, 0, chunk, nbd.CMD_FLAG_DF) == data
                assert [c[:2] for c in chunks] == [(d, 0)], chunks
                """,
                volume("holes"));
    }

    @Test
    void aRestoreMapsWhatTheImageHasA27() throws Exception {
        Path image = scratch.resolve("a27.img");
        Path back = scratch.resolve("a27.back");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(64 << 20);
            for (int mebibyte = 0; mebibyte < 64; mebibyte += 8) {
                file.seek((long) mebibyte << 20);
                file.write(new byte[1 << 20], 0, 1);
                byte[] data = new byte[1 << 20];
                java.util.Arrays.fill(data, (byte) (mebibyte + 1));
                file.seek((long) mebibyte << 20);
                file.write(data);
            }
        }
        String zeroed = volume("a27-zero");
        String plain = volume("a27-plain");
        succeed("nbdcopy", "--destination-is-zero", "--flush", image.toString(), zeroed);
        succeed("qemu-io", "-f", "raw", "-c", "write -P 99 0 64M", plain);
        succeed("nbdcopy", "--flush", image.toString(), plain);
        assertEquals(8 << 20, mappedBytes("a27-zero"));
        assertEquals(8 << 20, mappedBytes("a27-plain"), "zeros of the image gave no space back");
        succeed("nbdcopy", plain, back.toString());
        assertEquals(-1, Files.mismatch(image, back));
        succeed("qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), zeroed);
    }

    @Test
    void twoContextsInOneConnectionA28() throws Exception {
        String uri = volume("a28");
        String script =
                """
                h = opened(uris[0], contexts=("base:allocation", "qemu:allocation-depth"))
                seen = {}
                def extents(context, offset, entries, err):
                    seen[context] = entries
                h.block_status(4 * 65536, 0, extents)
                assert len(seen) == 2, seen
                for entries in seen.values():
                    assert sum(entries[0::2]) == 4 * 65536, seen
                print(seen["qemu:allocation-depth"][1])
                """;
        Libnbd.run("opened(uris[0]).pwrite(b'x' * 4 * 65536, 0)", uri);
        assertEquals("1", Libnbd.run(script, uri).strip());
        daemon.createSnapshot("a28", "a28-snap");
        assertEquals("2", Libnbd.run(script, uri).strip(), "shared with the snapshot");
        Libnbd.run("opened(uris[0]).pwrite(b'y' * 4 * 65536, 0)", uri);
        assertEquals("1", Libnbd.run(script, uri).strip(), "its own again");
    }

    @Test
    void fastZeroIsFastOrRefusedA30() throws Exception {
        String uri = volume("a30");
        succeed("qemu-io", "-f", "raw", "-c", "write -P 7 0 2M", uri);
        Libnbd.run(
                """
                h = opened(uris[0])
                fast, no_hole = nbd.CMD_FLAG_FAST_ZERO, nbd.CMD_FLAG_NO_HOLE
                assert error(h.zero, 1 << 20, 0, fast | no_hole) == 95
                assert h.pread(1 << 20, 0) == b"\\x07" * (1 << 20)
                h.zero(1 << 20, 0, fast)
                assert h.pread(1 << 20, 0) == bytes(1 << 20)
                """,
                uri);
        assertEquals(1 << 20, mappedBytes("a30"));
        succeed("qemu-io", "-f", "raw", "-c", "write -z 0 1M", uri);
        assertEquals(2 << 20, mappedBytes("a30"), "NO_HOLE allocates");
    }

    /** A header in single bytes, then a hundred requests in one segment (A38). */
    @Test
    void anyCuttingOfTheStreamIsUnderstoodA38() throws Exception {
        volume("a38");
        try (NbdConnection client = NbdConnection.open(daemon.socket(), "a38")) {
            java.nio.ByteBuffer header = header(77, 512);
            while (header.hasRemaining()) {
                client.write(java.nio.ByteBuffer.wrap(new byte[] {header.get()}));
            }
            assertEquals(new NbdConnection.Reply(77, 0), client.readReply());
            client.read(512);
            java.nio.ByteBuffer many = java.nio.ByteBuffer.allocate(100 * 28);
            for (int i = 0; i < 100; i++) {
                many.put(header(i, 16));
            }
            client.write(many.flip());
            java.util.BitSet answered = new java.util.BitSet();
            for (int i = 0; i < 100; i++) {
                NbdConnection.Reply reply = client.readReply();
                assertEquals(0, reply.error());
                client.read(16);
                answered.set((int) reply.cookie());
            }
            assertEquals(100, answered.cardinality());
        }
    }

    private static java.nio.ByteBuffer header(long cookie, int lengthBytes) {
        return java.nio.ByteBuffer.allocate(28)
                .putInt(NbdConnection.REQUEST_MAGIC)
                .putShort((short) 0)
                .putShort((short) NbdConnection.READ)
                .putLong(cookie)
                .putLong(0)
                .putInt(lengthBytes)
                .flip();
    }

    @Test
    void fourConnectionsCopyOneImageA45() throws Exception {
        String uri = volume("a45");
        Path image = scratch.resolve("a45.img");
        RandomImage.write(image, 64, 45);
        long before = opened("a45");
        // nbdcopy opens no more connections than it has threads, and by default it has one for each processor.
        succeed("nbdcopy", "--threads=4", "--connections=4", "--requests=64", "--flush", image.toString(), uri);
        assertEquals(4, opened("a45") - before, "connections that nbdcopy opened");
        succeed("qemu-img", "compare", "-f", "raw", "-F", "raw", image.toString(), uri);
    }

    private static long opened(String export) {
        return daemon.logText()
                .lines()
                .filter(line -> line.contains("export opened name=" + export + " "))
                .count();
    }

    @Test
    void fioVerifiesWithFourJobsThatFlushAlwaysA46() throws Exception {
        Tool.Result result = Tool.run(
                "fio",
                "--name=a46",
                "--ioengine=nbd",
                "--uri=" + volume("a46"),
                "--rw=randwrite",
                "--bs=4k",
                "--size=512k",
                "--offset_increment=1m",
                "--numjobs=4",
                "--fsync=1",
                "--verify=crc32c",
                "--verify_fatal=1",
                "--verify_state_save=0",
                "--randseed=46");
        result.expectStatus(0);
        assertNotEquals("", result.out());
    }
}
