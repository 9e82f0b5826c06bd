package dev.gossamer.io.order;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * The ranges that writes of one device, from one loop, have under way or wait to write (NBD T51a). {@link WriteOrder}
 * has the protocol between loops.
 *
 * <p>The loop alone changes them, and only {@link #mayOverlap} is for other loops. Two words per slot are what those
 * read:
 *
 * <pre>
 *   bounds   | from, in bytes | to, exclusive |   slot 0; "to" of a free slot is 0, so that it overlaps nothing
 *            | from           | to            |   slot 1
 *            |               ...              |   slot limit - 1
 * </pre>
 *
 * <p>A slot is never moved while it is taken: a reader that goes through them cannot miss one. There are never more
 * than requests that connections may have under way, and a look is two compares for each.
 */
final class WriteRanges {
    /** A connection's usual queue depth; the table doubles when it is full and never shrinks. */
    private static final int FIRST_SLOTS = 32;

    private static final int WORDS = 2;

    private final IoLoop loop;

    // Written by the loop (release), read by others (acquire). Replaced by a larger copy before a slot of that is used.
    private volatile AtomicLongArray bounds = new AtomicLongArray(0);
    // Slots used since the device was last idle on this loop: what a look has to go through.
    private final AtomicInteger limit = new AtomicInteger();

    // The loop's alone.
    private Slot[] slots = new Slot[0];
    private int[] free = new int[0];
    private int freeCount;
    private int used;

    WriteRanges(IoLoop loop) {
        this.loop = loop;
        enlarge(FIRST_SLOTS);
    }

    IoLoop loop() {
        return loop;
    }

    /** Publishes a write's range until it completes. The range is not empty; its ticket is drawn afterwards. */
    Slot add(BlockRequest write) {
        int index = freeCount > 0 ? free[--freeCount] : limit.getPlain();
        if (index == slots.length) {
            enlarge(slots.length * 2);
        }
        used++;
        AtomicLongArray table = bounds;
        table.setRelease(index * WORDS, write.offsetBytes());
        table.setRelease(index * WORDS + 1, write.offsetBytes() + write.lengthBytes());
        if (index == limit.getPlain()) {
            limit.setRelease(index + 1);
        }
        write.push(slots[index]);
        return slots[index];
    }

    private void remove(int index) {
        bounds.setRelease(index * WORDS + 1, 0);
        if (--used == 0) {
            limit.setRelease(0);
            freeCount = 0;
        } else {
            free[freeCount++] = index;
        }
    }

    /**
     * Makes a waiter wait for the youngest range here that overlaps its own and is older. @return false if there is
     * none
     */
    boolean park(WriteOrder.Waiter waiter) {
        Slot older = youngestBefore(waiter.ticket, waiter.fromBytes, waiter.toBytes);
        if (older == null) {
            return false;
        }
        waiter.next = older.waiting;
        older.waiting = waiter;
        return true;
    }

    /** The youngest of the overlapping ranges that are older than a ticket; null if there is none. */
    Slot youngestBefore(long ticket, long fromBytes, long toBytes) {
        AtomicLongArray table = bounds;
        Slot youngest = null;
        for (int i = limit.getPlain() - 1; i >= 0; i--) {
            if (table.getPlain(i * WORDS) < toBytes && table.getPlain(i * WORDS + 1) > fromBytes) {
                Slot slot = slots[i];
                if (slot.ticket < ticket && (youngest == null || slot.ticket > youngest.ticket)) {
                    youngest = slot;
                }
            }
        }
        return youngest;
    }

    /**
     * Whether there may be an overlapping range. Never false for one whose ticket was drawn before the caller's and
     * which is not done yet; perhaps true without any, when slots change at this moment. Any thread.
     */
    boolean mayOverlap(long fromBytes, long toBytes) {
        int count = limit.getAcquire();
        if (count == 0) {
            return false;
        }
        // Not earlier: an array that belongs to this limit or to a later one.
        AtomicLongArray table = bounds;
        for (int i = 0; i < count; i++) {
            if (table.getAcquire(i * WORDS) < toBytes && table.getAcquire(i * WORDS + 1) > fromBytes) {
                return true;
            }
        }
        return false;
    }

    private void enlarge(int count) {
        AtomicLongArray old = bounds;
        AtomicLongArray larger = new AtomicLongArray(count * WORDS);
        for (int i = 0; i < slots.length * WORDS; i++) {
            larger.setPlain(i, old.getPlain(i));
        }
        int before = slots.length;
        slots = Arrays.copyOf(slots, count);
        for (int i = before; i < count; i++) {
            slots[i] = new Slot(i);
        }
        free = Arrays.copyOf(free, count);
        bounds = larger;
    }

    /** A place for one write; pushed onto it, to learn of its end. */
    final class Slot implements BlockCompletion {
        private final int index;

        /** Tells which of two writes was received first. */
        long ticket;

        // Who waits for this write, linked.
        private WriteOrder.Waiter waiting;

        Slot(int index) {
            this.index = index;
        }

        @Override
        public void complete(BlockRequest write, int errno) {
            WriteOrder.Waiter waiter = waiting;
            waiting = null;
            remove(index);
            while (waiter != null) {
                WriteOrder.Waiter following = waiter.next;
                waiter.next = null;
                waiter.askHere();
                waiter = following;
            }
            write.complete(errno);
        }
    }
}
