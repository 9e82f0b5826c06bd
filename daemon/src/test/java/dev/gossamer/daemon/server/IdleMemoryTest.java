package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.MemoryBudget;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import io.netty.util.internal.PlatformDependent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What a connection is counted with is what it takes. */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class IdleMemoryTest {
    private static final int CONNECTIONS = 200;

    /** A chunk or two that an allocator keeps for all. */
    private static final long SHARED_BYTES = 8 << 20;

    @Parameter
    private IoEngineChoice engine;

    @TempDir
    private Path directory;

    @Test
    void anIdleConnectionTakesNoMoreThanItIsCountedWith() throws Exception {
        IoLoops loops = IoLoops.start(1, engine, 4 << 20);
        MemoryDevice device = new MemoryDevice(1 << 20);
        NbdServer server =
                new NbdServer(loops, new OneExport(device, 1 << 20), ConnectionLimits.DEFAULT, TlsSettings.OFF);
        Path socket = directory.resolve("nbd.sock");
        server.listen(new ListenAddress.Unix(socket));
        List<NbdTestClient> clients = new ArrayList<>();
        try {
            long before = PlatformDependent.usedDirectMemory();
            for (int i = 0; i < CONNECTIONS; i++) {
                NbdTestClient client = new NbdTestClient(socket, OneExport.NAME);
                clients.add(client);
                client.read(i, 0, 4096);
                client.reply(4096);
            }
            long grown = PlatformDependent.usedDirectMemory() - before;
            long counted = CONNECTIONS * MemoryBudget.CONNECTION_BYTES + SHARED_BYTES;
            assertTrue(grown <= counted, CONNECTIONS + " connections take " + grown + " bytes, counted " + counted);
        } finally {
            for (NbdTestClient client : clients) {
                client.close();
            }
            server.stop(10_000);
            loops.close();
        }
    }
}
