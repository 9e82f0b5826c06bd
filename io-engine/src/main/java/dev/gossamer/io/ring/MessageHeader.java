package dev.gossamer.io.ring;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;

/**
 * The kernel's {@code struct msghdr} and its array of {@code struct iovec}: where a message is gathered from or
 * scattered to. Memory of its own outside of the heap, which the kernel reads while an operation is under way. Confined
 * to the loop.
 */
final class MessageHeader {
    /*
     * 64-bit Linux, little-endian on all that we run on:
     *
     *   0  name address   8  name length   16 iovec address   24 iovec count   32..55 control, flags: zero
     *   56 + 16 i: address   64 + 16 i: length
     *
     * What the kernel writes there itself, length of the control data and flags, it does not read again.
     */
    private static final int IOV_ADDRESS = 16;
    private static final int IOV_COUNT = 24;
    private static final int HEADER_BYTES = 56;
    private static final int IOV_BYTES = 16;
    private static final int IOV_LENGTH = 8;

    private final ByteBuf memory;

    /** @param pieces room for so many pieces of memory; the kernel allows 1024 */
    MessageHeader(int pieces) {
        memory = Unpooled.directBuffer(HEADER_BYTES + pieces * IOV_BYTES);
        memory.setZero(0, HEADER_BYTES);
        memory.setLongLE(IOV_ADDRESS, memory.memoryAddress() + HEADER_BYTES);
    }

    long address() {
        return memory.memoryAddress();
    }

    /** The {@code index}-th piece; a length of 0 is allowed, and then any address. */
    void setPiece(int index, long address, int lengthBytes) {
        memory.setLongLE(HEADER_BYTES + index * IOV_BYTES, address);
        memory.setLongLE(HEADER_BYTES + index * IOV_BYTES + IOV_LENGTH, lengthBytes);
    }

    /** How many of the pieces there are, from the first one. */
    void setCount(int pieces) {
        memory.setLongLE(IOV_COUNT, pieces);
    }

    /** When no operation with it is under way any more. */
    void release() {
        memory.release();
    }
}
