package dev.gossamer.it;

import static dev.gossamer.it.Daemon.gossamer;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Changes under connected clients: size, deletion, stop and restart (NBD 2.9, A36, A46, A47, A55). */
final class LiveChangeTest {
    private static final int BLOCK = 64 << 10;

    @TempDir
    private Path scratch;

    private Daemon daemon;

    @BeforeEach
    void serveOneVolume() throws Exception {
        daemon = Daemon.create(scratch).start();
        daemon.createVolume("vol", "64M");
    }

    @AfterEach
    void stopAndCheck() throws Exception {
        try (Daemon served = daemon) {
            served.stopAndCheck();
        }
    }

    private Tool.Result command(String... arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.addAll(2, List.of("-p", daemon.directory().toString()));
        return gossamer(all.toArray(String[]::new));
    }

    @Test
    void aVolumeGrowsUnderAClientAndStaysGrownA55T62() throws Exception {
        try (NbdConnection client = NbdConnection.open(daemon.socket(), "vol")) {
            command("volume", "resize", "vol", "--size", "128M").expectStatus(0);
            client.writeNow((128L << 20) - BLOCK, new byte[BLOCK]);
            assertEquals(BLOCK, client.readNow((128L << 20) - BLOCK, BLOCK).length);
        }
        assertEquals(
                "134217728",
                Tool.succeed("nbdinfo", "--size", daemon.uri("vol")).out().strip());
        daemon.stopAndCheck();
        daemon.start();
        assertEquals(
                "134217728",
                Tool.succeed("nbdinfo", "--size", daemon.uri("vol")).out().strip());
    }

    @Test
    void shrinkingUnderAClientNeedsForceT63() throws Exception {
        try (NbdConnection client = NbdConnection.open(daemon.socket(), "vol")) {
            Tool.Result refused = command("volume", "resize", "vol", "--size", "1M");
            refused.expectRefused();
            assertTrue(refused.err().contains("--force"), refused::toString);
            command("volume", "resize", "vol", "--size", "1M", "--force").expectStatus(0);
            client.send(NbdConnection.READ, 0, 5, 2 << 20, 512);
            assertEquals(new NbdConnection.Reply(5, 22), client.readReply());
            client.sendWrite(0, 6, 2 << 20, new byte[512]);
            assertEquals(new NbdConnection.Reply(6, 28), client.readReply());
            client.writeNow(0, new byte[512]);
        }
    }

    @Test
    void deletingUnderAClientNamesItAndNeedsForceT64() throws Exception {
        daemon.createSnapshot("vol", "monday");
        command("volume", "rename", "vol", "web").expectStatus(0);
        try (NbdConnection client = NbdConnection.open(daemon.socket(), "web")) {
            Tool.Result refused = command("volume", "delete", "web");
            refused.expectRefused();
            assertTrue(refused.err().contains("in use by unix"), refused::toString);
            assertTrue(refused.err().contains("--force"), refused::toString);
            client.writeNow(0, new byte[512]);
            command("volume", "delete", "web", "--force").expectStatus(0);
            assertEquals(0, client.readToEnd());
        }
        try (NbdConnection client = NbdConnection.open(daemon.socket(), "monday")) {
            command("snapshot", "delete", "monday", "--force").expectStatus(0);
            assertEquals(0, client.readToEnd());
        }
        assertEquals(0, daemon.volumes().size());
    }

    /** Whoever only compares another volume with the one to be deleted is in the way too. */
    @Test
    void aClientThatComparesWithTheVolumeIsDisconnectedToo() throws Exception {
        daemon.createSnapshot("vol", "base");
        CompletableFuture<String> client = CompletableFuture.supplyAsync(() -> {
            try {
                return Libnbd.run(
                        """
                    import time
                    h = opened(uris[0], contexts=("qemu:dirty-bitmap:base",))
                    while error(h.pread, 512, 0) == 0:
                        time.sleep(0.01)
                    print("disconnected")
                    """,
                        daemon.uri("vol"));
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        while (daemon.logText().lines().noneMatch(line -> line.contains("export opened name=vol"))) {
            Thread.sleep(20);
        }
        command("snapshot", "delete", "base").expectRefused();
        command("snapshot", "delete", "base", "--force").expectStatus(0);
        assertEquals("disconnected", client.join().strip());
    }

    @Test
    void aStopEndsHandshakesIdleAndBusyConnectionsA36() throws Exception {
        List<NbdConnection> all = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            NbdConnection half = NbdConnection.connect(daemon.socket());
            half.greet();
            all.add(half);
            all.add(NbdConnection.open(daemon.socket(), "vol"));
        }
        for (int i = 0; i < 10; i++) {
            NbdConnection busy = NbdConnection.open(daemon.socket(), "vol");
            for (int cookie = 0; cookie < 50; cookie++) {
                busy.sendWrite(0, cookie, (long) cookie * BLOCK, new byte[BLOCK]);
            }
            all.add(busy);
        }
        daemon.stop();
        new DaemonProbe(daemon).assertQuietLog();
        for (NbdConnection connection : all) {
            connection.readToEnd();
            connection.close();
        }
        daemon.start();
    }

    /** A write answered on one connection, a flush on another, then the plug: the write is there (T52). */
    @Test
    void aFlushCoversTheWritesOfOtherConnectionsA46() throws Exception {
        try (NbdConnection writer = NbdConnection.open(daemon.socket(), "vol");
                NbdConnection flusher = NbdConnection.open(daemon.socket(), "vol")) {
            byte[] data = new byte[3 * BLOCK];
            java.util.Arrays.fill(data, (byte) 46);
            writer.writeNow(BLOCK / 2, data);
            flusher.flushNow();
            daemon.kill();
        }
        daemon.start();
        Tool.Result read = Tool.succeed("qemu-io", "-f", "raw", "-c", "read -P 46 32k 192k", daemon.uri("vol"));
        assertTrue(!read.out().contains("failed"), read::toString);
    }

    /** qemu waits for the server to come back, and then goes on as if nothing had been (K4, T66). */
    @Test
    void qemuReconnectsOverARestartA47() throws Exception {
        List<String> line = new ArrayList<>(List.of(
                "qemu-io",
                "--image-opts",
                "driver=nbd,server.type=unix,server.path=" + daemon.socket() + ",export=vol,reconnect-delay=30"));
        line.addAll(List.of("-c", "write -P 47 0 1M", "-c", "flush"));
        for (int i = 0; i < 30; i++) {
            line.addAll(List.of("-c", "read -P 47 0 1M", "-c", "sleep 100"));
        }
        CompletableFuture<Tool.Result> client = CompletableFuture.supplyAsync(() -> {
            try {
                return Tool.run(Tool.LIMIT, line);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        while (daemon.logText().lines().noneMatch(text -> text.contains("export opened name=vol"))) {
            Thread.sleep(20);
        }
        Thread.sleep(500);
        daemon.stop();
        daemon.start();
        Tool.Result result = client.join().expectStatus(0);
        assertTrue(!result.out().contains("failed") && !result.err().contains("failed"), result::toString);
        long sessions = daemon.logText()
                .lines()
                .filter(text -> text.contains("export opened name=vol"))
                .count();
        assertTrue(sessions >= 2, "the restart fell into no read: " + sessions);
    }
}
