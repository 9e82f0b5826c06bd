package dev.gossamer.io.sim;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** Bytes of a disk of any size that take memory only where they were written. */
final class SparseBytes {
    static final int CHUNK_BYTES = 64 << 10;

    private final Map<Long, byte[]> chunks = new HashMap<>();
    // Of these, those that nobody else has: others are replaced before they are changed.
    private final Set<Long> own = new HashSet<>();

    /** Shares what there is until one of both changes it. */
    SparseBytes copy() {
        SparseBytes copy = new SparseBytes();
        copy.chunks.putAll(chunks);
        own.clear();
        return copy;
    }

    /** To be changed. */
    private byte[] own(long index) {
        byte[] chunk = chunks.get(index);
        if (own.add(index)) {
            chunk = chunk == null ? new byte[CHUNK_BYTES] : chunk.clone();
            chunks.put(index, chunk);
        }
        return chunk;
    }

    private void drop(long index) {
        chunks.remove(index);
        own.remove(index);
    }

    void read(long offsetBytes, ByteBuffer target) {
        long position = offsetBytes;
        while (target.hasRemaining()) {
            int inChunk = (int) (position % CHUNK_BYTES);
            int length = Math.min(target.remaining(), CHUNK_BYTES - inChunk);
            byte[] chunk = chunks.get(position / CHUNK_BYTES);
            target.put(chunk == null ? ZEROS : chunk, inChunk, length);
            position += length;
        }
    }

    void write(long offsetBytes, byte[] source, int from, int lengthBytes) {
        int done = 0;
        while (done < lengthBytes) {
            long position = offsetBytes + done;
            int inChunk = (int) (position % CHUNK_BYTES);
            int length = Math.min(lengthBytes - done, CHUNK_BYTES - inChunk);
            System.arraycopy(source, from + done, own(position / CHUNK_BYTES), inChunk, length);
            done += length;
        }
    }

    void zero(long offsetBytes, long lengthBytes) {
        if (lengthBytes / CHUNK_BYTES > chunks.size()) {
            // A range far larger than what was ever written: drop whole chunks without walking the range.
            long first = Math.ceilDiv(offsetBytes, CHUNK_BYTES);
            long end = (offsetBytes + lengthBytes) / CHUNK_BYTES;
            chunks.keySet().removeIf(index -> index >= first && index < end);
            own.removeIf(index -> index >= first && index < end);
            zeroPiecewise(offsetBytes, first * CHUNK_BYTES - offsetBytes);
            zeroPiecewise(end * CHUNK_BYTES, offsetBytes + lengthBytes - end * CHUNK_BYTES);
        } else {
            zeroPiecewise(offsetBytes, lengthBytes);
        }
    }

    private void zeroPiecewise(long offsetBytes, long lengthBytes) {
        long position = offsetBytes;
        long end = offsetBytes + lengthBytes;
        while (position < end) {
            int inChunk = (int) (position % CHUNK_BYTES);
            int length = (int) Math.min(end - position, CHUNK_BYTES - inChunk);
            long index = position / CHUNK_BYTES;
            if (length == CHUNK_BYTES) {
                drop(index);
            } else if (chunks.containsKey(index)) {
                java.util.Arrays.fill(own(index), inChunk, inChunk + length, (byte) 0);
            }
            position += length;
        }
    }

    /** Whether no chunk that the range touches holds data. */
    boolean isHole(long offsetBytes, long lengthBytes) {
        long last = (offsetBytes + lengthBytes - 1) / CHUNK_BYTES;
        for (long chunk = offsetBytes / CHUNK_BYTES; chunk <= last; chunk++) {
            if (chunks.containsKey(chunk)) {
                return false;
            }
        }
        return true;
    }

    /** Chunk numbers that hold data, in ascending order. */
    long[] usedChunks() {
        return chunks.keySet().stream().mapToLong(Long::longValue).sorted().toArray();
    }

    private static final byte[] ZEROS = new byte[CHUNK_BYTES];
}
