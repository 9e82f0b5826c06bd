package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.gossamer.nbd.wire.NbdCommand;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.List;

/**
 * The client against one byte string: handshake, then replies, as a server's bytes would drive them. An input is
 *
 * <pre>
 *  0        1        2
 *  +--------+--------+---------------------------------------+
 *  | cut    | wishes | greeting, option replies, replies ... |
 *  +--------+--------+---------------------------------------+
 *
 *  cut:    bytes in each segment of the stream; 0 for one segment
 *  wishes: 1 extended headers, 2 two metadata contexts, 4 the list of exports
 * </pre>
 *
 * The requests that are in flight when transmission begins are the same for every input. Everything that escapes is a
 * finding: an exception, an assertion of {@link CheckingReplies}, bytes that are left over, a handshake that ends
 * twice.
 */
public final class FuzzedClient implements ClientHandshakeListener {
    private static final int EXTENDED_HEADERS = 1;
    private static final int CONTEXTS = 2;
    private static final int LIST = 4;
    private static final int TIMEOUT_MS = 10_000;

    private int endings;
    private String failure = "";

    private FuzzedClient() {}

    /** Called by the fuzzer, whose convention the name is. */
    public static void fuzzerTestOneInput(byte[] input) {
        if (input.length < 2) {
            return;
        }
        int wishes = input[1];
        ClientOptions options = new ClientOptions(
                (wishes & LIST) == 0 ? "vol" : null,
                (wishes & EXTENDED_HEADERS) != 0,
                (wishes & CONTEXTS) == 0 ? List.of() : List.of("a:a", "b:b"),
                null,
                TIMEOUT_MS);
        FuzzedClient listener = new FuzzedClient();
        FuzzedChannel channel = new FuzzedChannel(new ClientHandshake(options, listener));
        channel.feed(input, 2, input[0] & 0xff);
        channel.end();
        assertEquals(1, listener.endings, "a handshake ends once");
        // What a handler throws reaches the handshake's owner in these words.
        assertFalse(listener.failure.startsWith("connection failed"), listener.failure);
    }

    @Override
    public void negotiated(ChannelHandlerContext ctx, RemoteExport export) {
        endings++;
        ClientReplyDecoder decoder = new ClientReplyDecoder(export, new CheckingReplies());
        CheckingReplies.COMMANDS.stream()
                .filter(command ->
                        command != NbdCommand.BLOCK_STATUS || !export.contexts().isEmpty())
                .forEach(command -> CheckingReplies.expect(decoder, command));
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

    @Override
    public void listed(List<String> exportNames) {
        endings++;
    }

    @Override
    public void failed(String why, Throwable cause) {
        endings++;
        failure = why;
    }
}
