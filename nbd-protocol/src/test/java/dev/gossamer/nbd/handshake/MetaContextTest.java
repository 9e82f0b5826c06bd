package dev.gossamer.nbd.handshake;

import static dev.gossamer.nbd.handshake.HandshakePeer.infoData;
import static dev.gossamer.nbd.handshake.HandshakePeer.join;
import static dev.gossamer.nbd.handshake.HandshakePeer.metaData;
import static dev.gossamer.nbd.handshake.HandshakePeer.option;
import static dev.gossamer.nbd.wire.NbdOption.EXPORT_NAME;
import static dev.gossamer.nbd.wire.NbdOption.EXTENDED_HEADERS;
import static dev.gossamer.nbd.wire.NbdOption.GO;
import static dev.gossamer.nbd.wire.NbdOption.INFO;
import static dev.gossamer.nbd.wire.NbdOption.LIST_META_CONTEXT;
import static dev.gossamer.nbd.wire.NbdOption.SET_META_CONTEXT;
import static dev.gossamer.nbd.wire.NbdOption.STRUCTURED_REPLY;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.handshake.HandshakePeer.Reply;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** H20 to H23, M1 to M4, M8: extended headers and metadata contexts. */
final class MetaContextTest {
    private static final List<String> ALL = List.of("base:allocation", "qemu:dirty-bitmap:snap:1", "x-thin:shared");

