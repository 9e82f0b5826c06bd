package dev.gossamer.snapshot;

/**
 * The answer of a look-up: a stretch of a snapshot that is in one place, consecutive in the store or not there at all.
 * One per loop, reused.
 */
final class ChunkRun {
    private static final long NOT_IN_STORE = -1;

    /** Where the stretch ends on the snapshot. */
    long endBytes;

    /** Where its first byte is in the store, if it {@link #isInStore}. */
    long storeOffsetBytes;

    /**
     * Looks up the stretch that begins at {@code fromBytes} and ends at {@code toBytes} at the latest.
     *
     * @param joinMissing whether chunks that are not in the store make one stretch; else each is one of its own
     */
    void find(CowSnapshot snapshot, long fromBytes, long toBytes, boolean joinMissing) {
        int shift = snapshot.chunkShift();
        RemapTable table = snapshot.table();
        long chunk = fromBytes >> shift;
        long first = table.get(chunk);
        long expected = first;
        long end = (chunk + 1) << shift;
        while (end < toBytes && (first != RemapTable.NONE || joinMissing)) {
            chunk++;
            expected = first == RemapTable.NONE ? RemapTable.NONE : expected + 1;
            if (table.get(chunk) != expected) {
                break;
            }
            end = (chunk + 1) << shift;
        }
        endBytes = Math.min(end, toBytes);
        long inChunk = fromBytes & ((1L << shift) - 1);
        storeOffsetBytes = first == RemapTable.NONE ? NOT_IN_STORE : (first << shift) + inChunk;
    }

    boolean isInStore() {
        return storeOffsetBytes != NOT_IN_STORE;
    }
}
