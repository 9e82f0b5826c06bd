package dev.gossamer.nbd.handshake;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;

/** Takes a connection over when its handshake succeeded. */
@FunctionalInterface
public interface HandshakeListener {
    /**
     * Called once, on the event loop, after the last handshake reply was written. Must either replace the handshake
     * handler in the pipeline, whose unread bytes then reach the handler that takes its place, or close the channel.
     *
     * @param ctx context of the handshake handler
     */
    void negotiated(ChannelHandlerContext ctx, NegotiatedExport negotiated);

    /**
     * Called once, on the event loop, when a handshake is given up; a peer that just goes away is nothing to report.
     *
     * @param channel still open
     * @param cause what TLS says, or null for other failures
     */
    default void failed(Channel channel, HandshakeFailure failure, Throwable cause) {}
}