    private static HandshakePeer structured() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(STRUCTURED_REPLY));
        peer.reply(STRUCTURED_REPLY, NbdReply.ACK);
        return peer;
    }

    /** The contexts a good answer names, in the form {@code id name}. */
    private static List<String> contexts(HandshakePeer peer, int option, byte[] data) {
        peer.feed(option(option, data));
        List<Reply> replies = peer.replies();
        assertEquals(NbdReply.ACK, replies.getLast().type());
        List<String> contexts = new ArrayList<>();
        for (Reply reply : replies) {
            assertEquals(option, reply.option());
            if (reply.type() == NbdReply.META_CONTEXT) {
                ByteBuf body = reply.body();
                contexts.add(body.readInt() + " " + body.toString(StandardCharsets.UTF_8));
            }
        }
        assertEquals(replies.size() - 1, contexts.size());
        return contexts;
    }

    private static List<MetaContext> selectedAfter(HandshakePeer peer, String exportName) {
        peer.feed(option(GO, infoData(exportName)));
        peer.end();
        return peer.negotiated.contexts();
    }

    @Test
    void listsEverythingForNoQuery() {
        HandshakePeer peer = structured();
        List<String> expected = ALL.stream().map(name -> "0 " + name).toList();
        assertEquals(expected, contexts(peer, LIST_META_CONTEXT, metaData("vol")));
        assertEquals(List.of(), selectedAfter(peer, "vol"), "a list selects nothing");
    }

    @Test
    void listsWhatTheQueriesNameOnce() {
        HandshakePeer peer = structured();
        assertEquals(List.of("0 base:allocation"), contexts(peer, LIST_META_CONTEXT, metaData("vol", "base:")));
        assertEquals(
                List.of("0 qemu:dirty-bitmap:snap:1"),
                contexts(
                        peer,
                        LIST_META_CONTEXT,
                        metaData("", "qemu:dirty-bitmap:", "qemu:", "qemu:dirty-bitmap:snap:1")));
        assertEquals(
                List.of(),
                contexts(peer, LIST_META_CONTEXT, metaData("vol", "base:unknown", "foreign:x", "nocolon", "", "bas")));
        peer.end();
    }

    @Test
    void selectsExactNamesWithDifferentIds() {
        HandshakePeer peer = structured();
        byte[] data = metaData("vol", "x-thin:shared", "foreign:x", "base:", "base:allocation", "x-thin:shared");
        assertEquals(List.of("1 x-thin:shared", "2 base:allocation"), contexts(peer, SET_META_CONTEXT, data));
        assertEquals(
                List.of(new MetaContext(1, "x-thin:shared"), new MetaContext(2, "base:allocation")),
                selectedAfter(peer, "vol"));
    }

    @Test
    void theSelectionHoldsForItsExportUnderAnyName() {
        for (String chosen : new String[] {"vol", ""}) {
            for (String entered : new String[] {"vol", "", "snap"}) {
                HandshakePeer peer = structured();
                contexts(peer, SET_META_CONTEXT, metaData(chosen, "base:allocation"));
                int expected = entered.equals("snap") ? 0 : 1;
                assertEquals(expected, selectedAfter(peer, entered).size(), chosen + " then " + entered);
            }
        }
    }

    @Test
    void everyAttemptReplacesTheSelectionEvenIfItFails() {
        byte[] tooMany =
                metaData("vol", IntStream.range(0, 1025).mapToObj(i -> "a:" + i).toArray(String[]::new));
        List<byte[]> attempts = List.of(
                metaData("vol"),
                metaData("vol", "foreign:x"),
                metaData("nope", "base:allocation"),
                metaData("vol", "nocolon"),
                new byte[3],
                tooMany,
                new byte[200_000]);
        List<Integer> answers = List.of(
                NbdReply.ACK,
                NbdReply.ACK,
                NbdReply.ERR_UNKNOWN,
                NbdReply.ERR_INVALID,
                NbdReply.ERR_INVALID,
                NbdReply.ERR_TOO_BIG,
                NbdReply.ERR_TOO_BIG);
        for (int i = 0; i < answers.size(); i++) {
            HandshakePeer peer = structured();
            contexts(peer, SET_META_CONTEXT, metaData("vol", "base:allocation"));
            peer.feed(option(SET_META_CONTEXT, attempts.get(i)));
            peer.reply(SET_META_CONTEXT, answers.get(i));
            assertEquals(List.of(), selectedAfter(peer, "vol"), "attempt " + i);
        }
    }

    @Test
    void listingAndInformingLeaveTheSelectionAlone() {
        HandshakePeer peer = structured();
        contexts(peer, SET_META_CONTEXT, metaData("vol", "base:allocation"));
        contexts(peer, LIST_META_CONTEXT, metaData("snap"));
        peer.feed(option(INFO, infoData("snap")), option(LIST_META_CONTEXT, metaData("nope")));
        peer.replies();
        assertEquals(1, selectedAfter(peer, "vol").size());
    }

    @Test
    void contextsNeedStructuredReplies() {
        HandshakePeer peer = HandshakePeer.greeted();
        for (int number : new int[] {LIST_META_CONTEXT, SET_META_CONTEXT}) {
            peer.feed(option(number, metaData("vol", "base:allocation")));
            peer.reply(number, NbdReply.ERR_INVALID);
            peer.assertInStep();
        }
        peer.end();
    }

    @Test
    void keepsGoingAfterInconsistentData() {
        byte[] good = metaData("vol", "base:allocation");
        byte[] hugeName = {-1, -1, -1, -1, 0, 0, 0, 0};
        byte[] hugeCount = {0, 0, 0, 1, 'v', -1, -1, -1, -1};
        byte[] hugeQuery = {0, 0, 0, 1, 'v', 0, 0, 0, 1, -1, -1, -1, -1};
        byte[] missingQuery = {0, 0, 0, 1, 'v', 0, 0, 0, 2, 0, 0, 0, 2, 'a', ':'};
        byte[] malformed = {0, 0, 0, 1, 'v', 0, 0, 0, 1, 0, 0, 0, 1, (byte) 0xff};
        HandshakePeer peer = structured();
        for (byte[] data : List.of(
                new byte[0],
                new byte[7],
                hugeName,
                hugeCount,
                hugeQuery,
                missingQuery,
                malformed,
                join(good, new byte[1]),
                metaData("vol", "a:" + "x".repeat(4095)),
                metaData("n".repeat(4097)))) {
            for (int number : new int[] {LIST_META_CONTEXT, SET_META_CONTEXT}) {
                peer.feed(option(number, data));
                peer.reply(number, NbdReply.ERR_INVALID);
                peer.assertInStep();
            }
        }
        peer.end();
    }

    @Test
    void atMostSixtyFourContextsAreSelected() {
        List<String> many = IntStream.range(0, 65).mapToObj(i -> "m:" + i).toList();
        HandshakePeer peer = new HandshakePeer(new ManyContexts(many)).greet();
        peer.feed(option(STRUCTURED_REPLY));
        peer.replies();
        peer.feed(option(SET_META_CONTEXT, metaData("vol", many.toArray(String[]::new))));
        peer.reply(SET_META_CONTEXT, NbdReply.ERR_TOO_BIG);
        String[] fewer = many.subList(1, 65).toArray(String[]::new);
        assertEquals(
                64, contexts(peer, SET_META_CONTEXT, metaData("vol", fewer)).size());
        assertEquals(64, selectedAfter(peer, "vol").getLast().id());
    }

    @Test
    void whatHasBeenTakenAwaySinceIsNotGiven() {
        List<String> allowed = new ArrayList<>(ALL);
        HandshakePeer peer = new HandshakePeer(new ManyContexts(allowed));
        peer.greet();
        peer.feed(option(STRUCTURED_REPLY));
        peer.reply(STRUCTURED_REPLY, NbdReply.ACK);
        contexts(peer, SET_META_CONTEXT, metaData("vol", "base:allocation", "qemu:dirty-bitmap:snap:1"));
        allowed.remove("qemu:dirty-bitmap:snap:1");
        List<MetaContext> selected = selectedAfter(peer, "vol");
        assertEquals(
                List.of("base:allocation"),
                selected.stream().map(MetaContext::name).toList());
    }

    /** One export with these contexts. */
    private record ManyContexts(List<String> names) implements ExportDirectory {
        @Override
        public List<ExportInfo> list(Peer peer) {
            return List.of(HandshakePeer.VOL);
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return HandshakePeer.VOL;
        }

        @Override
        public List<String> metaContexts(Peer peer, String exportName) {
            return names;
        }
    }

    @Test
    void largeFamiliesAreListedAsTheirWildcard() {
        List<String> names = new ArrayList<>(ALL);
        names.add("qemu:allocation-depth");
        IntStream.range(0, 300).forEach(i -> names.add("qemu:dirty-bitmap:s" + i));
        Set<String> listed = new LinkedHashSet<>();
        ContextFamily.list("", names, listed);
        assertEquals(Set.of("base:allocation", "qemu:allocation-depth", "qemu:dirty-bitmap:", "x-thin:shared"), listed);
        listed.clear();
        ContextFamily.list("qemu:dirty-bitmap:", names, listed);
        assertEquals(Set.of("qemu:dirty-bitmap:"), listed);
        listed.clear();
        ContextFamily.list("", names.subList(0, 256), listed);
        assertEquals(256, listed.size(), "the limit itself is listed in full");
        listed.clear();
        List<String> wildcards = IntStream.range(0, 300).mapToObj(i -> "w:").toList();
        ContextFamily.list("w:", wildcards, listed);
        assertEquals(Set.of("w:"), listed, "a wildcard of the directory's own");
    }

    @Test
    void extendedHeadersImplyStructuredRepliesAndTheirFlags() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(EXTENDED_HEADERS));
        peer.reply(EXTENDED_HEADERS, NbdReply.ACK);
        // libnbd and qemu ask twice to see this; the first stays in force.
        peer.feed(option(EXTENDED_HEADERS));
        peer.reply(EXTENDED_HEADERS, NbdReply.ERR_INVALID);
        peer.feed(option(STRUCTURED_REPLY));
        peer.reply(STRUCTURED_REPLY, NbdReply.ERR_EXT_HEADER_REQD);
        contexts(peer, SET_META_CONTEXT, metaData("vol", "base:allocation"));
        peer.feed(option(GO, infoData("vol")));
        int flags = peer.replies().getFirst().body().skipBytes(10).readUnsignedShort();
        assertEquals(HandshakePeer.WRITABLE_FLAGS | NbdFlags.SEND_DF | NbdFlags.BLOCK_STATUS_PAYLOAD, flags);
        assertTrue(peer.negotiated.extendedHeaders() && peer.negotiated.structuredReplies());
        peer.end();
    }

    @Test
    void statusPayloadNeedsBothExtendedHeadersAndAContext() {
        HandshakePeer extended = HandshakePeer.greeted();
        extended.feed(option(EXTENDED_HEADERS), option(GO, infoData("vol")));
        extended.end();
        assertEquals(0, extended.negotiated.transmissionFlags() & NbdFlags.BLOCK_STATUS_PAYLOAD);
        HandshakePeer withContext = structured();
        contexts(withContext, SET_META_CONTEXT, metaData("vol", "base:allocation"));
        selectedAfter(withContext, "vol");
        assertEquals(0, withContext.negotiated.transmissionFlags() & NbdFlags.BLOCK_STATUS_PAYLOAD);
    }

    @Test
    void structuredRepliesMayBeWidened() {
        HandshakePeer peer = structured();
        peer.feed(option(EXTENDED_HEADERS));
        peer.reply(EXTENDED_HEADERS, NbdReply.ACK);
        peer.end();
    }

    /** As libnbd and qemu expect it. */
    @Test
    void extendedHeadersAreAskedForOnceAndNotTakenBack() {
        HandshakePeer peer = structured();
        peer.feed(option(STRUCTURED_REPLY));
        peer.reply(STRUCTURED_REPLY, NbdReply.ACK);
        peer.feed(option(EXTENDED_HEADERS));
        peer.reply(EXTENDED_HEADERS, NbdReply.ACK);
        peer.feed(option(EXTENDED_HEADERS));
        peer.reply(EXTENDED_HEADERS, NbdReply.ERR_INVALID);
        peer.feed(option(STRUCTURED_REPLY));
        peer.reply(STRUCTURED_REPLY, NbdReply.ERR_EXT_HEADER_REQD);
        peer.end();
    }

    @Test
    void exportNameAfterExtendedHeadersDrops() {
        HandshakePeer peer = HandshakePeer.greeted();
        peer.feed(option(EXTENDED_HEADERS));
        peer.reply(EXTENDED_HEADERS, NbdReply.ACK);
        peer.feed(option(EXPORT_NAME));
        peer.assertDropped();
    }

    @Test
    void blockSizesMayBeRequired() {
        ExportInfo strict = new ExportInfo("v", "", 1 << 20, NbdFlags.HAS_FLAGS, 4096, 4096, 1 << 20, true);
        for (int number : new int[] {INFO, GO}) {
            HandshakePeer peer = new HandshakePeer(HandshakePeer.directory(strict)).greet();
            peer.feed(option(number, infoData("v", 1)));
            List<Reply> replies = peer.replies();
            assertEquals(2, replies.size());
            assertEquals(NbdReply.INFO, replies.get(0).type());
            assertEquals(3, replies.get(0).body().readShort());
            assertEquals(NbdReply.ERR_BLOCK_SIZE_REQD, replies.get(1).type());
            peer.feed(option(GO, infoData("v", 3)));
            assertTrue(peer.negotiated.blockSizeAsked());
            peer.end();
        }
        HandshakePeer peer = new HandshakePeer(HandshakePeer.directory(strict)).greet();
        peer.feed(option(EXPORT_NAME, (byte) 'v'));
        peer.assertDropped();
    }

    @Test
    void impossibleResultsCannotBeMade() {
        List<MetaContext> many = IntStream.rangeClosed(1, 65)
                .mapToObj(i -> new MetaContext(i, "m:" + i))
                .toList();
        ExportInfo vol = HandshakePeer.VOL;
        assertThrows(IllegalArgumentException.class, () -> new NegotiatedExport(vol, true, false, false, many));
        assertThrows(IllegalArgumentException.class, () -> new NegotiatedExport(vol, false, true, false, List.of()));
        assertFalse(new NegotiatedExport(vol, true, false, false, many.subList(0, 64)).extendedHeaders());
    }
}
