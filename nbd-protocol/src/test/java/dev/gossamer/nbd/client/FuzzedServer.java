package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.nbd.handshake.ExportDirectory;
import dev.gossamer.nbd.handshake.ExportInfo;
import dev.gossamer.nbd.handshake.HandshakeHandler;
import dev.gossamer.nbd.handshake.HandshakeLimits;
import dev.gossamer.nbd.handshake.NegotiatedExport;
import dev.gossamer.nbd.handshake.Peer;
import dev.gossamer.nbd.handshake.TlsOffer;
import dev.gossamer.nbd.transmission.RequestDecoder;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.List;

/**
 * The server against one byte string: handshake, then requests, as a client's bytes would drive them. An input is
 *
 * <pre>
 *  0        1
 *  +--------+------------------------------------------------+
 *  | cut    | client flags, options, requests ...            |
 *  +--------+------------------------------------------------+
 *
 *  cut: bytes in each segment of the stream; 0 for one segment
 * </pre>
 *
 * Everything that escapes is a finding: an exception, an assertion of {@link CheckingRequests}, bytes that are left
 * over.
 */
public final class FuzzedServer {
    private static final ExportInfo VOL =
            new ExportInfo("vol", "fuzzed", Remotes.SIZE_BYTES, Remotes.ALL_FLAGS, 1, 4096, 1 << 20);

    private static final ExportDirectory EXPORTS = new ExportDirectory() {
        @Override
        public List<ExportInfo> list(Peer peer) {
            return List.of(VOL);
        }

        @Override
        public ExportInfo find(Peer peer, String name) {
            return name.isEmpty() || name.equals(VOL.name()) ? VOL : null;
        }

        @Override
        public List<String> metaContexts(Peer peer, String exportName) {
            return List.of("base:allocation", "qemu:dirty-bitmap:monday");
        }
    };

    private FuzzedServer() {}

    /** Called by the fuzzer, whose convention the name is. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length == 0) {
            return;
        }
        FuzzedChannel channel = new FuzzedChannel(
                new HandshakeHandler(EXPORTS, new HandshakeLimits(0, 0), TlsOffer.NONE, FuzzedServer::serve));
        channel.feed(input, 1, input[0] & 0xff);
        channel.end();
    }

    private static void serve(ChannelHandlerContext ctx, NegotiatedExport negotiated) {
        RequestDecoder decoder = new RequestDecoder(negotiated, () -> Remotes.SIZE_BYTES, new CheckingRequests());
        ctx.pipeline().replace(ctx.handler(), null, new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext context, Object message) {
                ByteBuf in = (ByteBuf) message;
                decoder.decode(in);
                assertFalse(in.isReadable(), "nothing is left over");
                in.release();
            }
        });
    }
}
