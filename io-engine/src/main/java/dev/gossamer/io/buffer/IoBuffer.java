package dev.gossamer.io.buffer;

import java.nio.ByteBuffer;

/**
 * A page-aligned piece of off-heap memory with one owner at a time, made by an {@link IoBufferPool} only.
 *
 * <p>A device borrows it between submit and completion. The last owner calls {@link #release} once.
 */
public final class IoBuffer {
    private final IoBufferPool pool;
    private final long address;
    private final int pageIndex;
    private ByteBuffer bytes;
    private int order;
    private boolean inUse;
    /** Next free buffer of the same order, while in the pool. */
    IoBuffer nextFree;

    IoBuffer previousFree;

    IoBuffer(IoBufferPool pool, long address, int pageIndex) {
        this.pool = pool;
        this.address = address;
        this.pageIndex = pageIndex;
    }

    /** Address of the first byte, a multiple of {@link IoBufferPool#PAGE_BYTES}. Valid until {@link #release}. */
    public long address() {
        return address;
    }

    /** Bytes that may be used: what was asked for, rounded up to a power of two of pages. */
    public int capacityBytes() {
        return IoBufferPool.PAGE_BYTES << order;
    }

    /**
     * The memory as a byte buffer over the whole capacity, in native (little-endian) order. The same object each time:
     * use absolute accessors, or {@code duplicate} it to keep a position.
     */
    public ByteBuffer bytes() {
        if (!inUse) {
            throw new AssertionError("buffer used after release");
        }
        return bytes;
    }

    /** Sets a range to zero. */
    public void zero(int offsetBytes, int lengthBytes) {
        pool.fill(address, offsetBytes, lengthBytes, capacityBytes(), (byte) 0);
    }

    /** Copies from another buffer. The ranges must not overlap. */
    public void copyFrom(int offsetBytes, IoBuffer source, int sourceOffsetBytes, int lengthBytes) {
        bytes().put(offsetBytes, source.bytes(), sourceOffsetBytes, lengthBytes);
    }

    /** Gives the memory back; on the thread of the pool's owner. */
    public void release() {
        pool.release(this);
    }

    int pageIndex() {
        return pageIndex;
    }

    int order() {
        return order;
    }

    boolean isInUse() {
        return inUse;
    }

    void setFree(int newOrder) {
        order = newOrder;
        inUse = false;
    }

    /** Makes what it shows of the pool's memory if it is given away with this size next. */
    void show(int nextOrder, ByteBuffer memory) {
        int lengthBytes = IoBufferPool.PAGE_BYTES << nextOrder;
        if (bytes == null || bytes.capacity() != lengthBytes) {
            bytes = memory.slice(pageIndex * IoBufferPool.PAGE_BYTES, lengthBytes)
                    .order(java.nio.ByteOrder.LITTLE_ENDIAN);
        }
    }

    void setInUse(int newOrder) {
        order = newOrder;
        inUse = true;
    }
}
