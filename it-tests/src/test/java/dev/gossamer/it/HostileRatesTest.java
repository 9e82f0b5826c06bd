package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.admin.AdminClient;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * How much of its rate a client that verifies keeps beside clients without rights, and beside clients that may only
 * read, whatever of the protocol they use as hard as they can: printed, and at least half.
 *
 * <p>Those clients run on the machine that the server runs on, and take its CPUs as well, which is not the server's
 * fault. So the rate alone is that beside as many threads that only count. It is measured right before; a round says
 * nothing if it is low even then, because the machine does other things, and of those that say something one must be
 * good.
 *
 * <p>Windows are short, so that this fits into a run of all tests. {@code -Dgossamer.test.hostileSeconds=60} has each
 * kind go on for a minute without a break, and prints the slowest second of it as well.
 */
@Timeout(3600)
@Tag("measures")
final class HostileRatesTest {
    private static final String STRANGER = "127.0.0.9";
    private static final String READER = "127.0.0.1";
    private static final long SHORT_MILLIS = 500;
    private static final long LONG_MILLIS = TimeUnit.SECONDS.toMillis(Long.getLong("gossamer.test.hostileSeconds", 0));

    /** Of an attack; the rate alone is a measure of the machine, and takes a sixth of that. */
    private static final long BESIDE_MILLIS = Math.max(SHORT_MILLIS, LONG_MILLIS);

    private static final long ALONE_MILLIS = Math.max(SHORT_MILLIS, LONG_MILLIS / 6);
    private static final int ROUNDS = 12;

    /** Operations a second of the client alone, below which the machine is too busy to compare anything. */
    private static final int LEAST_RATE = 300;

    private static final double LEAST_SHARE = 0.5;

    /** Windows after which the daemon's code for an attack is compiled. */
    private static final int WARM_UP = 2;

    /** Rounds that say something, and are bad, are a failure if there are so many. */
    private static final int BAD_ROUNDS = 4;

    private static final int EXPORTS = 500;
    private static final int BLOCK_BYTES = 64 << 10;

    /** What a client has to do to be known as one that takes its answers. */
    private static final int KNOWN = 1500;

    @TempDir
    private Path scratch;

    private VerifyingClient verifying;

    @Test
    void aClientKeepsHalfOfItsRate() throws Exception {
        Path pki = Files.createDirectories(scratch.resolve("pki"));
        Pki.makeCa(pki, "test CA");
        Pki.makeCertificate(pki, pki, "server");
        try (Daemon daemon = Daemon.create(scratch)) {
            Files.writeString(
                    daemon.directory().resolve("clients.yaml"),
                    """
                    access:
                    - {uid: 0, rights: read-write}
                    - {network: %s/32, exports: shared, rights: read-only}
                    limits: {handshakes-per-peer: 500}
                    """
                            .formatted(READER));
            daemon.start("--listen", "tcp:127.0.0.1:0", "--tls", "offer", "--tls-certificates", pki.toString());
            makeVolumes(daemon);
            var unix = UnixDomainSocketAddress.of(daemon.socket());
            fragment(unix);
            verifying = VerifyingClient.start(unix, "mine", 0, 4 << 20, 1);
            while (verifying.operations() < KNOWN) {
                Thread.sleep(10);
            }
            for (Map.Entry<String, HostileLoad.Round> attack :
                    attacks(daemon.tcpPort()).entrySet()) {
                measure(attack.getKey(), attack.getValue());
            }
            verifying.finish();
            daemon.stopAndCheck();
        }
    }

    private static void makeVolumes(Daemon daemon) throws Exception {
        daemon.createVolume("mine", "64M");
        daemon.createVolume("shared", "4G");
        AdminClient admin = new AdminClient(daemon.directory().resolve("admin.sock"));
        for (int i = 0; i < EXPORTS; i++) {
            admin.send("POST", "/v1/volumes", "{\"name\":\"other-" + i + "\",\"sizeBytes\":1048576}");
        }
    }

