package dev.gossamer.nbd.handshake;

import static dev.gossamer.nbd.handshake.HandshakePeer.clientFlags;
import static dev.gossamer.nbd.handshake.HandshakePeer.infoData;
import static dev.gossamer.nbd.handshake.HandshakePeer.option;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.nbd.wire.NbdOption;
import dev.gossamer.nbd.wire.NbdReply;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** H11, H12, H17: what a peer may cost in time, options and memory. */
final class HandshakeBoundsTest {
    private static final HandshakeLimits LIMITS = new HandshakeLimits(10_000, 60_000);

    private static HandshakePeer connect(HandshakeLimits limits, int exports) {
        ExportInfo[] all = IntStream.range(0, exports)
                .mapToObj(i -> HandshakePeer.export(i == 0 ? "vol" : "vol" + i, "x".repeat(100)))
                .toArray(ExportInfo[]::new);
        HandshakePeer peer = new HandshakePeer(HandshakePeer.directory(all), limits);
        peer.skipGreeting();
        return peer;
    }

    private static void pass(HandshakePeer peer, long milliseconds) {
        peer.channel.advanceTimeBy(milliseconds, TimeUnit.MILLISECONDS);
        peer.channel.runScheduledPendingTasks();
    }

    @Test
    void dropsAPeerThatSaysNothing() {
        HandshakePeer peer = connect(LIMITS, 1);
        pass(peer, 9_999);
        assertTrue(peer.channel.isOpen());
        pass(peer, 1);
        peer.assertDropped();
    }

    @Test
    void halfAnOptionDoesNotStopTheClock() {
        HandshakePeer peer = connect(LIMITS, 1);
        peer.feed(clientFlags(3));
        pass(peer, 9_000);
        peer.feed(new byte[] {'I', 'H'});
        pass(peer, 1_000);
        peer.assertDropped();
    }

    @Test
    void eachCompletedOptionStartsTheClockAnewUpToTheWholeTime() {
        HandshakePeer peer = connect(LIMITS, 1);
        peer.feed(clientFlags(3));
        for (int seconds = 9; seconds < 60; seconds += 9) {
            pass(peer, 9_000);
            peer.assertInStep();
        }
        pass(peer, 6_000);
        peer.assertDropped();
    }

    /** H14: with half-closed channels allowed, the end of the input has to end a handshake before its clock does. */
    @Test
    void theEndOfTheInputEndsTheHandshakeBehindItsLastAnswer() {
        HandshakePeer peer = connect(LIMITS, 1);
        peer.feed(clientFlags(3));
        peer.assertInStep();
        peer.channel.pipeline().fireUserEventTriggered(ChannelInputShutdownEvent.INSTANCE);
        peer.assertDropped();
    }

    @Test
    void transmissionHasNoHandshakeClock() {
        HandshakePeer peer = connect(LIMITS, 1);
        peer.feed(clientFlags(3), option(NbdOption.GO, infoData("vol")));
        pass(peer, 1_000_000);
        assertTrue(peer.channel.isOpen());
        peer.end();
    }

    @Test
    void zeroSwitchesTheClocksOff() {
        HandshakePeer peer = connect(new HandshakeLimits(0, 0), 1);
        pass(peer, 1_000_000);
        peer.feed(clientFlags(3));
        peer.assertInStep();
        peer.end();
        assertThrows(IllegalArgumentException.class, () -> new HandshakeLimits(-1, 0));
        assertThrows(IllegalArgumentException.class, () -> new HandshakeLimits(0, -1));
    }

    @Test
    void optionsAreBoundedByTheNumberOfExports() {
        for (int exports : new int[] {0, 1, 300}) {
            HandshakePeer peer = connect(LIMITS, exports);
            peer.feed(clientFlags(3));
            for (int i = 0; i < 64 + 4 * exports; i++) {
                peer.feed(option(NbdOption.STRUCTURED_REPLY));
                peer.reply(NbdOption.STRUCTURED_REPLY, NbdReply.ACK);
            }
            peer.feed(option(NbdOption.STRUCTURED_REPLY));
            peer.assertDropped();
        }
    }

    private static void setWritable(HandshakePeer peer, boolean writable) {
        ChannelOutboundBuffer outbound = peer.channel.unsafe().outboundBuffer();
        outbound.setUserDefinedWritability(1, writable);
        peer.channel.runPendingTasks();
    }

