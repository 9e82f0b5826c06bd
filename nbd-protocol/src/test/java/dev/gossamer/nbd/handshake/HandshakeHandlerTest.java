package dev.gossamer.nbd.handshake;

import static dev.gossamer.nbd.handshake.HandshakePeer.SNAP;
import static dev.gossamer.nbd.handshake.HandshakePeer.VOL;
import static dev.gossamer.nbd.handshake.HandshakePeer.WRITABLE_FLAGS;
import static dev.gossamer.nbd.handshake.HandshakePeer.clientFlags;
import static dev.gossamer.nbd.handshake.HandshakePeer.infoData;
import static dev.gossamer.nbd.handshake.HandshakePeer.join;
import static dev.gossamer.nbd.handshake.HandshakePeer.option;
import static dev.gossamer.nbd.handshake.HandshakePeer.optionHeader;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.handshake.HandshakePeer.Reply;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdInfo;
import dev.gossamer.nbd.wire.NbdMagic;
import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** H1 to H10, H15 to H20, H24 to H30: what each option is answered with. */
final class HandshakeHandlerTest {
    private static final byte[] FIRST_REQUEST = "the first request".getBytes(StandardCharsets.US_ASCII);

    @Test
    void greetsAtOnceAndOnce() {
        HandshakePeer peer = HandshakePeer.connect();
        ByteBuf greeting = peer.output();
        assertEquals(18, greeting.readableBytes());
        assertEquals("NBDMAGICIHAVEOPT", greeting.readString(16, StandardCharsets.US_ASCII));
        assertEquals(3, greeting.readShort());
        peer.end();
    }

    @ParameterizedTest
    @ValueSource(ints = {4, 7, 0x80000003, 0x10000})
    void dropsUnknownClientFlags(int flags) {
        HandshakePeer peer = HandshakePeer.connect();
        peer.skipGreeting();
        peer.feed(clientFlags(flags));
        peer.assertDropped();
    }

    @Test
    void servesPlainNewstyleClients() {
        HandshakePeer peer = HandshakePeer.connect();
        peer.skipGreeting();
        peer.feed(clientFlags(0));
        peer.assertInStep();
        peer.end();
    }

