package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdReply;
import dev.gossamer.thin.ReadLayout;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusExtents;
import dev.gossamer.thin.StatusKind;
import dev.gossamer.thin.StatusQuery;
import io.netty.buffer.PooledByteBufAllocator;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** A client that asks for the status of a fragmented volume, again and again, and takes no answer (T53, T54). */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class StatusMemoryTest {
    private static final String NAME = "disk";
    private static final String CONTEXT = "base:allocation";
    private static final long DISK_BYTES = 1L << 40;
    private static final int BLOCK_BYTES = 64 << 10;
    private static final int BUFFER_BYTES = 16 << 20;
    private static final int QUERIES = 256;

    /** The most that a request can ask for. */
    private static final int LENGTH = -BLOCK_BYTES;

    @Parameter
    private IoEngineChoice engine;

    @TempDir
    private Path directory;

    private final AtomicInteger asked = new AtomicInteger();
    private final AtomicInteger most = new AtomicInteger();

    @Test
    void answersComeOutOfTheLoopsMemoryAndOthersGoOn() throws Exception {
        IoLoops loops = IoLoops.start(1, engine, BUFFER_BYTES);
        NbdServer server = new NbdServer(loops, new Fragmented(), ConnectionLimits.DEFAULT, TlsSettings.OFF);
        Path socket = directory.resolve("nbd.sock");
        server.listen(new ListenAddress.Unix(socket));
        long before = PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory();
        try (NbdTestClient greedy = NbdTestClient.withContext(socket, NAME, CONTEXT);
                NbdTestClient other = new NbdTestClient(socket, NAME)) {
            for (int i = 0; i < QUERIES; i++) {
                greedy.request(NbdCommand.BLOCK_STATUS, 0, i, 0, LENGTH);
            }
            for (int i = 0; i < 100; i++) {
                other.read(i, 0, 4096);
                assertEquals(Errno.OK, other.reply(4096).error());
            }
            long grown = PooledByteBufAllocator.DEFAULT.metric().usedDirectMemory() - before;
            assertTrue(grown <= BUFFER_BYTES, "answers took " + grown + " bytes beside the loop's memory");
            for (int i = 0; i < QUERIES; i++) {
                NbdTestClient.Chunk chunk = greedy.chunk();
                assertEquals(NbdReply.CHUNK_BLOCK_STATUS, chunk.type());
                assertEquals(i, chunk.cookie(), "answers come in the order of the queries");
                checkAlternating(chunk.payload());
            }
            assertEquals(1, most.get(), "queries of one connection that the export had at a time");
        }
        server.stop(10_000);
        NettyLoop loop = loops.loop(0);
        loop.eventLoop()
                .submit(() -> assertEquals(0, loop.buffers().usedBytes(), "buffer bytes in use"))
                .get();
        loops.close();
    }

    private static void checkAlternating(ByteBuffer payload) {
        assertEquals(1, payload.getInt());
        int extents = payload.remaining() / 8;
        assertTrue(extents > 60_000, "4 GiB take few answers: " + extents);
        for (int i = 0; i < extents; i++) {
            assertEquals(BLOCK_BYTES, payload.getInt());
            assertEquals(i % 2, payload.getInt());
        }
    }

    /** A large disk that reads as whatever the memory holds, and every other block of which is a hole. */
    private final class Fragmented implements Exports {
        private final ExportInfo info = new ExportInfo(
                NAME, "", DISK_BYTES, NbdFlags.HAS_FLAGS | NbdFlags.READ_ONLY | NbdFlags.SEND_FLUSH, 1, 4096, 1 << 20);

        @Override
        public List<ExportInfo> list(Peer peer) {
            return List.of(info);
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return name.equals(NAME) ? info : null;
        }

        @Override
        public List<String> metaContexts(Peer peer, String exportName) {
            return List.of(CONTEXT);
        }

        @Override
        public OpenExport open(String name, List<MetaContext> contexts) {
            StatusContext[] selected = contexts.stream()
                    .map(context -> new StatusContext(context.name(), StatusKind.ALLOCATION, 1, null))
                    .toArray(StatusContext[]::new);
            return new Opened(selected);
        }
    }

    /** Answers aside, as a pool's worker does, with as many extents as it may. */
    private final class Opened implements OpenExport {
        private final StatusContext[] contexts;

        Opened(StatusContext[] contexts) {
            this.contexts = contexts;
        }

        @Override
        public void queryStatus(StatusQuery query) {
            most.accumulateAndGet(asked.incrementAndGet(), Math::max);
            Thread.ofVirtual().start(() -> {
                StatusExtents answer = query.beginAnswer(0);
                for (long end = BLOCK_BYTES; answer.upTo(end, (int) (end / BLOCK_BYTES - 1) % 2); end += BLOCK_BYTES) {}
                asked.decrementAndGet();
                query.complete(Errno.OK);
            });
        }

        @Override
        public BlockDevice device() {
            return new LargeDisk();
        }

        @Override
        public RateGate rates() {
            return new RateGate();
        }

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public String key() {
            return name();
        }

        @Override
        public boolean uses(String volume) {
            return false;
        }

        @Override
        public StatusContext[] contexts() {
            return contexts;
        }

        @Override
        public void layout(IoLoop loop, long offsetBytes, long lengthBytes, ReadLayout layout) {
            layout.begin(offsetBytes);
            layout.add(offsetBytes + lengthBytes, false);
            layout.finish();
        }

        @Override
        public void prefetch(IoLoop loop, long offsetBytes, long lengthBytes, IntConsumer answered) {
            answered.accept(Errno.OK);
        }

        @Override
        public void abandon() {}

        @Override
        public void close() {}
    }

    private static final class LargeDisk implements BlockDevice {
        @Override
        public BlockGeometry geometry() {
            return new BlockGeometry(DISK_BYTES, 1, false, 1);
        }

        @Override
        public void submit(BlockRequest request) {
            request.complete(Errno.OK);
        }

        @Override
        public void close() {}
    }
}
