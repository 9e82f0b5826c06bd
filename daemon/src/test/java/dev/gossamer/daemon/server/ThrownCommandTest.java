package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdError;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an export throws when it is asked for something is that command's end, and its connection's no more. */
@Timeout(60)
class ThrownCommandTest {
    @TempDir
    private Path directory;

    private static final class ThrowingExports implements Exports {
        private final OneExport plain = new OneExport(new MemoryDevice(8 << 20), 8 << 20);

        @Override
        public Iterable<ExportInfo> list(Peer peer) {
            return plain.list(peer);
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return plain.find(peer, name);
        }

        @Override
        public OpenExport open(String name, List<MetaContext> contexts) {
            OpenExport real = plain.open(name, contexts);
            return (OpenExport) Proxy.newProxyInstance(
                    getClass().getClassLoader(), new Class<?>[] {OpenExport.class}, (proxy, method, arguments) -> {
                        if (method.getName().equals("prefetch")) {
                            throw new OutOfMemoryError("a test");
                        }
                        try {
                            return method.invoke(real, arguments);
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }
    }

    @Test
    void aCacheThatThrowsIsAnsweredAndItsConnectionGoesOn() throws Exception {
        Path socket = directory.resolve("nbd.sock");
        try (IoLoops loops = IoLoops.start(1, IoEngineChoice.THREADS, 16 << 20)) {
            NbdServer server = new NbdServer(loops, new ThrowingExports(), ConnectionLimits.DEFAULT, TlsSettings.OFF);
            server.listen(new ListenAddress.Unix(socket));
            try (NbdTestClient client = new NbdTestClient(socket, OneExport.NAME)) {
                client.request(NbdCommand.CACHE, 0, 1, 0, 4096);
                assertEquals(NbdError.EIO, client.reply(0).error());
                client.read(2, 0, 4096);
                assertEquals(NbdError.OK, client.reply(4096).error());
            }
            server.stop(2_000);
            assertEquals(0, server.connections().size());
        }
    }
}
