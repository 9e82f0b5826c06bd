package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdError;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToLongBiFunction;

/**
 * Clients that connect while the loop's heap is used up. In the program that is loaded by {@link ScarceMemory#loader}.
 */
public final class ConnectStory implements ToLongBiFunction<Path, String> {
    private static final int PATIENCE_MILLIS = 10_000;

    /** Counts the handles that it gives. */
    private record Counted(OneExport real, AtomicInteger opened) implements Exports {
        @Override
        public List<ExportInfo> list(Peer peer) {
            return real.list(peer);
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return real.find(peer, name);
        }

        @Override
        public OpenExport open(String name, List<MetaContext> contexts) {
            OpenExport handle = real.open(name, contexts);
            opened.incrementAndGet();
            return handle;
        }
    }

    private final MemoryDevice device = new MemoryDevice(1 << 20);
    private final AtomicInteger opened = new AtomicInteger();
    private NbdServer server;
    private int good;
    private long directBytes = -1;

    /** For each allocation of a connection one client. @return how many there are */
    @Override
    public long applyAsLong(Path socket, String engine) {
        try (IoLoops loops = IoLoops.start(1, IoEngineChoice.valueOf(engine), 16 << 20)) {
            Exports exports = new Counted(new OneExport(device, 1 << 20), opened);
            server = new NbdServer(loops, exports, ConnectionLimits.DEFAULT, TlsSettings.OFF);
            server.listen(new ListenAddress.Unix(socket));
            visit(socket); // what is made once is there from now on
            awaitNobody("at first");
            directBytes = directBytes();
            long places = 0;
            do {
                fail(loops.loop(0), ++places);
                visit(socket);
                ScarceMemory.end();
                awaitNobody("memory failed at " + places);
            } while (ScarceMemory.failure() != null);
            good = 0;
            visit(socket);
            assertEquals(1, good, "a client is served");
            awaitNobody("at the end");
            server.stop(2_000);
            return places;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void fail(NettyLoop loop, long n) {
        loop.eventLoop().submit(() -> ScarceMemory.failAt(n, 1)).syncUninterruptibly();
    }

    private void visit(Path socket) {
        try (NbdTestClient client = new NbdTestClient(socket, OneExport.NAME)) {
            client.read(1, 0, 4096);
            good += client.reply(4096).error() == NbdError.OK ? 1 : 0;
        } catch (IOException | AssertionError turnedAway) {
            // That is what has to be expected.
        }
    }

    private void awaitNobody(String when) {
        for (int i = 0; i < PATIENCE_MILLIS && !isQuiet(); i++) {
            try {
                TimeUnit.MILLISECONDS.sleep(1);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
        assertTrue(
                isQuiet(),
                () -> when + ": " + server.connections().size() + " in transmission, "
                        + server.clients().connections() + " counted, " + opened.get() + " handles opened, "
                        + device.closed() + " closed, " + (directBytes() - directBytes)
                        + " bytes of direct memory held: " + ScarceMemory.failure());
    }

    private boolean isQuiet() {
        return server.connections().size() == 0
                && server.clients().connections() == 0
                && opened.get() == device.closed()
                && (directBytes < 0 || directBytes() == directBytes);
    }

    /** Of streams and replies; Netty's own receive buffers come from elsewhere. */
    private static long directBytes() {
        return UnpooledByteBufAllocator.DEFAULT.metric().usedDirectMemory();
    }
}
