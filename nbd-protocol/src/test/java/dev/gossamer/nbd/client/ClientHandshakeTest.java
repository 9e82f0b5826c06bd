package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.handshake.ExportDirectory;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.HandshakeHandler;
import dev.gossamer.nbd.handshake.HandshakeLimits;
import dev.gossamer.nbd.handshake.MetaContext;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.handshake.TestCertificates;
import dev.gossamer.nbd.handshake.TlsOffer;
import dev.gossamer.nbd.wire.NbdFlags;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.SslContext;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** C1, C4: our client and our server agree, in every combination of what they can do. */
final class ClientHandshakeTest {
    private static final ExportInfo VOL =
            new ExportInfo("vol", "thin volume 12", 64 << 20, NbdFlags.HAS_FLAGS, 1, 65536, 32 << 20);
    private static final ExportDirectory EXPORTS = new ExportDirectory() {
        @Override
        public List<ExportInfo> list(Peer peer) {
            return IntStream.range(0, 1000).mapToObj(i -> VOL).toList();
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return name.isEmpty() || name.equals("vol") ? VOL : null;
        }

        @Override
        public List<String> metaContexts(Peer peer, String exportName) {
            return List.of("base:allocation", "x-thin:shared");
        }
    };

    private final Recorder recorder = new Recorder();
    private final EmbeddedChannel server = new EmbeddedChannel();
    private final EmbeddedChannel client = new EmbeddedChannel();
    private NegotiatedExport served;

    private static ClientOptions options(String exportName, boolean extended, String... contexts) {
        return new ClientOptions(exportName, extended, List.of(contexts), null, 10_000);
    }

    private void converse(TlsOffer offer, ClientOptions options, int segmentBytes) {
        server.pipeline().addLast(new HandshakeHandler(EXPORTS, new HandshakeLimits(0, 0), offer, this::serve));
        client.pipeline().addLast(new ClientHandshake(options, recorder));
        // Long answers make pauses as long as they took: none.
        server.freezeTime();
        boolean moved;
        do {
            moved = carry(server, client, segmentBytes);
            moved |= carry(client, server, segmentBytes);
        } while (moved);
    }

    private void serve(ChannelHandlerContext ctx, NegotiatedExport negotiated) {
        served = negotiated;
        ctx.pipeline().replace(ctx.handler(), null, new ChannelInboundHandlerAdapter());
    }

    private static boolean carry(EmbeddedChannel from, EmbeddedChannel to, int segmentBytes) {
        from.runPendingTasks();
        boolean moved = false;
        for (ByteBuf sent = from.readOutbound(); sent != null; sent = from.readOutbound()) {
            moved = true;
            while (sent.isReadable() && to.isOpen()) {
                to.writeInbound(sent.readRetainedSlice(Math.min(segmentBytes, sent.readableBytes())));
            }
            sent.release();
        }
        if (!from.isOpen() && to.isOpen()) {
            to.close().syncUninterruptibly();
        }
        return moved;
    }

    @AfterEach
    void end() {
        client.finishAndReleaseAll();
        server.finishAndReleaseAll();
    }

    @Test
    void entersWithExtendedHeadersAndContexts() {
        converse(TlsOffer.NONE, options("", true, "x-thin:shared", "none:such", "base:allocation"), 7);
        assertNull(recorder.failure);
        RemoteExport export = recorder.export;
        assertEquals("vol", export.name());
        assertEquals("thin volume 12", export.description());
        assertEquals(VOL.sizeBytes(), export.sizeBytes());
        assertEquals(served.transmissionFlags(), export.transmissionFlags());
        assertEquals(
                List.of(1, 65536, 32 << 20),
                List.of(export.minimumBlockBytes(), export.preferredBlockBytes(), export.maximumPayloadBytes()));
        assertEquals(
                List.of(new MetaContext(1, "x-thin:shared"), new MetaContext(2, "base:allocation")), export.contexts());
        assertTrue(export.extendedHeaders() && export.structuredReplies());
        assertTrue(served.blockSizeAsked());
        assertTrue(client.isOpen());
    }

    @Test
    void entersWithStructuredRepliesIfThatIsAll() {
        converse(TlsOffer.NONE, options("vol", false), 1);
        assertTrue(recorder.export.structuredReplies());
        assertFalse(recorder.export.extendedHeaders());
        assertEquals(List.of(), served.contexts());
    }

    @Test
    void listsManyExports() {
        converse(TlsOffer.NONE, options(null, true), 1000);
        assertEquals(1000, recorder.names.size());
        assertEquals("vol", recorder.names.getFirst());
        assertFalse(client.isOpen());
    }

    @Test
    void refusalsAreToldAndTheConnectionIsAborted() {
        converse(TlsOffer.NONE, options("nope", true), 1000);
        assertEquals("server refuses: export is unknown (export unknown: 'nope')", recorder.failure);
        assertFalse(client.isOpen());
        assertNull(served);
    }

    @Test
    void tlsIsUsedWithARightCertificateOnly(@TempDir Path directory) throws Exception {
        TestCertificates right = new TestCertificates(directory, "localhost");
        SslContext context = right.server(null);
        TlsOffer required = new TlsOffer(TlsOffer.Mode.REQUIRED, context::newHandler);
        SslContext trusting = right.client(null);
        ClientOptions options =
                new ClientOptions("vol", true, List.of(), alloc -> trusting.newHandler(alloc, "localhost", 1), 10_000);
        converse(required, options, 1_000_000);
        assertNotNull(recorder.export, recorder.failure);
        assertTrue(Peer.of(server).tls());
    }

    @Test
    void aCertificateForAnotherHostIsRefused(@TempDir Path directory) throws Exception {
        TestCertificates wrong = new TestCertificates(directory, "other.example");
        SslContext context = wrong.server(null);
        TlsOffer required = new TlsOffer(TlsOffer.Mode.REQUIRED, context::newHandler);
        SslContext trusting = wrong.client(null);
        ClientOptions options =
                new ClientOptions("vol", true, List.of(), alloc -> trusting.newHandler(alloc, "localhost", 1), 10_000);
        converse(required, options, 1_000_000);
        assertTrue(recorder.failure.startsWith("TLS handshake failed"), recorder.failure);
        assertNull(served);
    }

    @Test
    void tlsNeverFallsBack(@TempDir Path directory) throws Exception {
        SslContext trusting = new TestCertificates(directory, "localhost").client(null);
        ClientOptions options =
                new ClientOptions("vol", true, List.of(), alloc -> trusting.newHandler(alloc, "h", 1), 10_000);
        converse(TlsOffer.NONE, options, 1000);
        assertTrue(recorder.failure.startsWith("server refuses: option is not supported"), recorder.failure);
        assertNull(served);
    }

    @Test
    void aServerThatWantsTlsIsSaidSo(@TempDir Path directory) throws Exception {
        SslContext context = new TestCertificates(directory, "localhost").server(null);
        converse(new TlsOffer(TlsOffer.Mode.REQUIRED, context::newHandler), options("vol", true), 1000);
        assertTrue(recorder.failure.contains("TLS is required; use nbds"), recorder.failure);
    }

    @Test
    void optionsAreChecked() {
        String[] many = IntStream.range(0, 65).mapToObj(i -> "a:" + i).toArray(String[]::new);
        assertThrows(IllegalArgumentException.class, () -> options("vol", true, many));
        assertThrows(IllegalArgumentException.class, () -> new ClientOptions("vol", true, List.of(), null, 0));
    }
}
