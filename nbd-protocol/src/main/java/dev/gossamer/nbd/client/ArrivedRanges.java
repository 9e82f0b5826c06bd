package dev.gossamer.nbd.client;

import java.util.Arrays;

/**
 * Which parts of a READ have arrived, as sorted ranges that do not touch. Replies come mostly in order, so there is
 * mostly one range.
 */
final class ArrivedRanges {
    /** A reply in more separate pieces than this serves nobody but an attacker: 1 MiB for 65536 ranges. */
    static final int RANGE_LIMIT = 65536;

    private long[] starts = new long[4];
    private long[] ends = new long[4];
    private int count;

    /**
     * Adds a range of at least one byte.
     *
     * @return false if it overlaps another one, or there are too many
     */
    boolean add(long start, long end) {
        int next = count;
        if (count > 0 && start < ends[count - 1]) {
            next = Arrays.binarySearch(starts, 0, count, start);
            if (next >= 0) {
                return false;
            }
            next = -next - 1;
        }
        // Now the ranges before "next" begin before "start", the others behind it.
        if ((next > 0 && ends[next - 1] > start) || (next < count && starts[next] < end)) {
            return false;
        }
        boolean touchesBefore = next > 0 && ends[next - 1] == start;
        boolean touchesBehind = next < count && starts[next] == end;
        if (touchesBefore && touchesBehind) {
            ends[next - 1] = ends[next];
            remove(next);
        } else if (touchesBefore) {
            ends[next - 1] = end;
        } else if (touchesBehind) {
            starts[next] = start;
        } else {
            return insert(next, start, end);
        }
        return true;
    }

    boolean isWhole(long start, long end) {
        return start == end || (count == 1 && starts[0] == start && ends[0] == end);
    }

    private boolean insert(int index, long start, long end) {
        if (count == RANGE_LIMIT) {
            return false;
        }
        if (count == starts.length) {
            long[] moreStarts = Arrays.copyOf(starts, 2 * count);
            ends = Arrays.copyOf(ends, 2 * count);
            starts = moreStarts; // both or, without memory, none
        }
        System.arraycopy(starts, index, starts, index + 1, count - index);
        System.arraycopy(ends, index, ends, index + 1, count - index);
        starts[index] = start;
        ends[index] = end;
        count++;
        return true;
    }

    private void remove(int index) {
        count--;
        System.arraycopy(starts, index + 1, starts, index, count - index);
        System.arraycopy(ends, index + 1, ends, index, count - index);
    }
}