    /** Every other block of a part of it, and all of 32 MiB at the beginning. */
    private static void fragment(UnixDomainSocketAddress server) throws IOException {
        try (NbdConnection writer = NbdConnection.open(server, "shared")) {
            for (int i = 0; i < 32; i++) {
                writer.writeNow((long) i << 20, new byte[1 << 20]);
            }
            for (int i = 0; i < 2000; i++) {
                writer.writeNow((64L << 20) + 2L * i * BLOCK_BYTES, new byte[4096]);
            }
            writer.flushNow();
        }
    }

    private static Map<String, HostileLoad.Round> attacks(int port) {
        NbdConnection.Source stranger = HostileLoad.from(STRANGER, port);
        NbdConnection.Source reader = HostileLoad.from(READER, port);
        Map<String, HostileLoad.Round> attacks = new LinkedHashMap<>();
        attacks.put("stranger: LIST", HostileLoad.options(stranger, NbdConnection.OPTION_LIST, new byte[0]));
        attacks.put(
                "stranger: GO",
                HostileLoad.options(stranger, NbdConnection.OPTION_GO, NbdConnection.goRequest("other-7")));
        attacks.put("stranger: STARTTLS", HostileLoad.startTls(stranger));
        attacks.put("reader: LIST", HostileLoad.options(reader, NbdConnection.OPTION_LIST, new byte[0]));
        attacks.put(
                "reader: LIST_META_CONTEXT",
                HostileLoad.options(
                        reader, NbdConnection.OPTION_LIST_META_CONTEXT, NbdConnection.contextQuery("shared", "qemu:")));
        attacks.put("reader: BLOCK_STATUS", HostileLoad.statusQueries(reader, "shared"));
        attacks.put("reader: CACHE", HostileLoad.prefetches(reader, "shared"));
        attacks.put("reader: READ of nothing", HostileLoad.requests(reader, "shared", NbdConnection.READ, 0));
        attacks.put("reader: WRITE_ZEROES", HostileLoad.requests(reader, "shared", NbdConnection.WRITE_ZEROES, 4096));
        attacks.put("reader: READ of 32 MiB, not taken", HostileLoad.readsNeverReceived(reader, "shared", 32 << 20));
        attacks.put("reader: READ of 64 KiB, not taken", HostileLoad.readsNeverReceived(reader, "shared", 64 << 10));
        return attacks;
    }

    private void measure(String name, HostileLoad.Round attack) throws Exception {
        for (int i = 0; i < WARM_UP; i++) {
            rateBeside(attack, SHORT_MILLIS);
        }
        double best = 0;
        int bad = 0;
        for (int round = 0; round < ROUNDS && best < LEAST_SHARE; round++) {
            Rate alone = rateBeside(HostileLoad.counting(), ALONE_MILLIS);
            Rate beside = rateBeside(attack, BESIDE_MILLIS);
            double share = beside.perSecond / alone.perSecond;
            if (alone.perSecond >= LEAST_RATE) {
                best = Math.max(best, share);
                bad++;
            }
            System.out.printf(
                    "%-36s %6.0f/s alone, %6.0f/s beside (%6.0f/s at the slowest): %.2f%n",
                    name, alone.perSecond, beside.perSecond, beside.slowest, share);
        }
        double found = best;
        assertTrue(found >= LEAST_SHARE || bad < BAD_ROUNDS, () -> name + ": " + found + " of the rate alone");
    }

    /** Operations of the verifying client, in all of a window and in its slowest second. */
    private record Rate(double perSecond, double slowest) {}

    private Rate rateBeside(HostileLoad.Round round, long windowMillis) throws InterruptedException, IOException {
        HostileLoad load = HostileLoad.of(round);
        try {
            Thread.sleep(SHORT_MILLIS / 2);
            return rate(windowMillis);
        } finally {
            load.stop();
        }
    }

    private Rate rate(long windowMillis) throws InterruptedException {
        long first = verifying.operations();
        long began = System.nanoTime();
        double slowest = Double.MAX_VALUE;
        for (long left = windowMillis; left > 0; left -= 1000) {
            long before = verifying.operations();
            long since = System.nanoTime();
            Thread.sleep(Math.min(left, 1000));
            slowest = Math.min(slowest, perSecond(before, since));
        }
        return new Rate(perSecond(first, began), slowest);
    }

    private double perSecond(long before, long since) {
        return (verifying.operations() - before) * 1e9 / (System.nanoTime() - since);
    }
}
