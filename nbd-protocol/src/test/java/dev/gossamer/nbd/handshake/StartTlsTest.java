package dev.gossamer.nbd.handshake;

import static dev.gossamer.nbd.handshake.HandshakePeer.clientFlags;
import static dev.gossamer.nbd.handshake.HandshakePeer.infoData;
import static dev.gossamer.nbd.handshake.HandshakePeer.join;
import static dev.gossamer.nbd.handshake.HandshakePeer.metaData;
import static dev.gossamer.nbd.handshake.HandshakePeer.option;
import static dev.gossamer.nbd.wire.NbdOption.ABORT;
import static dev.gossamer.nbd.wire.NbdOption.EXPORT_NAME;
import static dev.gossamer.nbd.wire.NbdOption.GO;
import static dev.gossamer.nbd.wire.NbdOption.INFO;
import static dev.gossamer.nbd.wire.NbdOption.LIST;
import static dev.gossamer.nbd.wire.NbdOption.LIST_META_CONTEXT;
import static dev.gossamer.nbd.wire.NbdOption.SET_META_CONTEXT;
import static dev.gossamer.nbd.wire.NbdOption.STARTTLS;
import static dev.gossamer.nbd.wire.NbdOption.STRUCTURED_REPLY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** H3, H18, H33 to H41: the way into TLS, and what is not answered before it. */
final class StartTlsTest {
    private static final HandshakeLimits NO_LIMITS = new HandshakeLimits(0, 0);

    @TempDir
    private static Path directory;

    private static TestCertificates serverKey;
    private static TestCertificates alice;
    private static TestCertificates stranger;
    private static TlsOffer required;
    private static TlsOffer optional;

    private HandshakePeer peer;
    private EmbeddedChannel client;

    @BeforeAll
    static void makeCertificates() throws Exception {
        serverKey = new TestCertificates(directory, "localhost");
        alice = new TestCertificates(directory, "alice");
        stranger = new TestCertificates(directory, "stranger");
        SslContext plain = serverKey.server(null);
        required = new TlsOffer(TlsOffer.Mode.REQUIRED, plain::newHandler);
        optional = new TlsOffer(TlsOffer.Mode.OPTIONAL, plain::newHandler);
    }

    /** {@link HandshakePeer#SNAP} exists only for peers with TLS. */
    private static final class TlsOnlySnap implements ExportDirectory {
        private final boolean snapNeedsTls;
        private Peer lastPeer;

        TlsOnlySnap(boolean snapNeedsTls) {
            this.snapNeedsTls = snapNeedsTls;
        }

        @Override
        public List<ExportInfo> list(Peer peer) {
            lastPeer = peer;
            boolean hidden = snapNeedsTls && !peer.tls();
            return hidden ? List.of(HandshakePeer.VOL) : List.of(HandshakePeer.VOL, HandshakePeer.SNAP);
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return list(peer).stream()
                    .filter(export -> export.name().equals(name))
                    .findFirst()
                    .orElse(null);
        }

        @Override
        public boolean hasTlsOnlyExports() {
            return snapNeedsTls;
        }
    }

    private HandshakePeer connect(TlsOffer offer) {
        return connect(offer, true);
    }

    private HandshakePeer connect(TlsOffer offer, boolean snapNeedsTls) {
        peer = new HandshakePeer(new TlsOnlySnap(snapNeedsTls), NO_LIMITS, offer).greet();
        return peer;
    }

    /** Sends STARTTLS and lets both engines shake hands. */
    private void startTls(SslContext clientContext) {
        peer.feed(option(STARTTLS));
        peer.reply(STARTTLS, NbdReply.ACK);
        client = new EmbeddedChannel(clientContext.newHandler(peer.channel.alloc(), "localhost", 10809));
        carry();
    }

    /** Carries encrypted bytes both ways until nothing moves. */
    private void carry() {
        boolean moved;
        do {
            client.runPendingTasks();
            peer.channel.runPendingTasks();
            moved = false;
            for (ByteBuf sent = client.readOutbound(); sent != null; sent = client.readOutbound()) {
                moved |= give(peer.channel, sent);
            }
            for (ByteBuf sent = peer.channel.readOutbound(); sent != null; sent = peer.channel.readOutbound()) {
                moved |= give(client, sent);
            }
        } while (moved);
    }

    private static boolean give(EmbeddedChannel channel, ByteBuf bytes) {
        if (!channel.isOpen()) {
            return !bytes.release();
        }
        channel.writeInbound(bytes);
        return true;
    }

