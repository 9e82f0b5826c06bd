package dev.gossamer.daemon.server.stream;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.util.function.IntConsumer;

/**
 * The transfer memory of one loop as Netty sees it: one view over the whole slab, in which every {@link IoBuffer} is a
 * range. So data goes between sockets and disks without a copy of our own making, and without an object per transfer:
 * {@link ReplyData} objects are used again for any buffer.
 *
 * <p>Confined to the loop's thread.
 */
public final class SlabView {
    private final ByteBuffer memory;
    private final long baseAddress;
    private final ByteBuf bytes;
    private ReplyData free;

    /** Takes the view while nothing of the pool is in use, before the first connection. */
    public SlabView(IoBufferPool pool) {
        IoBuffer whole = pool.acquire((int) pool.capacityBytes());
        memory = whole.bytes();
        baseAddress = whole.address();
        whole.release();
        bytes = Unpooled.wrappedBuffer(memory);
    }

    /** Moves bytes that arrived into a buffer; the only copy a write makes. */
    public void fill(IoBuffer buffer, int offsetBytes, ByteBuf in, int lengthBytes) {
        Invariant.check(lengthBytes <= buffer.capacityBytes() - offsetBytes, "payload beyond its buffer");
        in.readBytes(bytes, slabOffset(buffer) + offsetBytes, lengthBytes);
    }

    /**
     * The first bytes of a buffer as something to send. Owns the buffer from now on; gives it back once sent.
     *
     * @param sent told how many bytes of memory were given back, once the data has left or never will
     */
    public ReplyData replyData(IntConsumer sent, IoBuffer buffer, int lengthBytes) {
        ReplyData data = free;
        if (data == null) {
            data = new ReplyData(this, memory);
        } else {
            free = data.next;
            data.next = null;
        }
        data.lend(sent, buffer, slabOffset(buffer), lengthBytes);
        return data;
    }

    void giveBack(ReplyData data) {
        data.next = free;
        free = data;
    }

    private int slabOffset(IoBuffer buffer) {
        return (int) (buffer.address() - baseAddress);
    }
}
