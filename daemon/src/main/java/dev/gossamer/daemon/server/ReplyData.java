package dev.gossamer.daemon.server;

import dev.gossamer.io.buffer.IoBuffer;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.buffer.UnpooledUnsafeDirectByteBuf;
import java.nio.ByteBuffer;

/**
 * The data of one READ reply on its way to the socket, in the memory the disk wrote it to. Netty releases it when the
 * last byte was sent, or the connection is gone; that gives the memory back, and this object to its {@link SlabView}.
 */
final class ReplyData extends UnpooledUnsafeDirectByteBuf {
    private final SlabView slab;
    private NbdConnection connection;
    private IoBuffer buffer;
    /** Next unused object, while in the slab's list. */
    ReplyData next;

    ReplyData(SlabView slab, ByteBuffer memory) {
        super(UnpooledByteBufAllocator.DEFAULT, memory, memory.capacity());
        this.slab = slab;
    }

    void lend(NbdConnection newConnection, IoBuffer newBuffer, int slabOffsetBytes, int lengthBytes) {
        connection = newConnection;
        buffer = newBuffer;
        setIndex(slabOffsetBytes, slabOffsetBytes + lengthBytes);
    }

    @Override
    protected void deallocate() {
        NbdConnection sentBy = connection;
        int heldBytes = buffer.capacityBytes();
        buffer.release();
        buffer = null;
        connection = null;
        resetRefCnt();
        slab.giveBack(this);
        sentBy.replyDataSent(heldBytes);
    }
}
