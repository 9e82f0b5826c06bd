package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Space that runs out, is reserved and comes back, as clients see it (NBD 8.6). The pool has 32 MiB. */
final class SpaceAcceptanceTest {
    @TempDir
    private Path scratch;

    private Daemon daemon;

    @BeforeEach
    void serve() throws Exception {
        daemon = Daemon.create(scratch, "--size", "32M").start();
        daemon.createVolume("vol", "64M");
    }

    @AfterEach
    void stopAndCheck() throws Exception {
        try (Daemon served = daemon) {
            served.stopAndCheck();
        }
    }

    private long mappedBytes(String name) throws Exception {
        for (JsonNode volume : daemon.volumes()) {
            if (volume.path("name").asText().equals(name)) {
                return volume.path("mappedBytes").asLong();
            }
        }
        throw new AssertionError("no volume " + name);
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void trimmingAllGivesAllBackA50() throws Exception {
        Libnbd.run(
                """
                h = opened(uris[0])
                h.pwrite(b"x" * (16 << 20), 0)
                h.trim(h.get_size(), 0)
                h.flush()
                assert h.pread(16 << 20, 0) == bytes(16 << 20)
                """,
                daemon.uri("vol"));
        assertEquals(0, mappedBytes("vol"));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void whatASnapshotNeedsStaysUntilItIsDeletedA51() throws Exception {
        Libnbd.run("h = opened(uris[0]); h.pwrite(b'x' * (16 << 20), 0); h.flush()", daemon.uri("vol"));
        daemon.createSnapshot("vol", "snap");
        Libnbd.run(
                """
                h = opened(uris[0])
                h.trim(16 << 20, 0)
                h.flush()
                s = opened(uris[1])
                assert s.pread(16 << 20, 0) == b"x" * (16 << 20)
                assert error(h.pwrite, b"y" * (24 << 20), 0) == 28, "space of the snapshot was given away"
                h.trim(h.get_size(), 0)
                h.flush()
                """,
                daemon.uri("vol"),
                daemon.uri("snap"));
        Daemon.gossamer("snapshot", "delete", "-p", daemon.directory().toString(), "snap")
                .expectStatus(0);
        Libnbd.run("h = opened(uris[0]); h.pwrite(b'y' * (24 << 20), 0); h.flush()", daemon.uri("vol"));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void unalignedTrimsChangeNoOtherByteA52() throws Exception {
        // A block reads as zeros once trims have covered all its sectors of 4096 bytes (T37a).
        Libnbd.run(
                """
                import random
                r = random.Random(52)
                h = opened(uris[0])
                size = 10 << 20
                block = 64 << 10
                sectors = block // 4096
                model = bytearray(r.randbytes(size))
                trimmed = [set() for _ in range(size // block)]
                h.pwrite(model, 0)
                for i in range(300):
                    offset = 512 * r.randrange(size // 512)
                    length = min(size - offset, 512 * r.randrange(1, 600))
                    h.trim(length, offset)
                    for s in range(-(-offset // 4096), (offset + length) // 4096):
                        b = s // sectors
                        trimmed[b].add(s)
                        if len(trimmed[b]) == sectors:
                            model[b * block:(b + 1) * block] = bytes(block)
                    if i % 50 == 0:
                        assert h.pread(size, 0) == model, i
                assert h.pread(size, 0) == model
                """,
                daemon.uri("vol"));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void trimsThatMeetInsideBlocksFreeThemA52a() throws Exception {
        // Halves in either order; every fourth block is written in between and stays.
        Libnbd.run(
                """
                h = opened(uris[0])
                block = 64 << 10
                half = block // 2
                blocks = (16 << 20) // block
                h.pwrite(b"x" * (blocks * block), 0)
                for b in range(blocks):
                    h.trim(half, b * block + b % 2 * half)
                assert h.pread(blocks * block, 0) == b"x" * (blocks * block)
                for b in range(0, blocks, 4):
                    h.pwrite(b"y" * 4096, b * block)
                for b in range(blocks):
                    h.trim(half, b * block + (1 - b % 2) * half)
                for b in range(blocks):
                    kept = b"y" * 4096 + b"x" * (block - 4096)
                    assert h.pread(block, b * block) == (bytes(block) if b % 4 else kept), b
                h.flush()
                """,
                daemon.uri("vol"));
        assertEquals(4 << 20, mappedBytes("vol"));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void aFullPoolServesWhatNeedsNoSpaceAndRecoversA53() throws Exception {
        Libnbd.run(
                """
                h = opened(uris[0])
                full = 0
                while error(h.pwrite, b"x" * (1 << 20), full) == 0:
                    full += 1 << 20
                assert 28 <= full >> 20 <= 32, full
                assert error(h.pwrite, b"x" * (1 << 20), full) == 28
                h.pwrite(b"z" * 4096, 0)
                assert h.pread(4096, 0) == b"z" * 4096
                h.flush()
                h.trim(2 << 20, 0)
                h.flush()
                h.pwrite(b"w" * (1 << 20), full)
                assert h.pread(1 << 20, full) == b"w" * (1 << 20)
                """,
                daemon.uri("vol"));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void whatNoHoleReservedCanBeWrittenWhenThePoolIsFullA54() throws Exception {
        daemon.createVolume("other", "64M");
        Libnbd.run(
                """
                h = opened(uris[0])
                other = opened(uris[1])
                h.zero(8 << 20, 0, nbd.CMD_FLAG_NO_HOLE)
                at = 0
                while error(other.pwrite, b"x" * 65536, at) == 0:
                    at += 65536
                assert error(other.pwrite, b"x" * 65536, at) == 28
                h.pwrite(b"y" * (8 << 20), 0)
                h.flush()
                assert error(h.pwrite, b"y", 8 << 20) == 28
                """,
                daemon.uri("vol"),
                daemon.uri("other"));
    }

    @Test
    @Execution(ExecutionMode.CONCURRENT)
    void sixtyFourTebibytesWorkFromEndToEndA56() throws Exception {
        daemon.createVolume("huge", "64T");
        Libnbd.run(
                """
                h = opened(uris[0])
                end = h.get_size()
                assert end == 64 << 40
                for offset in (0, end // 2, end - 65536):
                    h.pwrite(bytes([offset >> 41 & 255 | 1]) * 65536, offset)
                h.flush()
                for offset in (0, end // 2, end - 65536):
                    assert h.pread(65536, offset) == bytes([offset >> 41 & 255 | 1]) * 65536
                """,
                daemon.uri("huge"));
        Tool.succeed(
                "qemu-io",
                "-f",
                "raw",
                "-c",
                "read -P 0 " + ((64L << 40) - 131072) + " 64k",
                "-c",
                "read -P 31 " + ((64L << 40) - 65536) + " 64k",
                daemon.uri("huge"));
    }
}