    /** Sends options through TLS and returns the types of all replies. */
    private List<Integer> secretly(byte[]... options) {
        client.writeOutbound(Unpooled.wrappedBuffer(join(options)));
        carry();
        ByteBuf in = Unpooled.buffer();
        for (ByteBuf plain = client.readInbound(); plain != null; plain = client.readInbound()) {
            in.writeBytes(plain);
            plain.release();
        }
        List<Integer> types = new ArrayList<>();
        while (in.isReadable()) {
            assertEquals(NbdMagic.OPTION_REPLY, in.readLong());
            in.readInt();
            types.add(in.readInt());
            in.skipBytes(in.readInt());
        }
        return types;
    }

    @AfterEach
    void nothingIsLeftOver() {
        if (client != null) {
            closeClient();
            carry();
            client.finishAndReleaseAll();
        }
        if (peer != null) {
            peer.end();
        }
    }

    @Test
    void withoutTlsNothingIsSaidAboutIt() {
        connect(TlsOffer.NONE);
        peer.feed(option(STARTTLS));
        peer.reply(STARTTLS, NbdReply.ERR_UNSUP);
        peer.feed(option(GO, infoData("snap")));
        peer.reply(GO, NbdReply.ERR_UNKNOWN);
        peer.assertInStep();
    }

    @Test
    void requiredModeAnswersNothingElseInTheClear() {
        connect(required);
        for (int number : new int[] {0, 3, 4, 6, 7, 8, 9, 10, 11, 12, 99, 0x7eadbeef}) {
            peer.feed(option(number, infoData("vol")));
            peer.reply(number, NbdReply.ERR_TLS_REQD);
        }
        peer.feed(option(LIST, new byte[500_000]));
        peer.reply(LIST, NbdReply.ERR_TLS_REQD);
        peer.feed(option(ABORT));
        peer.reply(ABORT, NbdReply.ACK);
        peer.assertDropped();
    }

    @Test
    void requiredModeDropsExportName() {
        connect(required);
        peer.feed(option(EXPORT_NAME, "vol".getBytes(StandardCharsets.US_ASCII)));
        peer.assertDropped();
        assertNull(peer.negotiated);
    }

    @Test
    void optionalModeHidesExportsThatNeedTls() {
        connect(optional);
        peer.feed(option(LIST));
        assertEquals(2, peer.replies().size());
        for (String name : new String[] {"snap", "nope"}) {
            for (int number : new int[] {INFO, GO}) {
                peer.feed(option(number, infoData(name)));
                assertEquals(
                        "export may need TLS",
                        peer.reply(number, NbdReply.ERR_TLS_REQD).text());
            }
        }
        peer.feed(option(STRUCTURED_REPLY));
        peer.reply(STRUCTURED_REPLY, NbdReply.ACK);
        for (int number : new int[] {LIST_META_CONTEXT, SET_META_CONTEXT}) {
            peer.feed(option(number, metaData("snap", "base:allocation")));
            peer.reply(number, NbdReply.ERR_UNKNOWN);
        }
        peer.feed(option(99));
        peer.reply(99, NbdReply.ERR_UNSUP);
        peer.feed(option(GO, infoData("vol")));
        assertNotNull(peer.negotiated);
    }

    @Test
    void optionalModeWithoutHiddenExportsSaysUnknown() {
        connect(optional, false);
        peer.feed(option(GO, infoData("nope")));
        peer.reply(GO, NbdReply.ERR_UNKNOWN);
        peer.feed(option(EXPORT_NAME, "nope".getBytes(StandardCharsets.US_ASCII)));
        peer.assertDropped();
    }

    @Test
    void afterTlsEverythingIsThere() throws Exception {
        connect(required);
        startTls(serverKey.client(null));
        assertEquals(
                List.of(NbdReply.SERVER, NbdReply.SERVER, NbdReply.ACK, NbdReply.ERR_INVALID, NbdReply.ERR_UNKNOWN),
                secretly(option(LIST), option(STARTTLS), option(GO, infoData("nope"))));
        assertEquals(List.of(NbdReply.INFO, NbdReply.INFO, NbdReply.ACK), secretly(option(GO, infoData("snap"))));
        assertEquals(HandshakePeer.SNAP, peer.negotiated.export());
        assertTrue(Peer.of(peer.channel).tls());
        assertNull(Peer.of(peer.channel).certificateSubject());
    }

    @Test
    void firstRequestsBehindGoComeThroughTls() throws Exception {
        connect(required);
        startTls(serverKey.client(null));
        byte[] request = "the first request".getBytes(StandardCharsets.US_ASCII);
        secretly(join(option(GO, infoData("vol")), request));
        assertEquals("the first request", peer.transmission.toString(StandardCharsets.US_ASCII));
    }

