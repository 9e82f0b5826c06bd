package dev.gossamer.daemon.server.stream;

import dev.gossamer.io.buffer.IoBuffer;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledUnsafeDirectByteBuf;
import java.nio.ByteBuffer;
import java.util.function.IntConsumer;

/**
 * The data of one reply on its way to the socket: of a READ in the memory the disk wrote it to, of a BLOCK_STATUS where
 * it was encoded. Netty releases it when the last byte was sent, or the connection is gone; that gives the memory back,
 * and this object to its {@link SlabView}.
 */
public final class ReplyData extends UnpooledUnsafeDirectByteBuf {
    private final SlabView slab;
    private IntConsumer sent;
    private IoBuffer buffer;
    /** Next unused object, while in the slab's list. */
    ReplyData next;

    ReplyData(SlabView slab, ByteBuffer memory) {
        super(UnpooledByteBufAllocator.DEFAULT, memory, memory.capacity());
        this.slab = slab;
    }

    void lend(IntConsumer newSent, IoBuffer newBuffer, int slabOffsetBytes, int lengthBytes) {
        sent = newSent;
        buffer = newBuffer;
        setIndex(slabOffsetBytes, slabOffsetBytes + lengthBytes);
    }

    /** The memory behind it; what is appended must not go beyond. */
    public int roomBytes() {
        return buffer.capacityBytes();
    }

    @Override
    protected void deallocate() {
        IntConsumer told = sent;
        int heldBytes = buffer.capacityBytes();
        buffer.release();
        buffer = null;
        sent = null;
        resetRefCnt();
        slab.giveBack(this);
        told.accept(heldBytes);
    }
}
