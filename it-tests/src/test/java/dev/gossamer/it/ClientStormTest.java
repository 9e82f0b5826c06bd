package dev.gossamer.it;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One fault, one victim, by the real daemon and both engines: two thousand connections that end badly beside clients
 * that verify. No request of theirs is lost, nothing is held for those that are gone, and the daemon ends when it is
 * told to.
 */
final class ClientStormTest {
    private static final int CONNECTIONS = 2000;
    private static final long REGION_BYTES = 32 << 20;

    @TempDir
    private Path scratch;

    @ParameterizedTest
    @ValueSource(strings = {"ring", "threads"})
    void nobodyPaysForAnothersEnd(String engine) throws Exception {
        long seed = 2026;
        try (Daemon daemon = Daemon.create(scratch)) {
            daemon.start("--listen", "tcp:127.0.0.1:0", "--engine", engine);
            daemon.createVolume("vol", "128M");
            DaemonProbe probe = new DaemonProbe(daemon);
            SocketAddress unix = UnixDomainSocketAddress.of(daemon.socket());
            SocketAddress tcp = new InetSocketAddress(InetAddress.getLoopbackAddress(), daemon.tcpPort());
            List<SocketAddress> servers = List.of(unix, tcp);
            ClientStorm storm = new ClientStorm(servers, "vol", REGION_BYTES);
            storm.rage(100, seed + 1); // what is opened once and stays
            long descriptors = probe.awaitIdle();

            List<VerifyingClient> clients = new ArrayList<>();
            for (SocketAddress server : servers) {
                long ownRegion = REGION_BYTES * (1 + clients.size());
                clients.add(VerifyingClient.start(server, "vol", ownRegion, 8 << 20, seed + clients.size()));
            }
            storm.rage(CONNECTIONS, seed);
            for (VerifyingClient client : clients) {
                client.finish();
            }

            probe.awaitNothingHeld(descriptors);
            probe.assertQuietLog();
            // A fresh client may write where the storm did: no range is held by those that are gone.
            try (NbdConnection fresh = NbdConnection.open(unix, "vol")) {
                for (long at = 0; at < REGION_BYTES; at += 1 << 20) {
                    fresh.writeNow(at, new byte[1 << 20]);
                }
                fresh.flushNow();
            }
            long began = System.nanoTime();
            daemon.stopAndCheck();
            System.out.printf(
                    "%s: ended %d ms after SIGTERM, checked%n", engine, (System.nanoTime() - began) / 1_000_000);
        }
    }
}
