package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.MemoryBudget;
import dev.gossamer.daemon.server.access.TestCertificate;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.handshake.TlsOffer;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.util.internal.PlatformDependent;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Clients that ask for as much as they can and take nothing: each costs no more direct memory than it is counted with,
 * whatever the answers are made of, and another is served.
 */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class UntakenRepliesTest {
    private static final int DISK_BYTES = 8 << 20;
    private static final int CLIENTS = 8;

    /** A chunk or two that an allocator keeps for all. */
    private static final long SHARED_BYTES = 8 << 20;

    /** Nobody has to make way, so that all answers can be looked at. */
    private static final ConnectionLimits PATIENT = new ConnectionLimits(256, 64 << 20, 32 << 20, 60_000);

    private static final int READS = 200;
    private static final int READ_BYTES = 256 << 10;

    /** Nothing moves any more. */
    private static final long QUIET_MILLIS = 200;

    @Parameter
    private IoEngineChoice engine;

    @TempDir
    private Path directory;

    private ServedExports served;
    private Path socket;
    private InetSocketAddress tcp;

    @BeforeEach
    void serve() throws Exception {
        TestCertificate.in(directory);
        IoLoops loops = IoLoops.start(1, engine, 64 << 20);
        NbdServer server = new NbdServer(
                loops,
                new OneExport(new MemoryDevice(DISK_BYTES), DISK_BYTES),
                PATIENT,
                new TlsSettings(TlsOffer.Mode.OPTIONAL, directory, false));
        served = new ServedExports(loops, server, directory);
        socket = served.socket();
        tcp = served.listenTcp();
    }

    @AfterEach
    void stop() {
        served.close();
    }

    /** Errors with a text are the longest answers that cost their client next to nothing. */
    @Test
    void answersWithoutDataAreBounded() throws Exception {
        long before = PlatformDependent.usedDirectMemory();
        List<NbdTestClient> greedy = new ArrayList<>();
        List<Integer> asked = new ArrayList<>();
        try (NbdTestClient other = new NbdTestClient(socket, OneExport.NAME)) {
            for (int i = 0; i < CLIENTS; i++) {
                NbdTestClient client = NbdTestClient.structured(socket, OneExport.NAME);
                greedy.add(client);
                asked.add(client.sendUntilFull(
                        NbdTestClient.header(NbdCommand.TRIM, 0, i, DISK_BYTES, 4096)
                                .flip(),
                        QUIET_MILLIS));
            }
            checkServed(other);
            checkGrown(before, MemoryBudget.CHANNEL_BYTES);
            for (int i = 0; i < CLIENTS; i++) {
                takeErrors(greedy.get(i), i, asked.get(i));
            }
        } finally {
            for (NbdTestClient client : greedy) {
                client.close();
            }
        }
    }

    private static void takeErrors(NbdTestClient client, long cookie, int count) throws IOException {
        for (int i = 0; i < count; i++) {
            NbdTestClient.Chunk chunk = client.chunk();
            assertEquals(cookie, chunk.cookie());
            assertEquals(NbdReply.CHUNK_ERROR, chunk.type());
            assertEquals(NbdError.EINVAL, chunk.payload().getInt());
        }
    }

    /** What is encrypted is a copy, and was beside everything that is counted. */
    @Test
    void encryptedDataIsBounded() throws Exception {
        long before = PlatformDependent.usedDirectMemory();
        List<TlsTestClient> greedy = new ArrayList<>();
        try (NbdTestClient other = new NbdTestClient(socket, OneExport.NAME)) {
            for (int i = 0; i < CLIENTS; i++) {
                TlsTestClient client = new TlsTestClient(tcp, directory.resolve("ca-cert.pem"), OneExport.NAME);
                greedy.add(client);
                for (int read = 0; read < READS; read++) {
                    client.read(read, 0, READ_BYTES);
                }
            }
            for (int i = 0; i < 100; i++) {
                checkServed(other);
            }
            checkGrown(before, MemoryBudget.CHANNEL_BYTES);
            // As it waits in pieces, it comes in order and whole.
            for (int read = 0; read < READS; read++) {
                assertArrayEquals(new byte[READ_BYTES], greedy.getFirst().reply(read, READ_BYTES));
            }
        } finally {
            for (TlsTestClient client : greedy) {
                client.close();
            }
        }
    }

    private static void checkServed(NbdTestClient other) throws IOException {
        other.read(1, 0, 4096);
        assertEquals(NbdError.OK, other.reply(4096).error());
    }

    private static void checkGrown(long before, long eachBytes) {
        long grown = PlatformDependent.usedDirectMemory() - before;
        long counted = CLIENTS * eachBytes + SHARED_BYTES;
        assertTrue(grown <= counted, CLIENTS + " clients take " + grown + " bytes, counted " + counted);
    }
}
