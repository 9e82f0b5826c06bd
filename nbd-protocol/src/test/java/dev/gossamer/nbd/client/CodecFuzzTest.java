package dev.gossamer.nbd.client;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.nbd.transmission.ReplyEncoder;
import dev.gossamer.nbd.transmission.RequestDecoder;
import dev.gossamer.nbd.transmission.TestExtents;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.lang.management.ManagementFactory;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Valid streams with a few fields bent, cut anywhere: no exception leaves a decoder, all bytes are consumed, nothing is
 * called after the end, and no memory follows an announced length.
 */
final class CodecFuzzTest {
    private static final int STREAMS = 60_000;

    /** What a decoder may cost beyond its fixed buffers: far below any length a bent field can announce. */
    private static final long MEMORY_PER_STREAM_BYTES = 200 << 10;

    private static final long[] INTERESTING = {
        0,
        1,
        2,
        5,
        6,
        7,
        8,
        32,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8001,
        0x8002,
        0xffff,
        1 << 20,
        (64 << 20) + 1,
        0x7fffffffL,
        0x80000000L,
        0xffffffffL,
        1L << 32,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1
    };

    private static void mutate(ByteBuf bytes, Random random) {
        int times = random.nextInt(4);
        for (int i = 0; i < times && bytes.readableBytes() >= 8; i++) {
            int index = random.nextInt(bytes.writerIndex() - 7);
            long value = INTERESTING[random.nextInt(INTERESTING.length)];
            switch (random.nextInt(6)) {
                case 0 -> bytes.setByte(index, bytes.getByte(index) ^ (1 << random.nextInt(8)));
                case 1 -> bytes.setShort(index & ~1, (int) value);
                case 2 -> bytes.setInt(index & ~3, (int) value);
                case 3 -> bytes.setLong(index & ~3, value);
                case 4 -> bytes.writerIndex(index);
                default -> {
                    ByteBuf copy = bytes.copy(index, bytes.writerIndex() - index);
                    bytes.writeBytes(copy, Math.min(copy.readableBytes(), 64));
                    copy.release();
                }
            }
        }
    }

    private static void feed(ByteBuf bytes, Random random, Consumer<ByteBuf> decode) {
        while (bytes.isReadable()) {
            int lengthBytes = 1 + random.nextInt(bytes.readableBytes());
            decode.accept(bytes.readSlice(lengthBytes));
        }
    }

    private static void run(Consumer<Random> stream) {
        long allocatedBefore = allocatedBytes();
        for (int seed = 0; seed < STREAMS; seed++) {
            try {
                stream.accept(Seeds.random(seed));
            } catch (Throwable failure) {
                throw new AssertionError("seed " + seed, failure);
            }
        }
        long perStream = (allocatedBytes() - allocatedBefore) / STREAMS;
        assertTrue(perStream < MEMORY_PER_STREAM_BYTES, "bytes per stream: " + perStream);
    }

    private static long allocatedBytes() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        return threads.getCurrentThreadAllocatedBytes();
    }

    @Test
    void bentRequestsAreSurvived() {
        run(random -> {
            boolean structured = random.nextBoolean();
            boolean extended = structured && random.nextBoolean();
            ClientRequestEncoder encoder = new ClientRequestEncoder(Remotes.client(structured, extended));
            ByteBuf bytes = Unpooled.buffer();
            encoder.request(bytes, NbdCommand.READ, 0, 1, 4096, 512);
            encoder.request(bytes, NbdCommand.WRITE, NbdFlags.CMD_FUA, 2, 8192, 20);
            bytes.writeZero(20);
            encoder.request(bytes, NbdCommand.TRIM, 0, 3, 0, Remotes.SIZE_BYTES);
            encoder.request(bytes, NbdCommand.FLUSH, 0, 4, 0, 0);
            if (structured) {
                encoder.request(bytes, NbdCommand.BLOCK_STATUS, NbdFlags.CMD_REQ_ONE, 5, 0, 4096);
            }
            if (extended) {
                encoder.blockStatus(bytes, 0, 6, 0, 4096, 3);
            }
            encoder.request(bytes, NbdCommand.WRITE_ZEROES, NbdFlags.CMD_NO_HOLE, 7, 0, 4096);
            mutate(bytes, random);
            CheckingRequests sink = new CheckingRequests();
            RequestDecoder decoder =
                    new RequestDecoder(Remotes.server(structured, extended), () -> Remotes.SIZE_BYTES, sink);
            feed(bytes, random, segment -> {
                decoder.decode(segment);
                assertFalse(segment.isReadable());
            });
        });
    }

    @Test
    void bentRepliesAreSurvived() {
        run(random -> {
            boolean structured = random.nextBoolean();
            boolean extended = structured && random.nextBoolean();
            ReplyEncoder encoder = new ReplyEncoder(Remotes.server(structured, extended));
            ByteBuf bytes = Unpooled.buffer();
            encoder.doneReply(bytes, 1, 4096);
            if (structured) {
                encoder.dataChunkHeader(bytes, 0, 0, 4096, 4096, 100);
                bytes.writeZero(100);
                encoder.holeChunk(bytes, 0, 0, 4096, 4196, 300);
                encoder.blockStatusChunk(bytes, 0, 7, 4096, 2, TestExtents.of(256, 1, 256, 2), 2);
                encoder.dataChunkHeader(bytes, 1, 0, 4096, 4496, 112);
                bytes.writeZero(112);
                encoder.blockStatusChunk(bytes, 1, 7, 4096, 1, TestExtents.of(1L << 40, 3), 1);
                encoder.errorOffsetReply(bytes, 4, 5, 4, 4096, "text", 4100);
            } else {
                encoder.readReplyHeader(bytes, 0, 4096, 512);
                bytes.writeZero(512);
            }
            encoder.errorReply(bytes, 6, 28, 6, 4096, "full");
            mutate(bytes, random);
            CheckingReplies sink = new CheckingReplies();
            ClientReplyDecoder decoder = new ClientReplyDecoder(Remotes.client(structured, extended), sink);
            CheckingReplies.COMMANDS.forEach(command -> CheckingReplies.expect(decoder, command));
            feed(bytes, random, segment -> {
                decoder.decode(segment);
                assertFalse(segment.isReadable());
            });
        });
    }
}
