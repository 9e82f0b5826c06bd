package dev.gossamer.nbd.handshake;

import static dev.gossamer.nbd.handshake.HandshakePeer.clientFlags;
import static dev.gossamer.nbd.handshake.HandshakePeer.infoData;
import static dev.gossamer.nbd.handshake.HandshakePeer.join;
import static dev.gossamer.nbd.handshake.HandshakePeer.metaData;
import static dev.gossamer.nbd.handshake.HandshakePeer.option;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.nbd.wire.NbdOption;
import io.netty.buffer.ByteBufUtil;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** H4, H4a: how bytes are cut into segments must not matter. */
final class HandshakeSplitTest {
    private static final byte[] TRAILER = "request".getBytes(StandardCharsets.US_ASCII);

    static Stream<byte[]> conversations() {
        byte[] name = "snap".getBytes(StandardCharsets.UTF_8);
        return Stream.of(
                join(clientFlags(3), option(NbdOption.GO, infoData("vol", 1, 2, 3)), TRAILER),
                join(clientFlags(3), option(NbdOption.INFO, infoData("snap")), option(NbdOption.ABORT)),
                join(clientFlags(1), option(NbdOption.EXPORT_NAME, name), TRAILER),
                join(clientFlags(2), option(NbdOption.LIST), option(NbdOption.EXPORT_NAME), TRAILER),
                join(clientFlags(3), option(NbdOption.STRUCTURED_REPLY), option(NbdOption.GO, infoData("")), TRAILER),
                join(
                        clientFlags(3),
                        option(NbdOption.EXTENDED_HEADERS),
                        option(NbdOption.LIST_META_CONTEXT, metaData("snap")),
                        option(NbdOption.SET_META_CONTEXT, metaData("vol", "base:allocation")),
                        option(NbdOption.GO, infoData("vol")),
                        TRAILER),
                join(clientFlags(3), option(99, new byte[7]), option(NbdOption.LIST, new byte[2])),
                join(clientFlags(3), option(NbdOption.GO, infoData("none")), option(NbdOption.ABORT, new byte[3])));
    }

    private record Outcome(String outputHex, NegotiatedExport negotiated, String transmissionText, boolean open) {}

    private static Outcome run(List<byte[]> segments) {
        HandshakePeer peer = HandshakePeer.connect();
        segments.forEach(peer::feed);
        boolean open = peer.channel.isOpen();
        String outputHex = ByteBufUtil.hexDump(peer.output());
        peer.end();
        return new Outcome(outputHex, peer.negotiated, peer.transmission.toString(StandardCharsets.US_ASCII), open);
    }

    private static void assertSameOutcome(Outcome expected, List<byte[]> segments) {
        String cuts = segments.stream().map(s -> "" + s.length).toList().toString();
        assertEquals(expected, run(segments), cuts);
    }

    @ParameterizedTest
    @MethodSource("conversations")
    void everyTwoCutsGiveTheSameAnswers(byte[] conversation) {
        Outcome whole = run(List.of(conversation));
        int end = conversation.length;
        for (int first = 0; first <= end; first++) {
            for (int second = first; second <= end; second++) {
                assertSameOutcome(
                        whole,
                        List.of(
                                Arrays.copyOfRange(conversation, 0, first),
                                Arrays.copyOfRange(conversation, first, second),
                                Arrays.copyOfRange(conversation, second, end)));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("conversations")
    void singleBytesGiveTheSameAnswers(byte[] conversation) {
        List<byte[]> bytes = Stream.iterate(0, i -> i + 1)
                .limit(conversation.length)
                .map(i -> new byte[] {conversation[i]})
                .toList();
        assertSameOutcome(run(List.of(conversation)), bytes);
    }

    @Test
    void peersMayVanishAnywhere() {
        conversations().forEach(conversation -> {
            for (int end = 0; end <= conversation.length; end++) {
                run(List.of(Arrays.copyOf(conversation, end)));
            }
        });
    }

    @Test
    void theConversationsReachTransmission() {
        long entered = conversations()
                .filter(conversation ->
                        run(List.of(conversation)).transmissionText.equals("request"))
                .count();
        assertEquals(5, entered);
    }
}
