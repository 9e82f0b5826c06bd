package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that die or dawdle, and others that must not notice (H5, H11, H13, H14, T37, T56; A34, A35, A37, A41). After
 * each test nothing of them may be left: no descriptor, no connection, no memory, no request.
 */
final class HostileClientsTest {
    private static final int PAYLOAD_BYTES = 32 << 20;
    private static final int CHUNK_BYTES = 1 << 20;
    private static final int CUTS = 1000;

    /** Cut connections that are open together: 128 MiB of a loop's 256 MiB of transfer memory. */
    private static final int OPEN_TOGETHER = 4;

    private static final int IDLE = 500;

    @TempDir
    private Path scratch;

    private Daemon daemon;
    private DaemonProbe probe;
    private SocketAddress unix;
    private SocketAddress tcp;
    private long descriptorsBefore;

    @BeforeEach
    void serve() throws Exception {
        daemon = Daemon.create(scratch);
        daemon.start("--listen", "tcp:127.0.0.1:0");
        daemon.createVolume("vol", "256M");
        probe = new DaemonProbe(daemon);
        unix = UnixDomainSocketAddress.of(daemon.socket());
        tcp = new InetSocketAddress(InetAddress.getLoopbackAddress(), daemon.tcpPort());
        // What is opened once and stays: classes, native libraries, the metrics.
        for (SocketAddress address : List.of(unix, tcp)) {
            try (NbdConnection first = NbdConnection.open(address, "vol")) {
                first.flushNow();
            }
        }
        descriptorsBefore = probe.awaitIdle();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        try (Daemon served = daemon) {
            probe.awaitNothingHeld(descriptorsBefore);
            probe.assertQuietLog();
            served.stopAndCheck();
        }
    }

    /** T37, T56, A37: an incomplete write changes nothing and holds nothing, however often it happens. */
    @Test
    void clientsKilledWithinALargeWriteHarmNobody() throws Exception {
        SplittableRandom random = Seeds.splittable(37);
        byte[] before = new byte[PAYLOAD_BYTES];
        random.nextBytes(before);
        fill(before);
        VerifyingClient first = VerifyingClient.start(unix, "vol", 64 << 20, 8 << 20, 1);
        VerifyingClient second = VerifyingClient.start(tcp, "vol", 80 << 20, 8 << 20, 2);

        ByteBuffer payload = ByteBuffer.allocateDirect(PAYLOAD_BYTES);
        List<NbdConnection> open = new ArrayList<>();
        for (int cut = 0; cut < CUTS; cut++) {
            boolean overTcp = random.nextBoolean();
            NbdConnection victim = NbdConnection.open(overTcp ? tcp : unix, "vol");
            // Half of the writes overwrite what is mapped, half would need new blocks.
            long offset = random.nextBoolean() ? 0 : PAYLOAD_BYTES;
            victim.sendHeader(NbdConnection.REQUEST_MAGIC, NbdConnection.WRITE, 0, cut, offset, PAYLOAD_BYTES);
            victim.write(payload.clear().limit(cutPoint(random)));
            if (overTcp && random.nextBoolean()) {
                victim.reset();
            } else if (random.nextBoolean()) {
                victim.close();
            } else {
                open.add(victim);
            }
            if (open.size() == OPEN_TOGETHER) {
                open.remove(random.nextInt(OPEN_TOGETHER)).close();
            }
        }
        for (NbdConnection last : open) {
            last.close();
        }

        first.finish();
        second.finish();
        assertArrayEquals(before, readBack(0));
        assertArrayEquals(new byte[PAYLOAD_BYTES], readBack(PAYLOAD_BYTES));
        long mappedBytes = daemon.volumes().getFirst().path("mappedBytes").asLong();
        assertTrue(mappedBytes <= (32 + 8 + 8) << 20, () -> "blocks were allocated for lost writes: " + mappedBytes);
    }

    /**
     * All magnitudes alike: most cuts come early, so that a thousand take seconds, and some come within the last bytes.
     */
    private static int cutPoint(SplittableRandom random) {
        int magnitude = random.nextInt(26);
        int bytes = magnitude == 25 ? PAYLOAD_BYTES : (1 << magnitude) + random.nextInt(1 << magnitude);
        return magnitude == 25 ? bytes - 1 - random.nextInt(4096) : Math.min(bytes, PAYLOAD_BYTES - 1);
    }

    private void fill(byte[] contents) throws IOException {
        try (NbdConnection writer = NbdConnection.open(unix, "vol")) {
            for (int at = 0; at < contents.length; at += CHUNK_BYTES) {
                writer.writeNow(at, java.util.Arrays.copyOfRange(contents, at, at + CHUNK_BYTES));
            }
            writer.flushNow();
        }
    }