    @Test
    void everythingSaidBeforeTlsIsForgotten() throws Exception {
        connect(optional);
        peer.feed(option(STRUCTURED_REPLY), option(SET_META_CONTEXT, metaData("vol", "base:allocation")));
        peer.replies();
        startTls(serverKey.client(null));
        assertEquals(
                List.of(NbdReply.ERR_INVALID), secretly(option(SET_META_CONTEXT, metaData("vol", "base:allocation"))));
        secretly(option(GO, infoData("vol")));
        assertFalse(peer.negotiated.structuredReplies());
        assertEquals(List.of(), peer.negotiated.contexts());
    }

    @Test
    void plainTextBehindStartTlsDrops() {
        for (byte[] injected : List.of(option(STRUCTURED_REPLY), new byte[1])) {
            connect(required);
            peer.feed(join(option(STARTTLS), injected));
            peer.assertDropped();
        }
        peer = null;
    }

    @Test
    void plainTextInsteadOfTlsDropsAndHasNoEffect() {
        connect(optional);
        peer.feed(option(STARTTLS));
        peer.reply(STARTTLS, NbdReply.ACK);
        peer.feed(option(GO, infoData("vol")));
        assertFalse(peer.channel.isOpen());
        assertNull(peer.negotiated);
        peer.channel.checkException();
    }

    @Test
    void startTlsTakesNoDataAndNeedsAModernClient() {
        connect(optional);
        peer.feed(option(STARTTLS, new byte[1]));
        peer.reply(STARTTLS, NbdReply.ERR_INVALID);
        peer.assertInStep();
        peer.end();
        peer = new HandshakePeer(new TlsOnlySnap(true), NO_LIMITS, optional);
        peer.skipGreeting();
        peer.feed(clientFlags(0), option(STARTTLS));
        peer.reply(STARTTLS, NbdReply.ERR_POLICY);
        peer.assertInStep();
    }

    @Test
    void theCertificateTellsWhoAsks() throws Exception {
        SslContext demanding = serverKey.server(alice);
        TlsOnlySnap exports = new TlsOnlySnap(true);
        peer = new HandshakePeer(exports, NO_LIMITS, new TlsOffer(TlsOffer.Mode.REQUIRED, demanding::newHandler))
                .greet();
        startTls(serverKey.client(alice));
        secretly(option(LIST));
        assertEquals("CN=alice", exports.lastPeer.certificateSubject());
    }

    @Test
    void aMissingOrForeignCertificateEndsTheConnection() throws Exception {
        SslContext demanding = serverKey.server(alice);
        for (TestCertificates shown : new TestCertificates[] {null, stranger}) {
            connect(new TlsOffer(TlsOffer.Mode.REQUIRED, demanding::newHandler));
            startTlsExpectingFailure(serverKey.client(shown));
            assertFalse(peer.channel.isOpen());
            peer.channel.checkException();
            peer.end();
        }
        peer = null;
    }

    @SuppressWarnings("FutureReturnValueIgnored") // The test looks at what the server saw.
    private void closeClient() {
        client.close();
    }

    private void startTlsExpectingFailure(SslContext clientContext) {
        try {
            startTls(clientContext);
            secretly(option(LIST));
        } catch (Exception e) {
            assertTrue(String.valueOf(e).contains("SSL") || e.getCause() != null, String.valueOf(e));
        }
        closeClient();
        client.finishAndReleaseAll();
        client = null;
    }

    @Test
    void abortOverTlsSaysGoodbye() throws Exception {
        connect(required);
        startTls(serverKey.client(null));
        assertEquals(List.of(NbdReply.ACK), secretly(option(ABORT)));
        assertFalse(peer.channel.isOpen());
        assertTrue(client.pipeline().get(SslHandler.class).sslCloseFuture().isSuccess(), "close_notify arrived");
    }

    @Test
    void theClockRunsOnDuringTheTlsHandshake() {
        peer = new HandshakePeer(new TlsOnlySnap(true), new HandshakeLimits(10_000, 60_000), required).greet();
        peer.feed(option(STARTTLS));
        peer.reply(STARTTLS, NbdReply.ACK);
        peer.channel.advanceTimeBy(10_001, TimeUnit.MILLISECONDS);
        peer.channel.runScheduledPendingTasks();
        assertFalse(peer.channel.isOpen());
    }

    @Test
    void anOfferHasCertificatesExactlyIfItOffers() {
        assertThrows(IllegalArgumentException.class, () -> new TlsOffer(TlsOffer.Mode.REQUIRED, null));
        assertThrows(IllegalArgumentException.class, () -> new TlsOffer(TlsOffer.Mode.NONE, required.handlers()));
    }
}
