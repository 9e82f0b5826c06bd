package dev.gossamer.pdata.scan;

/** Longs by block number, without an object for any: open addressing, at most half full. */
public final class LongMap {
    /** What is done with an entry. */
    public interface Entries {
        void entry(long key, long value);
    }

    private static final int FIRST_SLOTS = 64;
    private static final long SPREAD = 0x9E3779B97F4A7C15L;

    // Key + 1, 0 for a free slot; and its value.
    private long[] keys = new long[FIRST_SLOTS];
    private long[] values = new long[FIRST_SLOTS];
    private int size;

    public int size() {
        return size;
    }

    /** The value of a key, or another one if it has none. */
    public long get(long key, long absent) {
        int slot = slotOf(key);
        return keys[slot] == 0 ? absent : values[slot];
    }

    /**
     * Sets a value.
     *
     * @param key any but -1
     */
    public void put(long key, long value) {
        int slot = slotOf(key);
        if (keys[slot] == 0) {
            if (++size * 2 > keys.length) {
                grow();
                slot = slotOf(key);
            }
            keys[slot] = key + 1;
        }
        values[slot] = value;
    }

    /** All entries, in no order. */
    public void forEach(Entries entries) {
        for (int i = 0; i < keys.length; i++) {
            if (keys[i] != 0) {
                entries.entry(keys[i] - 1, values[i]);
            }
        }
    }

    /** Where the key is, or would be. */
    private int slotOf(long key) {
        int mask = keys.length - 1;
        int slot = (int) ((key * SPREAD) >>> Integer.SIZE) & mask;
        while (keys[slot] != 0 && keys[slot] != key + 1) {
            slot = slot + 1 & mask;
        }
        return slot;
    }

    private void grow() {
        long[] oldKeys = keys;
        long[] oldValues = values;
        long[] newKeys = new long[oldKeys.length * 2];
        values = new long[oldKeys.length * 2];
        keys = newKeys; // both or, without memory, none
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != 0) {
                int slot = slotOf(oldKeys[i] - 1);
                keys[slot] = oldKeys[i];
                values[slot] = oldValues[i];
            }
        }
    }
}
