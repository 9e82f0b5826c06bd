package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;

/** A server over real sockets, in front of a device that the test controls; its subclasses hold the tests. */
abstract class ServerFixture {
    static final int DISK_BYTES = 8 << 20;
    static final int BUFFER_BYTES = 16 << 20;
    static final String EXPORT = OneExport.NAME;

    @Parameter
    private IoEngineChoice engine;

    @TempDir
    Path directory;

    final MemoryDevice device = new MemoryDevice(DISK_BYTES);
    final RateGate rates = new RateGate();
    IoLoops loops;
    NbdServer server;
    Path socket;
    private ServedExports served;

    NbdTestClient start() throws IOException {
        return start(ConnectionLimits.DEFAULT, BUFFER_BYTES);
    }

    NbdTestClient start(ConnectionLimits limits, int bufferBytes) throws IOException {
        serve(1, limits, bufferBytes);
        return connect();
    }

    void serve(int loopCount, ConnectionLimits limits, int bufferBytes) throws IOException {
        loops = IoLoops.start(loopCount, engine, bufferBytes);
        server = new NbdServer(
                loops, new OneExport(device, DISK_BYTES, offset -> false, rates), limits, TlsSettings.OFF);
        served = new ServedExports(loops, server, directory);
        socket = served.socket();
    }

    NbdTestClient connect() throws IOException {
        return new NbdTestClient(socket, EXPORT);
    }

    /** Every test ends here: whatever happened to the connections, nothing may be left over. */
    @AfterEach
    void everythingIsGivenBack() throws Exception {
        if (server == null) {
            return;
        }
        device.releaseAll();
        served.closeEmpty();
        assertEquals(0, server.connections().size(), "connections");
        assertFalse(Files.exists(socket), "socket file");
    }

    /** On the loops, behind what they have to do at the moment. */
    void assertNothingIsHeld() throws Exception {
        served.assertNothingIsHeld();
    }

    /** A reply without data. */
    record Acknowledged(long cookie, int error) {}

    static Acknowledged acknowledged(NbdTestClient client) throws IOException {
        NbdTestClient.Reply reply = client.reply(0);
        return new Acknowledged(reply.cookie(), reply.error());
    }

    static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
