package dev.gossamer.snapshot.copy;

import dev.gossamer.io.worker.MapRun;

/**
 * The answer of a look-up: a stretch of a snapshot that is in one place, consecutive in the store or not there at all.
 * One per loop, reused.
 */
public final class ChunkRun extends MapRun {
    private static final long NOT_IN_STORE = -1;

    private long storeOffsetBytes;

    /**
     * Looks up the stretch that begins at {@code fromBytes} and ends at {@code toBytes} at the latest.
     *
     * @param shift of the table's chunks: they have 2<sup>shift</sup> bytes
     * @param sizeBytes of the snapshot: the rest of its last chunk is not in the store, whatever the table says
     * @param joinMissing whether chunks that are not in the store make one stretch; else each is one of its own
     */
    public void find(RemapTable table, int shift, long sizeBytes, long fromBytes, long toBytes, boolean joinMissing) {
        if (fromBytes >= sizeBytes) {
            endsAt(toBytes);
            storeOffsetBytes = NOT_IN_STORE;
            return;
        }
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
        endsAt(Math.min(end, first == RemapTable.NONE ? toBytes : Math.min(toBytes, sizeBytes)));
        long inChunk = fromBytes & ((1L << shift) - 1);
        storeOffsetBytes = first == RemapTable.NONE ? NOT_IN_STORE : (first << shift) + inChunk;
    }

    /** Where the stretch's first byte is in the store, if it {@link #isInStore}. */
    public long storeOffsetBytes() {
        return storeOffsetBytes;
    }

    public boolean isInStore() {
        return storeOffsetBytes != NOT_IN_STORE;
    }
}
