package dev.gossamer.daemon.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.Peer;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** Clients that ask for long answers in the handshake, and take none of them. */
@Timeout(60)
@ParameterizedClass
@EnumSource(names = {"AUTO", "THREADS"})
class HandshakeMemoryTest {
    private static final int HANDSHAKES = 12;
    private static final int OPTIONS = 60;
    private static final long OPTION_MAGIC = 0x49484156454F5054L;
    private static final int STRUCTURED_REPLY = 8;
    private static final int LIST_META_CONTEXT = 9;

    /** Two thirds of a megabyte for one answer: all contexts. */
    private static final List<String> CONTEXTS = IntStream.range(0, 200)
            .mapToObj(i -> "x-thin:" + String.valueOf(i).repeat(1000))
            .toList();

    /** For each handshake: its queue, what is in the decoder, and what an allocator rounds them up to. */
    private static final long EACH_BYTES = 1 << 20;

    @Parameter
    private IoEngineChoice engine;

    @TempDir
    private Path directory;

    @Test
    void longAnswersThatNobodyTakesStayShort() throws Exception {
        IoLoops loops = IoLoops.start(1, engine, 16 << 20);
        MemoryDevice device = new MemoryDevice(1 << 20);
        NbdServer server = new NbdServer(loops, new Talkative(device), ConnectionLimits.DEFAULT, TlsSettings.OFF);
        Path socket = directory.resolve("nbd.sock");
        server.listen(new ListenAddress.Unix(socket));
        long before = usedBytes();
        List<SocketChannel> greedy = new ArrayList<>();
        for (int i = 0; i < HANDSHAKES; i++) {
            SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(socket));
            greedy.add(client);
            client.write(options());
        }
        try (NbdTestClient other = new NbdTestClient(socket, OneExport.NAME)) {
            for (int i = 0; i < 2000; i++) {
                other.read(i, 0, 512);
                assertEquals(Errno.OK, other.reply(512).error());
            }
            long grown = usedBytes() - before;
            assertTrue(grown <= HANDSHAKES * EACH_BYTES, HANDSHAKES + " handshakes took " + grown + " bytes");
        } finally {
            for (SocketChannel client : greedy) {
                client.close();
            }
            server.stop(10_000);
            loops.close();
        }
    }

    private static long usedBytes() {
        return ((ByteBufAllocatorMetricProvider) ByteBufAllocator.DEFAULT)
                .metric()
                .usedDirectMemory();
    }

    private static ByteBuffer options() {
        byte[] name = OneExport.NAME.getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(1 << 16);
        bytes.putInt(3).putLong(OPTION_MAGIC).putInt(STRUCTURED_REPLY).putInt(0);
        for (int i = 0; i < OPTIONS; i++) {
            bytes.putLong(OPTION_MAGIC).putInt(LIST_META_CONTEXT).putInt(8 + name.length);
            bytes.putInt(name.length).put(name).putInt(0);
        }
        return bytes.flip();
    }

    private record Talkative(MemoryDevice device) implements Exports {
        private OneExport one() {
            return new OneExport(device, 1 << 20);
        }

        @Override
        public Iterable<ExportInfo> list(Peer peer) {
            return one().list(peer);
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return one().find(peer, name);
        }

        @Override
        public List<String> metaContexts(Peer peer, String exportName) {
            return CONTEXTS;
        }

        @Override
        public OpenExport open(String name, List<MetaContext> contexts) {
            return one().open(name, contexts);
        }
    }
}
