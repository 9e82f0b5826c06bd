package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;

/** The naive model of one volume of a storm: what each of its bytes is, also of those behind its end. */
final class StormVolume {
    private static final int BLOCK = SimPool.BLOCK;

    /** No volume is larger. */
    static final int MAX_BYTES = 32 * BLOCK;

    String name;
    final byte[] contents;
    /** What shows where nothing is mapped: the external origin, or zeros. */
    private byte[] below;

    int size;
    /** What it is a snapshot of, for rolling that back; null for none. */
    final StormVolume parent;

    ThinVolume handle;
    private final TrimmedSectors trimmed = new TrimmedSectors();

    private StormVolume(String name, byte[] contents, byte[] below, int size, StormVolume parent) {
        this.name = name;
        this.contents = contents;
        this.below = below;
        this.size = size;
        this.parent = parent;
    }

    /** @param below {@link #MAX_BYTES} bytes, of which none changes */
    static StormVolume create(String name, int size, byte[] below) {
        return new StormVolume(name, below.clone(), below, size, null);
    }

    StormVolume snapshot(String snapshotName) {
        return new StormVolume(snapshotName, contents.clone(), below, size, this);
    }

    /** Becomes what a snapshot is. */
    void rollBackTo(StormVolume snapshot) {
        System.arraycopy(snapshot.contents, 0, contents, 0, MAX_BYTES);
        below = snapshot.below;
        size = snapshot.size;
        trimmed.clear();
    }

    /**
     * Blocks that trims have covered are no longer mapped. Nothing is missing of the last one but what a smaller size
     * hides.
     */
    void trim(int offset, int length) {
        int end = offset + length == size ? Math.ceilDiv(size, BLOCK) * BLOCK : offset + length;
        for (int unmapped : trimmed.trim(offset, end - offset)) {
            System.arraycopy(below, unmapped, contents, unmapped, BLOCK);
        }
    }

    void zero(int offset, int length) {
        trimmed.written(offset, length);
        Arrays.fill(contents, offset, offset + length, (byte) 0);
    }

    void write(int offset, byte[] bytes) {
        trimmed.written(offset, bytes.length);
        System.arraycopy(bytes, 0, contents, offset, bytes.length);
    }

    /** Whole blocks have another volume's contents; of trims that covered parts of them nothing is remembered. */
    void cloned(int offset, byte[] bytes) {
        write(offset, bytes);
    }

    /** Whole blocks behind the end are given back; what it grows by of its last block is zero, or what is below. */
    void resize(int newSize) {
        int whole = Math.ceilDiv(Math.min(size, newSize), BLOCK) * BLOCK;
        System.arraycopy(below, whole, contents, whole, MAX_BYTES - whole);
        size = newSize;
        trimmed.clear();
    }

    /** Believes what is found of the last block where it was hidden before a growth, if it can be. */
    void shown(int from, byte[] found) {
        for (int i = 0; i < found.length; i++) {
            assertTrue(found[i] == 0 || found[i] == below[from + i], "byte " + (from + i) + " was hidden and is shown");
            contents[from + i] = found[i];
        }
    }

    /** Whether the same shows where nothing is mapped. */
    boolean isOverTheSame(StormVolume other) {
        return Arrays.equals(below, other.below);
    }

    /** What showed through is its own now; where nothing is mapped, zeros do. */
    void detached() {
        below = new byte[MAX_BYTES];
    }

    /** The pool has been opened again, by which it forgets trims of parts of blocks. */
    void reopened(ThinVolume newHandle) {
        handle = newHandle;
        trimmed.clear();
    }

    byte[] range(int offset, int length) {
        return Arrays.copyOfRange(contents, offset, offset + length);
    }

    /**
     * A change of the range has failed: each of its bytes is as before or as it should have become. Believes what it
     * finds.
     */
    void settle(int offset, byte[] before, byte[] found, String where) {
        for (int i = 0; i < found.length; i++) {
            byte wanted = contents[offset + i];
            if (found[i] != before[i] && found[i] != wanted) {
                throw new AssertionError(where + ": byte " + (offset + i) + " of " + name + " is " + found[i]
                        + ", before the failed change " + before[i] + ", after it " + wanted);
            }
            contents[offset + i] = found[i];
        }
    }

    void verify(SimPool sim, String where) {
        byte[] found = sim.read(handle, 0, size);
        int difference = Arrays.mismatch(Arrays.copyOf(contents, size), found);
        assertEquals(-1, difference, where + ": " + name + " differs from the model at this byte");
    }
}
