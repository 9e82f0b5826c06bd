package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static dev.gossamer.it.RandomImage.MIB;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A pool is filled to its last block under load (S-2, S-5, RS-4, NBD T38): a real kernel's ext4 waits for space, a
 * volume whose blocks are all there is written to all the while, and nobody sees an error.
 */
final class GuestFullPoolTest {
    private static final int PREALLOCATED_MIB = 16;
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(90);

    @TempDir
    private Path scratch;

    @Test
    void ext4WaitsForSpaceWhileAPreallocatedVolumeIsWrittenAndGoesOnWhenThePoolGrows() throws Exception {
        Path noise = scratch.resolve("noise");
        RandomImage.write(noise, 8, 21);
        try (Daemon daemon = Daemon.create(scratch, "--size", "64M")) {
            // for ever: how long the machine takes until the pool is grown must not matter
            Files.writeString(
                    daemon.directory().resolve("pool.yaml"),
                    "on-full: queue\non-full-timeout: 0s\n",
                    StandardOpenOption.APPEND);
            daemon.start("--listen", "tcp:127.0.0.1:0");
            daemon.createVolume("ext", "256M");
            daemon.createVolume("pre", PREALLOCATED_MIB + "M");
            Libnbd.run(
                    "h = opened(uris[0]); h.zero(h.get_size(), 0, nbd.CMD_FLAG_NO_HOLE); h.flush()", daemon.uri("pre"));
            UnixDomainSocketAddress socket = UnixDomainSocketAddress.of(daemon.socket());
            VerifyingClient first = VerifyingClient.start(socket, "pre", 0, 4 * MIB, 22);
            VerifyingClient second = VerifyingClient.start(socket, "pre", 4 * MIB, 4 * MIB, 23);
            AtomicBoolean grown = new AtomicBoolean();

            new Guest(scratch, "full-pool.sh")
                    .connectedTo(daemon)
                    .with("VOLUME", "ext")
                    .with("FILES", 24)
                    .with(noise)
                    .on("guest: the writing begins", () -> {
                        growWhenFull(daemon);
                        grown.set(true);
                    })
                    .run();

            assertTrue(grown.get(), "the pool was never full");
            first.finish();
            second.finish();
            JsonNode status = status(daemon);
            assertEquals("rw", status.path("mode").asText(), "mode at the end");
            assertEquals(0, status.path("requestsWaitingForSpace").asInt(-1), "requests that still wait");
            daemon.stopAndCheck();
        }
    }

    private static void growWhenFull(Daemon daemon) throws Exception {
        long end = System.nanoTime() + PATIENCE_NANOS;
        JsonNode status = status(daemon);
        // blocks that were given out count as used when their data is there, a moment after the first request has to
        // wait
        while (status.path("requestsWaitingForSpace").asInt() == 0
                || status.path("dataUsedBytes").asLong()
                        < status.path("dataBytes").asLong()) {
            assertTrue(System.nanoTime() - end < 0, "the pool is not used to the last block: " + status);
            TimeUnit.MILLISECONDS.sleep(50);
            status = status(daemon);
        }
        assertEquals("out_of_data_space", status.path("mode").asText());

        Libnbd.run(
                """
                import random
                r = random.Random(24)
                h = opened(uris[0])
                begin, length = 8 << 20, 8 << 20
                model = bytearray(length)
                for i in range(300):
                    size = 512 * r.randrange(1, 200)
                    at = 512 * r.randrange((length - size) // 512)
                    data = r.randbytes(size)
                    assert error(h.pwrite, data, begin + at) == 0, "the preallocated volume got an error"
                    model[at:at + size] = data
                h.flush()
                assert h.pread(length, begin) == model
                """,
                daemon.uri("pre"));
        status = status(daemon);
        assertEquals("out_of_data_space", status.path("mode").asText(), "still full");
        assertTrue(status.path("requestsWaitingForSpace").asInt() > 0, "nobody waits any more");

        gossamer("pool", "grow", "-p", daemon.directory().toString(), "--data", "160M")
                .expectStatus(0);
    }

    private static JsonNode status(Daemon daemon) throws Exception {
        return new ObjectMapper()
                .readTree(gossamer("status", "-p", daemon.directory().toString(), "--json")
                        .expectStatus(0)
                        .out());
    }
}
