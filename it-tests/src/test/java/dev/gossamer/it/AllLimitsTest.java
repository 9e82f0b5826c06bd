package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every limit at its maximum at once: connections and handshakes as many as the process admits, at both addresses, each
 * with the most that it may have under way, some encrypted, some on their way to be; the admin socket's clients, of
 * whom none takes an answer, and a job; all over a data device that is another server's, with what is kept for that.
 * Beside all of them a client verifies. What is counted for them is what they take ({@code MemoryBudget}): the process
 * stays inside its memory, and the client goes on.
 */
@Timeout(300)
final class AllLimitsTest {
    private static final long VOLUME_BYTES = 4L << 30;
    private static final int BLOCK_BYTES = 64 << 10;
    private static final long DISK_BYTES = 1L << 30;
    private static final long METADATA_BYTES = 64L << 20;

    /** Every other block of so many is mapped. */
    private static final int FRAGMENTS = 256;

    /** Their handshakes cost the test's process as much as the daemon's. */
    private static final int ENCRYPTED = 40;

    private static final int HANDSHAKES = 120;

    /** So that the limits, which are lowered to what fits, are reached in seconds. */
    private static final String JAVA_OPTS = "-XX:MaxDirectMemorySize=400m";

    /** Operations of the verifying client, at least, while all limits are at their maximum. */
    private static final int GOES_ON = 1000;

    /** What a client has to do to be known as one that takes its answers: 16 MiB in pieces of 32 KiB. */
    private static final int KNOWN = 1500;

    @TempDir
    private Path scratch;

    @Test
    void theProcessStaysInsideItsMemoryAndAClientGoesOn() throws Exception {
        Path pki = Files.createDirectories(scratch.resolve("pki"));
        Pki.makeCa(pki, "test CA");
        Pki.makeCertificate(pki, pki, "server");
        Path disk = scratch.resolve("disk.sock");
        NbdProcess server = NbdProcess.start(
                disk, List.of("nbdkit", "-f", "-U", disk.toString(), "memory", Long.toString(DISK_BYTES)));
        Path metadata = scratch.resolve("metadata");
        try (RandomAccessFile made = new RandomAccessFile(metadata.toFile(), "rw")) {
            made.setLength(METADATA_BYTES);
        }
        String data = "nbd+unix:///?socket=" + disk;
        try (Daemon daemon = Daemon.create(scratch, "--data", data, "--metadata", metadata.toString())
                .with("GOSSAMER_JAVA_OPTS", JAVA_OPTS)) {
            Files.writeString(
                    daemon.directory().resolve("clients.yaml"),
                    "limits: {connections-per-peer: 5000, handshakes-per-peer: 1000, handshake-seconds: 60}\n");
            daemon.start("--listen", "tcp:127.0.0.1:0", "--tls", "offer", "--tls-certificates", pki.toString());
            daemon.createVolume("vol", Long.toString(VOLUME_BYTES));
            DaemonProbe probe = new DaemonProbe(daemon);
            var unix = UnixDomainSocketAddress.of(daemon.socket());
            var tcp = new InetSocketAddress(InetAddress.getLoopbackAddress(), daemon.tcpPort());
            fragment(unix);
            VerifyingClient verifying = VerifyingClient.start(unix, "vol", VOLUME_BYTES - (16 << 20), 4 << 20, 1);
            while (verifying.operations() < KNOWN) {
                Thread.sleep(10);
            }
            List<StartTls> encrypted = new ArrayList<>();
            try (GreedyManagers managers = new GreedyManagers(daemon.directory().resolve("admin.sock"));
                    GreedyClients local = new GreedyClients(unix, "vol", VOLUME_BYTES);
                    GreedyClients remote = new GreedyClients(tcp, "vol", VOLUME_BYTES)) {
                for (int i = 0; i < ENCRYPTED; i++) {
                    StartTls client = StartTls.open(daemon.tcpPort(), pki.resolve("ca-cert.pem"), "vol");
                    encrypted.add(client);
                    client.askForReads(128, 0, 256 << 10);
                }
                local.connectToTheLimit();
                remote.connectToTheLimit();
                local.turnIntoHandshakes(HANDSHAKES);
                remote.turnIntoHandshakes(HANDSHAKES);
                managers.beginTls(daemon.tcpPort(), HANDSHAKES / 2);
                probe.post("/v1/dedupe", "{}");
                report(daemon, probe, local.count() + remote.count() + managers.count(), verifying);
            } finally {
                for (StartTls client : encrypted) {
                    client.close();
                }
            }
            verifying.finish();
            probe.awaitIdle();
            daemon.stop();
            Daemon.thinCheck(metadata);
        } finally {
            server.kill();
        }
    }

    private static void fragment(UnixDomainSocketAddress server) throws IOException {
        try (NbdConnection writer = NbdConnection.open(server, "vol")) {
            for (int i = 0; i < FRAGMENTS; i++) {
                writer.writeNow(2L * i * BLOCK_BYTES, new byte[4096]);
            }
            writer.flushNow();
        }
    }

    private static void report(Daemon daemon, DaemonProbe probe, int greedy, VerifyingClient verifying)
            throws Exception {
        long before = verifying.operations();
        long began = System.nanoTime();
        while (verifying.operations() < before + GOES_ON) {
            Thread.sleep(10);
            assertTrue(daemon.isRunning(), daemon::logText);
        }
        double direct = probe.metric("gossamer_direct_memory_used_bytes");
        double directLimit = probe.metric("gossamer_direct_memory_limit_bytes");
        double heap = probe.metric("jvm_memory_used_bytes", "heap");
        double heapLimit = probe.metric("jvm_memory_max_bytes", "heap");
        System.out.printf(
                "all limits: %.0f connections in transmission, %d greedy clients and handshakes, %d encrypted; direct"
                        + " memory %.0f of %.0f MiB, heap %.0f of %.0f MiB, resident %d MiB at most; the verifying"
                        + " client did %d operations in %d ms%n",
                probe.metric("gossamer_nbd_connections"),
                greedy,
                ENCRYPTED,
                direct / (1 << 20),
                directLimit / (1 << 20),
                heap / (1 << 20),
                heapLimit / (1 << 20),
                peakResidentMebibytes(daemon),
                verifying.operations() - before,
                (System.nanoTime() - began) / 1_000_000);
        assertTrue(direct < directLimit, "direct memory " + direct);
        String log = daemon.logText();
        assertFalse(log.contains("OutOfMemory") || log.contains("ERROR"), log);
    }

    private static long peakResidentMebibytes(Daemon daemon) throws IOException {
        return Files.readAllLines(Path.of("/proc/" + daemon.pid() + "/status")).stream()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) >> 10)
                .findFirst()
                .orElseThrow();
    }
}
