package dev.gossamer.io.buffer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.io.sim.Seeds;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class IoBufferPoolTest {
    private static final int PAGE = IoBufferPool.PAGE_BYTES;
    private static final int CAPACITY = 256 * PAGE;

    private final IoBufferPool pool = new IoBufferPool(CAPACITY);

    @AfterEach
    void free() {
        pool.close();
    }

    @Test
    void randomBuffersNeverOverlapAndCoalesceCompletely() {
        SplittableRandom random = Seeds.splittable(1);
        List<IoBuffer> held = new ArrayList<>();
        long base = wholePoolAddress();
        boolean[] taken = new boolean[CAPACITY / PAGE];
        for (int step = 0; step < 20_000; step++) {
            String where = "step " + step;
            if (random.nextInt(5) < 3 || held.isEmpty()) {
                int length = 1 + random.nextInt(random.nextBoolean() ? 3 * PAGE : 40 * PAGE);
                IoBuffer buffer = pool.tryAcquire(length);
                if (buffer == null) {
                    assertTrue(noRoomFor(length, taken), () -> "refused though there is room, " + where);
                } else {
                    assertTrue(buffer.capacityBytes() >= length && buffer.capacityBytes() < 2 * Math.max(length, PAGE));
                    mark(buffer, base, taken, true, where);
                    held.add(buffer);
                }
            } else {
                IoBuffer buffer = held.remove(random.nextInt(held.size()));
                mark(buffer, base, taken, false, where);
                buffer.release();
            }
            long expected = held.stream().mapToLong(IoBuffer::capacityBytes).sum();
            assertEquals(expected, pool.usedBytes(), where);
        }
        held.forEach(IoBuffer::release);
        assertEquals(0, pool.usedBytes());
        assertEquals(base, wholePoolAddress(), "not coalesced");
    }

    private long wholePoolAddress() {
        IoBuffer whole = pool.acquire(CAPACITY);
        long address = whole.address();
        whole.release();
        return address;
    }

    private static void mark(IoBuffer buffer, long base, boolean[] taken, boolean now, String where) {
        assertEquals(0, buffer.address() % PAGE, where);
        int first = (int) ((buffer.address() - base) / PAGE);
        for (int page = first; page < first + buffer.capacityBytes() / PAGE; page++) {
            assertEquals(!now, taken[page], where);
            taken[page] = now;
        }
    }

    // A buddy allocator has room if some aligned run of the rounded length is free.
    private static boolean noRoomFor(int length, boolean[] taken) {
        int pages = Math.ceilDiv(length, PAGE);
        int run = Integer.highestOneBit(pages) == pages ? pages : Integer.highestOneBit(pages) << 1;
        for (int start = 0; start + run <= taken.length; start += run) {
            boolean free = true;
            for (int page = start; page < start + run; page++) {
                free &= !taken[page];
            }
            if (free) {
                return false;
            }
        }
        return true;
    }

    @Test
    void anExhaustedPoolAnswersNull() {
        IoBuffer all = pool.acquire(CAPACITY);
        assertNull(pool.tryAcquire(1));
        all.release();
        assertNull(pool.tryAcquire(CAPACITY + 1));
        IoBuffer again = pool.tryAcquire(1);
        assertNotNull(again);
        again.release();
    }

    @Test
    void waitersWakeInOrderAndThoseThatWaitAgainGoLast() {
        IoBuffer all = pool.acquire(CAPACITY);
        List<String> woken = new ArrayList<>();
        pool.whenReleased(() -> {
            woken.add("first");
            pool.whenReleased(() -> woken.add("first again"));
        });
        pool.whenReleased(() -> woken.add("second"));
        assertEquals(2, pool.waiting());
        all.release();
        assertEquals(List.of("first", "second"), woken);
        assertEquals(1, pool.waiting());
        pool.acquire(1).release();
        assertEquals(List.of("first", "second", "first again"), woken);
        assertEquals(0, pool.waiting());
    }

    @Test
    void aWaiterMayReleaseWithoutWakingOthersTwice() {
        IoBuffer left = pool.acquire(CAPACITY / 2);
        IoBuffer right = pool.acquire(CAPACITY / 2);
        List<String> woken = new ArrayList<>();
        pool.whenReleased(() -> {
            woken.add("first");
            right.release();
        });
        pool.whenReleased(() -> woken.add("second"));
        left.release();
        assertEquals(List.of("first", "second"), woken);
    }

    @Test
    void releasingTwiceIsAnError() {
        IoBuffer buffer = pool.acquire(1);
        buffer.release();
        assertThrows(AssertionError.class, buffer::release);
        assertThrows(AssertionError.class, buffer::bytes);
    }

    @Test
    void zeroAndCopyStayInsideTheirRange() {
        IoBuffer source = pool.acquire(PAGE);
        IoBuffer target = pool.acquire(2 * PAGE);
        for (int i = 0; i < 2 * PAGE; i++) {
            target.bytes().put(i, (byte) 1);
        }
        source.bytes().putInt(0, 0x04030201);
        target.copyFrom(8, source, 0, 4);
        target.zero(16, 4);
        assertEquals(ByteOrder.LITTLE_ENDIAN, source.bytes().order());
        byte[] start = new byte[24];
        target.bytes().get(0, start);
        byte[] expected = {1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1};
        assertArrayEquals(expected, start);
        assertThrows(IndexOutOfBoundsException.class, () -> source.zero(PAGE - 1, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> source.zero(-1, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> source.zero(Integer.MIN_VALUE, 1));
        source.release();
        target.release();
    }

    @Test
    void aBufferSplitFromALargerOneGetsItsOwnSize() {
        IoBuffer large = pool.acquire(8 * PAGE);
        large.release();
        IoBuffer small = pool.acquire(PAGE);
        assertEquals(PAGE, small.capacityBytes());
        assertEquals(PAGE, small.bytes().capacity());
        small.release();
    }

    @Test
    void impossibleCapacitiesAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new IoBufferPool(PAGE / 2));
        assertThrows(IllegalArgumentException.class, () -> new IoBufferPool(3 * PAGE));
    }

    /** Else a moment without heap would cost the loop its transfer memory, and all its clients wait for ever. */
    @Test
    void whatCannotBeSplitForWantOfHeapStaysFree() throws Exception {
        LongUnaryOperator story = (LongUnaryOperator) ScarceMemory.loader()
                .loadClass(SplitStory.class.getName())
                .getDeclaredConstructor()
                .newInstance();
        long places = 0;
        while (story.applyAsLong(places + 1) != 0) {
            places++;
        }
        assertEquals(8, places); // the other halves, eight times halved
    }

    @Test
    void aFaultOfAWaiterThatCannotBeToldKeepsNobodyAsleep() {
        List<String> woken = new ArrayList<>();
        pool.tellFaultsTo(fault -> {
            throw new OutOfMemoryError("for a word about it");
        });
        for (int i = 0; i < 2; i++) {
            IoBuffer all = pool.acquire(CAPACITY);
            pool.whenReleased(() -> {
                throw new IllegalStateException("a test");
            });
            pool.whenReleased(() -> woken.add("next"));
            all.release();
        }
        assertEquals(List.of("next", "next"), woken);
    }
}
