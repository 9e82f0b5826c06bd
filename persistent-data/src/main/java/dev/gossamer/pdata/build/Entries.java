package dev.gossamer.pdata.build;

import java.util.Arrays;

/** Entries of a node that has not been written: keys, and words of values. Grows to what a node or two need. */
final class Entries {
    final int wordsEach;
    long[] keys = new long[16];
    long[] words;
    int count;

    Entries(int wordsEach) {
        this.wordsEach = wordsEach;
        words = new long[16 * wordsEach];
    }

    void add(long key, long[] value) {
        room(count + 1);
        keys[count] = key;
        System.arraycopy(value, 0, words, count * wordsEach, wordsEach);
        count++;
    }

    /** For values of one word. */
    void add(long key, long word) {
        room(count + 1);
        keys[count] = key;
        words[count++] = word;
    }

    /** Adds the first entries of another. */
    void addAll(Entries other, int first) {
        room(count + first);
        System.arraycopy(other.keys, 0, keys, count, first);
        System.arraycopy(other.words, 0, words, count * wordsEach, first * wordsEach);
        count += first;
    }

    private void room(int needed) {
        if (needed > keys.length) {
            int size = Math.max(needed, keys.length * 2);
            long[] moreKeys = Arrays.copyOf(keys, size);
            words = Arrays.copyOf(words, size * wordsEach);
            keys = moreKeys; // both or, without memory, none
        }
    }

    /** Drops the first ones. */
    void drop(int first) {
        System.arraycopy(keys, first, keys, 0, count - first);
        System.arraycopy(words, first * wordsEach, words, 0, (count - first) * wordsEach);
        count -= first;
    }

    void clear() {
        count = 0;
    }
}