    @Test
    void dropsWrongOptionMagic() {
        HandshakePeer peer = HandshakePeer.greeted();
        byte[] option = option(NbdOption.LIST);
        option[7] = 'S';
        peer.feed(option);
        peer.assertDropped();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 4, 5, 12, 0x7eadbeef, -1})
    void skipsUnknownOptionsAndStaysInStep(int number) {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(number, new byte[200_000]));
        peer.reply(number, NbdReply.ERR_UNSUP);
        peer.feed(option(number));
        peer.reply(number, NbdReply.ERR_UNSUP);
        peer.assertInStep();
        peer.end();
    }

    @Test
    void skipsKnownOptionsWithMoreDataThanTheyCanNeed() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(NbdOption.GO, new byte[OptionGate.DATA_LIMIT_BYTES]));
        peer.reply(NbdOption.GO, NbdReply.ERR_INVALID);
        peer.feed(option(NbdOption.GO, new byte[OptionGate.DATA_LIMIT_BYTES + 1]));
        peer.reply(NbdOption.GO, NbdReply.ERR_TOO_BIG);
        peer.feed(option(NbdOption.LIST, new byte[HandshakeHandler.SKIP_LIMIT_BYTES]));
        peer.reply(NbdOption.LIST, NbdReply.ERR_TOO_BIG);
        peer.assertInStep();
        peer.end();
    }

    @ParameterizedTest
    @ValueSource(ints = {HandshakeHandler.SKIP_LIMIT_BYTES + 1, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
    void dropsAnnouncedLengthsOverOneMebibyteWithoutWaiting(int lengthBytes) {
        for (int number : new int[] {NbdOption.GO, NbdOption.EXPORT_NAME, 0x7eadbeef}) {
            HandshakePeer peer = HandshakePeer.greeted();
            peer.feed(optionHeader(number, lengthBytes));
            peer.assertDropped();
        }
    }

    @Test
    void keepsGoingAfterInconsistentInfoData() {
        byte[] good = infoData("vol", NbdInfo.NAME);
        byte[] nul = infoData("vo\0");
        byte[] malformed = infoData("vo?");
        malformed[6] = (byte) 0xff;
        byte[] hugeName = {-1, -1, -1, -1, 0, 0};
        byte[] nameOverItemCount = {0, 0, 0, 1, 'v', 0};
        byte[] missingItem = {0, 0, 0, 1, 'v', 0, 2, 0, 0};
        List<byte[]> bad = List.of(
                new byte[0],
                new byte[5],
                hugeName,
                nameOverItemCount,
                missingItem,
                join(good, new byte[1]),
                join(good, new byte[2]),
                nul,
                malformed,
                infoData("n".repeat(4097)));
        HandshakePeer peer = HandshakePeer.greeted();
        for (byte[] data : bad) {
            for (int number : new int[] {NbdOption.INFO, NbdOption.GO}) {
                peer.feed(option(number, data));
                peer.reply(number, NbdReply.ERR_INVALID);
            }
            peer.assertInStep();
        }
        assertNull(peer.negotiated);
        peer.end();
    }

    @Test
    void refusesDataWhereNoneBelongs() {
        HandshakePeer peer = HandshakePeer.greeted();
        for (int number : new int[] {NbdOption.LIST, NbdOption.STRUCTURED_REPLY, NbdOption.EXTENDED_HEADERS}) {
            peer.feed(option(number, new byte[1]));
            peer.reply(number, NbdReply.ERR_INVALID);
            peer.assertInStep();
        }
        peer.feed(option(NbdOption.GO, infoData("vol")));
        assertFalse(peer.negotiated.structuredReplies(), "a refused option has no effect");
        peer.end();
    }

    @Test
    void listsNamesAndDescriptions() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(NbdOption.LIST));
        List<Reply> replies = peer.replies();
        assertEquals(3, replies.size());
        for (int i = 0; i < 2; i++) {
            ExportInfo export = List.of(VOL, SNAP).get(i);
            assertEquals(NbdReply.SERVER, replies.get(i).type());
            ByteBuf body = replies.get(i).body();
            assertEquals(export.name(), body.readString(body.readInt(), StandardCharsets.UTF_8));
            assertEquals(export.description(), body.readString(body.readableBytes(), StandardCharsets.UTF_8));
        }
        assertEquals(NbdReply.ACK, replies.getLast().type());
        assertFalse(replies.getLast().data().isReadable());
        peer.assertInStep();
        peer.end();
    }

    @Test
    void listsNothingOnAnEmptyServer() {
        HandshakePeer peer = new HandshakePeer(HandshakePeer.directory());
        peer.feed(clientFlags(3));
        peer.skipGreeting();
        peer.feed(option(NbdOption.LIST));
        peer.reply(NbdOption.LIST, NbdReply.ACK);
        peer.end();
    }

    @Test
    void informsAboutSizeFlagsAndBlockSizesUnasked() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(NbdOption.INFO, infoData("vol")));
        List<Reply> replies = peer.replies();
        assertEquals(3, replies.size());
        ByteBuf export = replies.get(0).body();
        assertEquals(NbdInfo.EXPORT_BYTES, export.readableBytes());
        assertEquals(NbdInfo.EXPORT, export.readShort());
        assertEquals(64 << 20, export.readLong());
        assertEquals(WRITABLE_FLAGS, export.readUnsignedShort());
        ByteBuf block = replies.get(1).body();
        assertEquals(NbdInfo.BLOCK_SIZE_BYTES, block.readableBytes());
        assertEquals(NbdInfo.BLOCK_SIZE, block.readShort());
        assertEquals(1, block.readInt());
        assertEquals(65536, block.readInt());
        assertEquals(32 << 20, block.readInt());
        assertEquals(NbdReply.ACK, replies.get(2).type());
        peer.end();
    }

    @Test
    void answersEachKnownItemOnceAndIgnoresUnknownOnes() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(NbdOption.INFO, infoData("vol", 3, 2, 1, 0, 77, 65535, 0, 1, 2, 3)));
        List<Reply> replies = peer.replies();
        int[] items = replies.stream()
                .filter(reply -> reply.type() == NbdReply.INFO)
                .mapToInt(reply -> reply.body().readShort())
                .toArray();
        assertArrayEquals(new int[] {NbdInfo.EXPORT, NbdInfo.NAME, NbdInfo.DESCRIPTION, NbdInfo.BLOCK_SIZE}, items);
        assertEquals("vol", replies.get(1).text().substring(NbdInfo.TYPE_BYTES));
        assertEquals("thin volume 12", replies.get(2).text().substring(NbdInfo.TYPE_BYTES));
        peer.end();
    }

    @Test
    void tellsTheCanonicalNameOfTheDefaultExport() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(NbdOption.INFO, infoData("")));
        assertEquals("vol", peer.replies().get(1).text().substring(NbdInfo.TYPE_BYTES));
        peer.end();
    }

    @Test
    void infoAndGoGiveEqualItems() {
        HandshakePeer peer = HandshakePeer.greeted();
        byte[] data = infoData("snap", 1, 2, 3);
        peer.feed(option(NbdOption.STRUCTURED_REPLY));
        peer.reply(NbdOption.STRUCTURED_REPLY, NbdReply.ACK);
        peer.feed(option(NbdOption.INFO, data));
        List<Reply> info = peer.replies();
        peer.feed(option(NbdOption.GO, data));
        List<Reply> go = peer.replies();
        assertEquals(info.size(), go.size());
        for (int i = 0; i < info.size(); i++) {
            assertEquals(info.get(i).type(), go.get(i).type());
            assertEquals(info.get(i).data(), go.get(i).data());
        }
        assertSame(SNAP, peer.negotiated.export());
        peer.end();
    }

    @Test
    void refusedGoLeavesTheNegotiationUsable() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(NbdOption.GO, infoData("nope")));
        assertTrue(peer.reply(NbdOption.GO, NbdReply.ERR_UNKNOWN).text().contains("unknown"));
        assertNull(peer.negotiated);
        peer.feed(option(NbdOption.GO, infoData("vol")));
        assertSame(VOL, peer.negotiated.export());
        peer.end();
    }

    @Test
    void errorTextEchoesLittleAndOnlyPrintable() {
        HandshakePeer peer = HandshakePeer.greeted();
        String wild = "\u001b[31m\u202e\n\u00e9" + "x".repeat(4000);
        peer.feed(option(NbdOption.GO, infoData(wild)));
        String text = peer.reply(NbdOption.GO, NbdReply.ERR_UNKNOWN).text();
        assertTrue(text.contains("?[31m??\u00e9xxx"), text);
        assertTrue(text.getBytes(StandardCharsets.UTF_8).length <= 80 + 20, text);
        peer.end();
    }

    @Test
    void structuredRepliesAddDontFragment() {
        HandshakePeer peer = HandshakePeer.greeted();
        for (int i = 0; i < 2; i++) {
            peer.feed(option(NbdOption.STRUCTURED_REPLY));
            peer.reply(NbdOption.STRUCTURED_REPLY, NbdReply.ACK);
        }
        peer.feed(option(NbdOption.GO, infoData("vol", NbdInfo.BLOCK_SIZE)));
        ByteBuf export = peer.replies().getFirst().body().skipBytes(10);
        assertEquals(WRITABLE_FLAGS | NbdFlags.SEND_DF, export.readUnsignedShort());
        assertEquals(new NegotiatedExport(VOL, true, false, true, List.of()), peer.negotiated);
        peer.end();
    }

    @Test
    void goHandsPipelinedBytesToTransmission() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(join(option(NbdOption.GO, infoData("vol")), FIRST_REQUEST));
        assertArrayEquals(FIRST_REQUEST, peer.transmission.toByteArray());
        peer.feed(FIRST_REQUEST);
        assertArrayEquals(join(FIRST_REQUEST, FIRST_REQUEST), peer.transmission.toByteArray());
        assertEquals(new NegotiatedExport(VOL, false, false, false, List.of()), peer.negotiated);
        peer.end();
    }

    @Test
    void exportNameIsPaddedUnlessBothSidesSetNoZeroes() {
        for (int flags = 0; flags <= 3; flags++) {
            HandshakePeer peer = HandshakePeer.connect();
            peer.skipGreeting();
            byte[] name = "snap".getBytes(StandardCharsets.UTF_8);
            peer.feed(join(clientFlags(flags), option(NbdOption.EXPORT_NAME, name), FIRST_REQUEST));
            ByteBuf answer = peer.output();
            assertEquals((flags & 2) != 0 ? 10 : 134, answer.readableBytes());
            assertEquals(64 << 20, answer.readLong());
            assertEquals(WRITABLE_FLAGS, answer.readUnsignedShort());
            while (answer.isReadable()) {
                assertEquals(0, answer.readByte());
            }
            assertSame(SNAP, peer.negotiated.export());
            assertArrayEquals(FIRST_REQUEST, peer.transmission.toByteArray());
            peer.end();
        }
    }

    @Test
    void goIsNeverPadded() {
        HandshakePeer peer = HandshakePeer.connect();
        peer.skipGreeting();
        peer.feed(join(clientFlags(1), option(NbdOption.GO, infoData("vol"))));
        assertEquals(NbdReply.ACK, peer.replies().getLast().type());
        peer.end();
    }

    @Test
    void exportNameAfterStructuredRepliesHasDontFragment() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(NbdOption.STRUCTURED_REPLY));
        peer.reply(NbdOption.STRUCTURED_REPLY, NbdReply.ACK);
        peer.feed(option(NbdOption.EXPORT_NAME));
        assertEquals(
                WRITABLE_FLAGS | NbdFlags.SEND_DF, peer.output().skipBytes(8).readUnsignedShort());
        assertSame(VOL, peer.negotiated.export());
        peer.end();
    }

    @Test
    void exportNameDropsSilentlyWhateverIsWrong() {
        byte[] malformed = {'v', (byte) 0xc3};
        byte[] nul = {'v', 0};
        byte[] overName = new byte[4097];
        Arrays.fill(overName, (byte) 'n');
        byte[] overOption = new byte[OptionGate.DATA_LIMIT_BYTES + 1];
        byte[] unknown = {'n'};
        for (byte[] name : List.of(malformed, nul, overName, overOption, unknown)) {
            HandshakePeer peer = HandshakePeer.greeted();
            peer.feed(option(NbdOption.EXPORT_NAME, name));
            peer.assertDropped();
            assertNull(peer.negotiated);
        }
    }

    @Test
    void abortIsAcknowledgedThenClosed() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(join(option(NbdOption.ABORT, new byte[9]), option(NbdOption.GO, infoData("vol"))));
        peer.reply(NbdOption.ABORT, NbdReply.ACK);
        peer.assertDropped();
        assertNull(peer.negotiated);
    }

    @Test
    void duringShutdownNothingIsNegotiated() {
        ExportDirectory stopping = new ExportDirectory() {
            @Override
            public List<ExportInfo> list(Peer peer) {
                return List.of(VOL);
            }

            @Override
            public ExportInfo find(Peer peer, String name) {
                return VOL;
            }

            @Override
            public boolean isStopping() {
                return true;
            }
        };
        HandshakePeer peer = new HandshakePeer(stopping);
        peer.skipGreeting();
        peer.feed(clientFlags(3));
        for (int number : new int[] {3, 5, 6, 7, 8, 9, 10, 11, 99}) {
            peer.feed(option(number, infoData("vol")));
            peer.reply(number, NbdReply.ERR_SHUTDOWN);
        }
        peer.feed(option(NbdOption.ABORT));
        peer.reply(NbdOption.ABORT, NbdReply.ACK);
        peer.assertDropped();

        HandshakePeer byName = new HandshakePeer(stopping);
        byName.skipGreeting();
        byName.feed(clientFlags(3), option(NbdOption.EXPORT_NAME));
        byName.assertDropped();
        assertNull(byName.negotiated);
    }

    @Test
    void sequenceOfPipelinedOptionsIsAnsweredInOrder() {
        HandshakePeer peer = HandshakePeer.connect();
        peer.skipGreeting();
        peer.feed(join(
                clientFlags(3),
                option(99, new byte[3]),
                option(NbdOption.STRUCTURED_REPLY),
                option(NbdOption.LIST),
                option(NbdOption.GO, infoData("snap"))));
        int[] options = peer.replies().stream().mapToInt(Reply::option).toArray();
        assertArrayEquals(new int[] {99, 8, 3, 3, 3, 7, 7, 7}, options);
        assertEquals(new NegotiatedExport(SNAP, true, false, false, List.of()), peer.negotiated);
        peer.end();
    }

    @Test
    void magicsSpellTheirLetters() {
        assertEquals(0x4e42444d41474943L, NbdMagic.GREETING);
        assertEquals(0x49484156454f5054L, NbdMagic.OPTION);
    }
}
