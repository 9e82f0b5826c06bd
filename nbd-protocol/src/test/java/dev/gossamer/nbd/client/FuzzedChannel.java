package dev.gossamer.nbd.client;

import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelHandler;
import io.netty.channel.embedded.EmbeddedChannel;

/** A connection without a network or a clock: bytes go in, answers are thrown away. Its memory is the Java heap's. */
final class FuzzedChannel {
    private final EmbeddedChannel channel = new EmbeddedChannel();

    FuzzedChannel(ChannelHandler handshake) {
        channel.config().setAllocator(new UnpooledByteBufAllocator(false));
        channel.freezeTime();
        channel.pipeline().addLast(handshake);
    }

    /** Feeds all bytes from {@code from} on, in segments of this many bytes, or at once if that is 0. */
    void feed(byte[] bytes, int from, int segmentBytes) {
        int step = segmentBytes == 0 ? bytes.length : segmentBytes;
        for (int at = from; at < bytes.length && channel.isOpen(); at += step) {
            channel.writeInbound(Unpooled.copiedBuffer(bytes, at, Math.min(step, bytes.length - at)));
            channel.releaseOutbound();
        }
    }

    /** The peer closes. Throws what a handler has thrown. */
    void end() {
        channel.checkException();
        channel.finishAndReleaseAll();
    }
}
