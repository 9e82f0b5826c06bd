package dev.gossamer.snapshot.store;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.worker.WorkerIo;
import java.nio.ByteBuffer;

/** Reads the records of one metadata area, piece by piece, to its end mark. Worker's thread. */
final class AreaReader {
    private static final int PIECE_BYTES = WorkerIo.PIECE_BYTES;

    /** Receives records in stored order. */
    @FunctionalInterface
    interface Records {
        void add(long oldChunk, long newChunk);
    }

    /** Told the outcome, and how many records there were before the end mark. */
    @FunctionalInterface
    interface Done {
        void done(int errno, int count);
    }

    private final WorkerIo io;
    private final BlockDevice device;
    private final StoreLayout layout;
    private int count;
    private int lastNonZeroByte;

    AreaReader(WorkerIo io, BlockDevice device, StoreLayout layout) {
        this.io = io;
        this.device = device;
        this.layout = layout;
    }

    /** Reads the whole area, also behind the end mark: see {@link #lastNonZeroByte}. */
    void read(long area, Records records, Done done) {
        count = 0;
        lastNonZeroByte = 0;
        readFrom(area, 0, false, records, done);
    }

    /** End of what is not zero in the area; behind the records there is something left if it is above their end. */
    int lastNonZeroByte() {
        return lastNonZeroByte;
    }

    private void readFrom(long area, int from, boolean ended, Records records, Done done) {
        if (from == layout.chunkBytes) {
            done.done(Errno.OK, count);
            return;
        }
        int length = Math.min(PIECE_BYTES, layout.chunkBytes - from);
        long at = layout.areaChunk(area) * layout.chunkBytes + from;
        io.withBuffer(
                length,
                buffer -> io.read(device, at, length, buffer, 0, errno -> {
                    // Also behind the end mark: a torn write may have left something anywhere in the area.
                    boolean end;
                    try {
                        end = (errno == Errno.OK && take(buffer.bytes(), from, length, records)) || ended;
                    } finally {
                        buffer.release();
                    }
                    if (errno == Errno.OK) {
                        readFrom(area, from + length, end, records, done);
                    } else {
                        done.done(errno, count);
                    }
                }));
    }

    /** @return whether the end mark is in this piece */
    private boolean take(ByteBuffer bytes, int from, int length, Records records) {
        boolean ended = from != count * StoreLayout.RECORD_BYTES;
        for (int at = 0; at < length; at += StoreLayout.RECORD_BYTES) {
            long oldChunk = bytes.getLong(at + StoreLayout.OLD_CHUNK_AT);
            long newChunk = bytes.getLong(at + StoreLayout.NEW_CHUNK_AT);
            if ((oldChunk | newChunk) != 0) {
                lastNonZeroByte = from + at + StoreLayout.RECORD_BYTES;
            }
            ended |= newChunk == 0;
            if (!ended) {
                records.add(oldChunk, newChunk);
                count++;
            }
        }
        return ended;
    }
}