    @Test
    void aPeerThatDoesNotReadIsNotReadFrom() {
        HandshakePeer peer = connect(LIMITS, 5);
        peer.feed(clientFlags(3));
        setWritable(peer, false);
        peer.feed(option(NbdOption.LIST), option(NbdOption.GO, infoData("vol")));
        assertFalse(peer.output().isReadable());
        assertFalse(peer.channel.config().isAutoRead());
        setWritable(peer, true);
        assertEquals(6 + 3, peer.replies().size());
        assertTrue(peer.channel.config().isAutoRead());
        assertNotNull(peer.negotiated);
        peer.end();
    }

    @Test
    void aLongListIsSentInPiecesAsThePeerTakesIt() {
        int exports = 2_000;
        HandshakePeer peer = connect(LIMITS, exports);
        peer.feed(clientFlags(3));
        // Each flushed write becomes unwritable once: the second piece has to wait for the first.
        peer.channel.pipeline().addFirst(new OneWriteAtATime());
        peer.feed(option(NbdOption.LIST));
        int rounds = 0;
        int longest = 0;
        int before = 0;
        while (!peer.channel.config().isAutoRead()) {
            rounds++;
            longest = Math.max(longest, peer.output().readableBytes() - before);
            before = peer.output().readableBytes();
            setWritable(peer, true);
        }
        assertTrue(rounds >= 7, "rounds " + rounds);
        assertTrue(longest < 40_000, "longest piece " + longest);
        assertEquals(exports + 1, peer.replies().size());
        peer.channel.pipeline().removeFirst();
        setWritable(peer, true);
        peer.assertInStep();
        peer.end();
    }

    /** A list of exports that the peer may not see sends nothing, so that no slow peer ends a slice. */
    @Test
    void aListThatShowsNothingLeavesTheLoopToOthers() {
        HandshakePeer[] listing = new HandshakePeer[1];
        boolean[] othersHadTheirTurn = {false};
        listing[0] = new HandshakePeer(new ExportDirectory() {
            @Override
            public Iterable<ExportInfo> list(Peer peer) {
                return () -> IntStream.range(0, 5000)
                        .mapToObj(i -> {
                            if (i == 0) {
                                listing[0].channel.eventLoop().execute(() -> othersHadTheirTurn[0] = true);
                            }
                            assertTrue(i < 2000 || othersHadTheirTurn[0], "exports in one turn: " + i);
                            return (ExportInfo) null;
                        })
                        .iterator();
            }

            @Override
            public ExportInfo find(Peer peer, String name) {
                return null;
            }
        });
        HandshakePeer peer = listing[0].greet();
        peer.feed(option(NbdOption.LIST), option(NbdOption.STRUCTURED_REPLY));
        List<HandshakePeer.Reply> replies = peer.replies();
        assertEquals(
                List.of(NbdOption.LIST, NbdOption.STRUCTURED_REPLY),
                replies.stream().map(HandshakePeer.Reply::option).toList());
        assertEquals(
                List.of(NbdReply.ACK, NbdReply.ACK),
                replies.stream().map(HandshakePeer.Reply::type).toList());
        assertTrue(othersHadTheirTurn[0]);
        peer.end();
    }

    @Test
    void repliesHaveAWaterMarkOfTheirOwn() {
        HandshakePeer peer = connect(LIMITS, 5);
        assertTrue(peer.channel.config().getWriteBufferHighWaterMark() <= 32 << 10);
        peer.end();
    }

    /** What goes wrong in the server ends one handshake, and its half-written answer is given back. */
    @Test
    void aDirectoryThatFailsCostsNoMemory() {
        HandshakePeer peer = new HandshakePeer(new ExportDirectory() {
            @Override
            public Iterable<ExportInfo> list(Peer peer) {
                return () -> IntStream.range(0, 10)
                        .mapToObj(i -> {
                            if (i == 5) {
                                throw new IllegalStateException("list");
                            }
                            return HandshakePeer.export("e" + i, "");
                        })
                        .iterator();
            }

            @Override
            public ExportInfo find(Peer peer, String name) {
                throw new IllegalStateException("find");
            }
        });
        peer.greet();
        assertThrows(IllegalStateException.class, () -> peer.feed(option(NbdOption.LIST)));
        peer.assertDropped();
    }

    @Test
    void peersThatVanishInAListLeaveNothingBehind() {
        HandshakePeer peer = connect(LIMITS, 2_000);
        peer.feed(clientFlags(3));
        peer.channel.pipeline().addFirst(new OneWriteAtATime());
        peer.feed(option(NbdOption.LIST), option(NbdOption.GO, infoData("vol")));
        peer.end();
        assertNull(peer.negotiated);
    }

    @Test
    void aResetConnectionIsClosedQuietly() {
        HandshakePeer peer = connect(LIMITS, 1);
        peer.channel.pipeline().fireExceptionCaught(new IOException("Connection reset by peer"));
        peer.channel.checkException();
        peer.assertDropped();
    }
}
