package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.transmission.ForwardingSink;
import dev.gossamer.nbd.transmission.RequestDecoder;
import dev.gossamer.nbd.transmission.RequestSink;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** C2: what the client encodes the server decodes, and nothing is sent that was not offered. */
final class RequestRoundTripTest {
    private final List<String> seen = new ArrayList<>();
    private final RequestSink sink = new RequestSink() {
        @Override
        public boolean hasRoom() {
            return true;
        }

        @Override
        public boolean begin(NbdRequest request) {
            return true;
        }

        @Override
        public void payload(ByteBuf in, int lengthBytes) {
            in.skipBytes(lengthBytes);
        }

        @Override
        public void ready(NbdRequest request) {
            seen.add(describe(
                    request.command(),
                    request.flags() & ~NbdFlags.CMD_PAYLOAD_LEN,
                    request.cookie(),
                    request.offsetBytes(),
                    request.lengthBytes()));
        }

        @Override
        public void refused(NbdRequest request, int nbdError, String text) {
            seen.add("refused " + text);
        }

        @Override
        public void disconnect() {
            seen.add("disconnect");
        }

        @Override
        public void violation(String why) {
            seen.add("violation " + why);
        }
    };

    private static String describe(int command, int flags, long cookie, long offsetBytes, long lengthBytes) {
        return command + " flags " + flags + " cookie " + cookie + " at " + offsetBytes + "+" + lengthBytes;
    }

    @Test
    void randomRequestsArriveAsTheyWereMeant() {
        int[] flags = {0, NbdFlags.CMD_FUA, NbdFlags.CMD_NO_HOLE, NbdFlags.CMD_DF, NbdFlags.CMD_REQ_ONE, 16, 17};
        for (int seed = 0; seed < 3_000; seed++) {
            Random random = Seeds.random(seed);
            boolean structured = random.nextBoolean();
            boolean extended = structured && random.nextBoolean();
            ClientRequestEncoder encoder = new ClientRequestEncoder(Remotes.client(structured, extended));
            ByteBuf out = Unpooled.buffer();
            List<String> expected = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                int command = random.nextInt(9);
                int flag = flags[random.nextInt(flags.length)];
                long offsetBytes = command == NbdCommand.FLUSH ? 0 : random.nextInt(Remotes.SIZE_BYTES + 5);
                long lengthBytes = command == NbdCommand.FLUSH ? 0 : random.nextInt(2000);
                int before = out.writerIndex();
                try {
                    encoder.request(out, command, flag, i, offsetBytes, lengthBytes);
                    out.writeZero(command == NbdCommand.WRITE ? (int) lengthBytes : 0);
                    expected.add(describe(command, flag, i, offsetBytes, lengthBytes));
                } catch (IllegalArgumentException e) {
                    assertEquals(before, out.writerIndex(), "nothing was written");
                }
            }
            encoder.disconnect(out);
            expected.add("disconnect");
            seen.clear();
            new RequestDecoder(Remotes.server(structured, extended), () -> Remotes.SIZE_BYTES, sink).decode(out);
            assertEquals(expected, seen, "seed " + seed);
        }
    }

    @Test
    void aFilterNamesItsContexts() {
        ClientRequestEncoder encoder = new ClientRequestEncoder(Remotes.client(true, true));
        ByteBuf out = Unpooled.buffer();
        encoder.blockStatus(out, 0, 1, 512, 1024, 2);
        assertTrue(out.readableBytes() <= ClientRequestEncoder.longestRequestBytes());
        List<Long> filters = new ArrayList<>();
        RequestSink filterSink = new ForwardingSink(sink) {
            @Override
            public boolean begin(NbdRequest request) {
                filters.add(request.contextFilter());
                return super.begin(request);
            }
        };
        new RequestDecoder(Remotes.server(true, true), () -> Remotes.SIZE_BYTES, filterSink).decode(out);
        assertEquals(List.of(2L), filters);
        assertEquals(List.of(describe(NbdCommand.BLOCK_STATUS, 0, 1, 512, 1024)), seen);
        for (long filter : new long[] {0, 4, -1}) {
            assertThrows(IllegalArgumentException.class, () -> encoder.blockStatus(out, 0, 1, 512, 1024, filter));
        }
        ClientRequestEncoder compact = new ClientRequestEncoder(Remotes.client(true, false));
        assertThrows(IllegalArgumentException.class, () -> compact.blockStatus(out, 0, 1, 512, 1024, 1));
    }
}
