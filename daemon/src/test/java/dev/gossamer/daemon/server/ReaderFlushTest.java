package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import dev.gossamer.nbd.wire.NbdFlags;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A client of a read-only export may ask for a FLUSH, as with other servers; what that costs others has a bound. */
@Timeout(60)
class ReaderFlushTest {
    private static final int FLUSHES = 200;
    private static final int SIZE_BYTES = 1 << 20;

    private record OnlyToRead(OneExport real) implements Exports {
        @Override
        public List<ExportInfo> list(Peer peer) {
            int flags = NbdFlags.HAS_FLAGS | NbdFlags.READ_ONLY | NbdFlags.SEND_FLUSH;
            return List.of(new ExportInfo(OneExport.NAME, "", SIZE_BYTES, flags, 1, 4096, 1 << 20));
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return list(peer).getFirst();
        }

        @Override
        public OpenExport open(String name, List<MetaContext> contexts) {
            return real.open(name, contexts);
        }
    }

    @Test
    void manyFlushesAreAnsweredAndFewReachTheDevice(@TempDir Path directory) throws Exception {
        MemoryDevice device = new MemoryDevice(SIZE_BYTES);
        Path socket = directory.resolve("nbd.sock");
        try (IoLoops loops = IoLoops.start(1, IoEngineChoice.THREADS, 16 << 20)) {
            Exports exports = new OnlyToRead(new OneExport(device, SIZE_BYTES));
            NbdServer server = new NbdServer(loops, exports, ConnectionLimits.DEFAULT, TlsSettings.OFF);
            server.listen(new ListenAddress.Unix(socket));
            try (NbdTestClient client = new NbdTestClient(socket, OneExport.NAME)) {
                for (int i = 0; i < FLUSHES; i++) {
                    client.request(NbdCommand.FLUSH, 0, i, 0, 0);
                }
                for (int i = 0; i < FLUSHES; i++) {
                    assertEquals(NbdError.OK, client.reply(0).error());
                }
            }
            assertTrue(device.submitted() < FLUSHES / 2, device.submitted() + " reached the device");
            server.stop(2_000);
        }
    }
}
