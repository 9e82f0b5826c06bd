package dev.gossamer.snapshot.store;

import dev.gossamer.io.buffer.IoBuffer;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** The records of one metadata area, as far as they are used. Worker's thread. */
final class RecordArea {
    final long number;
    private final StoreLayout layout;
    // Two words per record: old chunk, new chunk. Grows with use, because an area of a large chunk holds millions.
    private long[] words = new long[64];
    private int count;

    RecordArea(long number, StoreLayout layout) {
        this.number = number;
        this.layout = layout;
    }

    int count() {
        return count;
    }

    boolean isFull() {
        return count == layout.recordsPerArea;
    }

    void add(long oldChunk, long newChunk) {
        if (2 * count == words.length) {
            words = Arrays.copyOf(words, 4 * count);
        }
        words[2 * count] = oldChunk;
        words[2 * count + 1] = newChunk;
        count++;
    }

    long oldChunk(int record) {
        return words[2 * record];
    }

    long newChunk(int record) {
        return words[2 * record + 1];
    }

    /** Forgets the last records. */
    void removeLast(int records) {
        count -= records;
        Arrays.fill(words, 2 * count, 2 * (count + records), 0);
    }

    /** Puts the area's bytes from {@code fromByte} on into a buffer: records as far as there are any, then zeros. */
    void render(int fromByte, int lengthBytes, IoBuffer buffer) {
        buffer.zero(0, lengthBytes);
        ByteBuffer bytes = buffer.bytes();
        int first = fromByte / StoreLayout.RECORD_BYTES;
        int end = Math.min(count, (fromByte + lengthBytes) / StoreLayout.RECORD_BYTES);
        for (int record = first; record < end; record++) {
            int at = (record - first) * StoreLayout.RECORD_BYTES;
            bytes.putLong(at + StoreLayout.OLD_CHUNK_AT, oldChunk(record));
            bytes.putLong(at + StoreLayout.NEW_CHUNK_AT, newChunk(record));
        }
    }
}
