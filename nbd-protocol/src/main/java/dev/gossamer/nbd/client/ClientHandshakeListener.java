package dev.gossamer.nbd.client;

import io.netty.channel.ChannelHandlerContext;
import java.util.List;

/** Learns, on the connection's event loop, how a handshake ended: exactly one of the methods is called, once. */
public interface ClientHandshakeListener {
    /**
     * The connection is in transmission. Must replace the handshake handler in the pipeline or close the channel.
     *
     * @param ctx context of the handshake handler
     */
    void negotiated(ChannelHandlerContext ctx, RemoteExport export);

    /** The names of the server's exports, in its order; the connection is being closed. */
    void listed(List<String> exportNames);

    /**
     * The server is gone, refuses or breaks the protocol; the connection is being closed.
     *
     * @param why one line for a person
     * @param cause says more than {@code why}, or null
     */
    void failed(String why, Throwable cause);
}
