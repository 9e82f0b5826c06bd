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
 * than requests that connections may have under way, and a look is two compares for each. The lowest free slot is taken
 * first and the limit follows the highest that is taken, so that a burst costs looks while it lasts, and no longer.
 */
final class WriteRanges {
    /** Twice a connection's usual queue depth; the table doubles when it is full and never shrinks. */
    private static final int FIRST_SLOTS = 64;

    private static final int WORDS = 2;

    private final IoLoop loop;

    // Written by the loop (release), read by others (acquire). Replaced by a larger copy before a slot of that is used.
    private volatile AtomicLongArray bounds = new AtomicLongArray(0);
    // Above the highest slot that is taken: what a look has to go through.
    private final AtomicInteger limit = new AtomicInteger();

    // The loop's alone.
    private Slot[] slots = new Slot[0];
    // A bit for each slot: taken.
    private long[] taken = new long[0];
    // No word below this one has a free slot.
    private int firstFreeWord;

    WriteRanges(IoLoop loop) {
        this.loop = loop;
        enlarge(FIRST_SLOTS);
    }

    IoLoop loop() {
        return loop;
    }

    /** Publishes a write's range until it completes. The range is not empty; its ticket is drawn afterwards. */
    Slot add(BlockRequest write) {
        int index = lowestFree();
        taken[index / Long.SIZE] |= 1L << index;
        AtomicLongArray table = bounds;
        table.setRelease(index * WORDS, write.offsetBytes());
        table.setRelease(index * WORDS + 1, write.offsetBytes() + write.lengthBytes());
        if (index >= limit.getPlain()) {
            limit.setRelease(index + 1);
        }
        write.push(slots[index]);
        return slots[index];
    }

    private int lowestFree() {
        int word = firstFreeWord;
        while (word < taken.length && taken[word] == -1L) {
            word++;
        }
        firstFreeWord = word;
        if (word == taken.length) {
            enlarge(slots.length * 2);
        }
        return word * Long.SIZE + Long.numberOfTrailingZeros(~taken[word]);
    }

    private void remove(int index) {
        bounds.setRelease(index * WORDS + 1, 0);
        int word = index / Long.SIZE;
        taken[word] &= ~(1L << index);
        firstFreeWord = Math.min(firstFreeWord, word);
        if (index == limit.getPlain() - 1) {
            while (word >= 0 && taken[word] == 0) {
                word--;
            }
            limit.setRelease(word < 0 ? 0 : (word + 1) * Long.SIZE - Long.numberOfLeadingZeros(taken[word]));
        }
    }

    /** Slots that a look goes through. */
    int limit() {
        return limit.getPlain();
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

    /** The table is the old one until there is memory for all of the larger one. */
    private void enlarge(int count) {
        AtomicLongArray old = bounds;
        AtomicLongArray larger = new AtomicLongArray(count * WORDS);
        for (int i = 0; i < slots.length * WORDS; i++) {
            larger.setPlain(i, old.getPlain(i));
        }
        Slot[] moreSlots = Arrays.copyOf(slots, count);
        for (int i = slots.length; i < count; i++) {
            moreSlots[i] = new Slot(i);
        }
        taken = Arrays.copyOf(taken, count / Long.SIZE);
        slots = moreSlots;
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
