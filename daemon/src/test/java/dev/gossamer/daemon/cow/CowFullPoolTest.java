package dev.gossamer.daemon.cow;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.NbdTestClient;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.Seeds;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rule S-V7 with a pool that is really full. */
@Timeout(120)
class CowFullPoolTest extends CowDaemon {
    private static final int LARGE = 16 << 20;

    private void startSmall(String onFull) throws Exception {
        stop();
        pool = new PoolDirectory(directory.resolve("small"));
        PoolCreation.createInFiles(pool, 8 << 20, 64 << 10, true);
        Files.writeString(pool.config(), Files.readString(pool.config()) + onFull);
        old = new byte[LARGE];
        Seeds.random(9).nextBytes(old);
        Files.write(disk, old);
        start();
        createDisk();
    }

    /** By a volume of its own, whose client vanishes in the end: what it wrote last waits. */
    private void fillThePool() throws Exception {
        ask(201, "POST", "/v1/volumes", "{\"name\":\"v\",\"sizeBytes\":" + LARGE + "}");
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), "v")) {
            for (int at = 0; at < LARGE; at += PIECE) {
                client.write(1, at, new byte[PIECE]);
            }
            while (ask(200, "GET", "/v1/status", "")
                            .path("requestsWaitingForSpace")
                            .asInt()
                    == 0) {
                Thread.sleep(5);
            }
        }
    }

    @Test
    void aSnapshotThatFindsNoRoomIsRefusedAndNobodyWaitsForEver() throws Exception {
        startSmall("on-full: queue\non-full-timeout: 0s\n");
        fillThePool();
        refused("'name':'disk@s'", "ENOSPC");
        fill("disk", 0, PIECE, 1); // there is nothing to copy to
    }

    @Test
    void aClientThatWaitsForItsCopyMayLeaveAPoolThatIsFullForEver() throws Exception {
        startSmall("on-full: queue\non-full-timeout: 0s\n");
        create("'name':'disk@s','onFull':'fail-writes'");
        fillThePool();
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), "disk")) {
            client.write(1, 0, new byte[PIECE]);
            Thread.sleep(100); // so that it is there, and waits
        }
        awaitConnections("disk", 0);
        ask(204, "DELETE", "/v1/cow/disk@s", "");
    }

    @Test
    void withFailWritesTheSnapshotIsKept() throws Exception {
        startSmall("on-full: error\n");
        create("'name':'disk@s','onFull':'fail-writes'");
        int refused = 0;
        try (NbdTestClient client = new NbdTestClient(pool.nbdSocket(), "disk")) {
            for (int at = 0; at < LARGE && refused < 3; at += PIECE) {
                client.write(1, at, new byte[PIECE]);
                int errno = client.reply(0).error();
                assertTrue(errno == 0 || errno == Errno.ENOSPC, "errno " + errno);
                refused += errno == 0 ? 0 : 1;
            }
        }
        assertEquals(3, refused, "the pool was large enough");
        JsonNode snapshot = ask(200, "GET", "/v1/cow/disk@s", "");
        assertEquals(
                "active",
                snapshot.path("state").asText(),
                snapshot.path("cause").asText());
        assertArrayEquals(old, read("disk@s", LARGE));
        restart();
        assertArrayEquals(old, read("disk@s", LARGE));
    }
}