    private byte[] readBack(long offset) throws IOException {
        byte[] contents = new byte[PAYLOAD_BYTES];
        try (NbdConnection reader = NbdConnection.open(unix, "vol")) {
            for (int at = 0; at < contents.length; at += CHUNK_BYTES) {
                System.arraycopy(reader.readNow(offset + at, CHUNK_BYTES), 0, contents, at, CHUNK_BYTES);
            }
        }
        return contents;
    }

    /** H5, H11, A35: unfinished handshakes cost a working client next to nothing, and end when their time is over. */
    @Test
    void halfOpenHandshakesSlowNobodyAndEnd() throws Exception {
        try (NbdConnection worker = NbdConnection.open(unix, "vol")) {
            worker.writeNow(0, new byte[CHUNK_BYTES]);
            roundTrips(worker); // warm
            long aloneNanos = roundTrips(worker);
            List<NbdConnection> idle = new ArrayList<>();
            for (int i = 0; i < IDLE; i++) {
                idle.add(halfOpen(i));
            }
            long amongIdleNanos = roundTrips(worker);
            Tool.succeed("nbdinfo", "--size", daemon.uri("vol"));
            assertTrue(probe.descriptors() >= descriptorsBefore + IDLE, "all of them were open meanwhile");

            for (NbdConnection connection : idle) {
                connection.readToEnd();
                connection.close();
            }
            // Idle connections wake nobody. The machine may be busy with other things, hence the wide margin.
            assertTrue(
                    amongIdleNanos < 5 * aloneNanos,
                    () -> "alone " + aloneNanos + " ns, among " + IDLE + " half-open handshakes " + amongIdleNanos);
            assertEquals(0, worker.readNow(0, 1)[0]);
        }
    }

    /** Silent, or with its flags sent, or in the middle of an option header or of an option's data. */
    private NbdConnection halfOpen(int kind) throws IOException {
        NbdConnection connection = NbdConnection.connect(unix);
        if (kind % 4 > 0) {
            connection.greet();
        }
        if (kind % 4 == 2) {
            connection.write(ByteBuffer.wrap(new byte[] {'I', 'H', 'A'}));
        } else if (kind % 4 == 3) {
            connection.sendOptionHeader(NbdConnection.OPTION_GO, 100);
        }
        return connection;
    }

    private static long roundTrips(NbdConnection connection) throws IOException {
        byte[] block = new byte[4096];
        long start = System.nanoTime();
        for (int i = 0; i < 2000; i++) {
            connection.writeNow((i % 64) * 4096L, block);
            connection.readNow((i % 64) * 4096L, 4096);
        }
        return System.nanoTime() - start;
    }

    /** A34, H14: somebody who only knocks is not worth a line in the log. */
    @Test
    void connectingAndClosingLeavesNoTrace() throws Exception {
        long lines = daemon.logText().lines().count();
        for (int i = 0; i < 1000; i++) {
            NbdConnection knock = NbdConnection.connect(i % 2 == 0 ? tcp : unix);
            if (i % 4 == 0) {
                knock.reset();
            } else {
                knock.close();
            }
        }
        probe.awaitNothingHeld(descriptorsBefore);
        assertEquals(lines, daemon.logText().lines().count(), daemon::logText);
    }

    /** A41: sessions that begin and end in every way leave descriptors and threads as they were. */
    @Test
    void aThousandSessionsLeaveNothingBehind() throws Exception {
        long threads = probe.threads();
        for (int i = 0; i < 1000; i++) {
            try (NbdConnection session = NbdConnection.open(i % 2 == 0 ? tcp : unix, "vol")) {
                if (i % 3 == 0) {
                    session.send(NbdConnection.DISCONNECT, 0, 0, 0, 0);
                    session.readToEnd();
                } else if (i % 3 == 1) {
                    session.send(NbdConnection.READ, 0, 0, 0, CHUNK_BYTES);
                }
            }
        }
        // Processes cost more than connections: a hundred of each real client.
        for (String client :
                List.of("nbdinfo --size '" + daemon.uri("vol") + "'", "nbd-client -unix " + daemon.socket() + " -l")) {
            Tool.succeed(
                    "bash",
                    "-c",
                    "PATH=$PATH:/usr/sbin; for i in {1..100}; do " + client + " >/dev/null || exit 1; done");
        }
        probe.awaitNothingHeld(descriptorsBefore);
        assertTrue(
                probe.threads() <= threads + 2,
                () -> "threads grew from " + threads); // compilers of the VM come and go
    }
}
