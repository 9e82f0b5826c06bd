package dev.gossamer.io.buffer;

import dev.gossamer.io.libc.PageMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All transfer memory of one thread: one slab, handed out in powers of two of pages (a buddy allocator).
 *
 * <p>The slab is the limit of what the thread can have in flight. When it is used up {@link #tryAcquire} answers null,
 * and the caller stops taking on work until {@link #whenReleased} wakes it: back-pressure, never growth. The kernel
 * gives pages to the slab as they are first touched, so an idle daemon pays nothing for a large limit.
 *
 * <p>Confined to its owner's thread, {@link #close} included.
 */
public final class IoBufferPool implements AutoCloseable {
    /** Alignment and smallest buffer; satisfies O_DIRECT on every device with sectors up to 4 KiB. */
    public static final int PAGE_BYTES = 4096;

    private static final Logger LOG = LoggerFactory.getLogger(IoBufferPool.class);

    private static final int MAX_ORDER = 18; // 1 GiB

    private final Arena arena = Arena.ofShared();
    private final MemorySegment slab;
    private final ByteBuffer memory;
    private final int pages;
    // The head of each page run, free or in use; made when first needed. A page inside a run has a stale entry or none.
    private final IoBuffer[] heads;
    private final IoBuffer[] freeByOrder = new IoBuffer[MAX_ORDER + 1];
    private final ArrayDeque<Runnable> waiters = new ArrayDeque<>();
    private int usedPages;
    private Consumer<Throwable> faults = fault -> LOG.error("a waiter for memory failed", fault);
    private boolean waking;
    private boolean released;

    /** @param capacityBytes the limit: a power of two between one page and 1 GiB */
    public IoBufferPool(int capacityBytes) {
        if (capacityBytes < PAGE_BYTES || Integer.bitCount(capacityBytes) != 1) {
            throw new IllegalArgumentException("capacity must be a power of two of at least a page: " + capacityBytes);
        }
        slab = map(capacityBytes, arena);
        memory = slab.asByteBuffer();
        pages = capacityBytes / PAGE_BYTES;
        heads = new IoBuffer[pages];
        addFree(head(0), Integer.numberOfTrailingZeros(pages));
    }

    /**
     * Memory of at least {@code lengthBytes}; its contents are undefined.
     *
     * @return null when the pool is used up
     */
    public IoBuffer tryAcquire(int lengthBytes) {
        int order = orderFor(lengthBytes);
        int found = order;
        while (found <= MAX_ORDER && freeByOrder[found] == null) {
            found++;
        }
        if (found > MAX_ORDER) {
            return null;
        }
        IoBuffer buffer = freeByOrder[found];
        // Objects first: if there is no memory for one of them, the pool stays as it is.
        for (int half = order; half < found; half++) {
            head(buffer.pageIndex() + (1 << half));
        }
        buffer.show(order, memory);
        removeFree(buffer);
        while (found > order) {
            found--;
            addFree(head(buffer.pageIndex() + (1 << found)), found);
        }
        buffer.setInUse(order);
        usedPages += 1 << order;
        return buffer;
    }

    /** As {@link #tryAcquire}, for an owner who has sized the pool so that it cannot run out. */
    public IoBuffer acquire(int lengthBytes) {
        IoBuffer buffer = tryAcquire(lengthBytes);
        if (buffer == null) {
            throw new AssertionError("buffer pool used up by an owner that may not wait");
        }
        return buffer;
    }

    /** Whether {@link #tryAcquire} would have memory of so many bytes. */
    public boolean canAcquire(int lengthBytes) {
        for (int order = orderFor(lengthBytes); order <= MAX_ORDER; order++) {
            if (freeByOrder[order] != null) {
                return true;
            }
        }
        return false;
    }

    void release(IoBuffer released) {
        if (!released.isInUse()) {
            throw new AssertionError("buffer released twice");
        }
        int order = released.order();
        usedPages -= 1 << order;
        IoBuffer buffer = released;
        buffer.setFree(order);
        while ((2 << order) <= pages) {
            IoBuffer buddy = heads[buffer.pageIndex() ^ (1 << order)];
            if (buddy == null || buddy.isInUse() || buddy.order() != order || !isListed(buddy)) {
                break;
            }
            removeFree(buddy);
            buffer.setFree(0);
            buddy.setFree(0);
            buffer = head(Math.min(buffer.pageIndex(), buddy.pageIndex()));
            order++;
        }
        addFree(buffer, order);
        wake();
    }

    /** A waiter that throws is reported there; for the loop that the pool belongs to. */
    public void tellFaultsTo(Consumer<Throwable> newFaults) {
        faults = newFaults;
    }

    /**
     * Runs a task once, on this thread, after something was released. First come, first served; one that throws is one
     * less.
     */
    public void whenReleased(Runnable task) {
        waiters.add(task);
    }

    /** Tasks waiting for memory. */
    public int waiting() {
        return waiters.size();
    }

    /** Bytes handed out and not given back; 0 when the owner is idle. */
    public long usedBytes() {
        return (long) usedPages * PAGE_BYTES;
    }

    public long capacityBytes() {
        return (long) pages * PAGE_BYTES;
    }

    @Override
    public void close() {
        arena.close();
    }

    void fill(long address, int offsetBytes, int lengthBytes, int limitBytes, byte value) {
        if (offsetBytes < 0 || lengthBytes < 0 || lengthBytes > limitBytes - offsetBytes) {
            throw new IndexOutOfBoundsException("range outside the buffer");
        }
        slab.asSlice(address - slab.address() + offsetBytes, lengthBytes).fill(value);
    }

    // A waiter may find that what was released is still too little and wait again, at the end of the line. It may also
    // release something itself: then all get another turn, so that nobody sleeps while there is memory for him.
    private void wake() {
        released = true;
        if (waking) {
            return;
        }
        waking = true;
        while (released && !waiters.isEmpty()) {
            released = false;
            for (int left = waiters.size(); left > 0; left--) {
                runWaiter();
            }
        }
        waking = false;
    }

    private void tell(Throwable fault) {
        try {
            faults.accept(fault);
        } catch (Throwable unspeakable) {
            // There is no memory even for a word about it.
        }
    }

    private void runWaiter() {
        try {
            waiters.poll().run();
        } catch (Throwable fault) {
            tell(fault); // whoever released memory has nothing to do with it, nor has the next waiter
        }
    }

    @SuppressWarnings("restricted") // Gives an address bounds and a lifetime; the mapping is exactly that long.
    private static MemorySegment map(int capacityBytes, Arena arena) {
        long address = PageMemory.map(capacityBytes);
        return MemorySegment.ofAddress(address)
                .reinterpret(capacityBytes, arena, mapped -> PageMemory.unmap(address, capacityBytes));
    }

    private static int orderFor(int lengthBytes) {
        int pageCount = Math.max(1, (lengthBytes + PAGE_BYTES - 1) / PAGE_BYTES);
        return 32 - Integer.numberOfLeadingZeros(pageCount - 1);
    }

    private IoBuffer head(int pageIndex) {
        IoBuffer head = heads[pageIndex];
        if (head == null) {
            head = new IoBuffer(this, slab.address() + (long) pageIndex * PAGE_BYTES, pageIndex);
            heads[pageIndex] = head;
        }
        return head;
    }

    private boolean isListed(IoBuffer buffer) {
        return buffer.previousFree != null || freeByOrder[buffer.order()] == buffer;
    }

    private void addFree(IoBuffer buffer, int order) {
        buffer.setFree(order);
        buffer.previousFree = null;
        buffer.nextFree = freeByOrder[order];
        if (buffer.nextFree != null) {
            buffer.nextFree.previousFree = buffer;
        }
        freeByOrder[order] = buffer;
    }

    private void removeFree(IoBuffer buffer) {
        if (buffer.previousFree == null) {
            freeByOrder[buffer.order()] = buffer.nextFree;
        } else {
            buffer.previousFree.nextFree = buffer.nextFree;
        }
        if (buffer.nextFree != null) {
            buffer.nextFree.previousFree = buffer.previousFree;
        }
        buffer.nextFree = null;
        buffer.previousFree = null;
    }
}
