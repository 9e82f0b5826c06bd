package dev.gossamer.io.sim;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/** Bytes of a disk of any size that take memory only where they were written. */
final class SparseBytes {
    static final int CHUNK_BYTES = 64 << 10;

    private final Map<Long, byte[]> chunks = new HashMap<>();

    SparseBytes copy() {
        SparseBytes copy = new SparseBytes();
        chunks.forEach((index, chunk) -> copy.chunks.put(index, chunk.clone()));
        return copy;
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
            byte[] chunk = chunks.computeIfAbsent(position / CHUNK_BYTES, index -> new byte[CHUNK_BYTES]);
            System.arraycopy(source, from + done, chunk, inChunk, length);
            done += length;
        }
    }

    void zero(long offsetBytes, long lengthBytes) {
        if (lengthBytes / CHUNK_BYTES > chunks.size()) {
            // A range far larger than what was ever written: drop whole chunks without walking the range.
            long first = Math.ceilDiv(offsetBytes, CHUNK_BYTES);
            long end = (offsetBytes + lengthBytes) / CHUNK_BYTES;
            chunks.keySet().removeIf(index -> index >= first && index < end);
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
            byte[] chunk = chunks.get(position / CHUNK_BYTES);
            if (length == CHUNK_BYTES) {
                chunks.remove(position / CHUNK_BYTES);
            } else if (chunk != null) {
                java.util.Arrays.fill(chunk, inChunk, inChunk + length, (byte) 0);
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
