package dev.gossamer.snapshot.copy;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.worker.WorkerIo;
import java.util.ArrayList;
import java.util.List;

/**
 * Brings a range of the origin into one or more stores: each piece is read once and written to every store that needs
 * it. What lies beyond the origin's end is not copied. Worker's thread.
 */
final class OriginCopy {
    private final WorkerIo io;
    private final BlockDevice origin;
    private final Runnable whenDone;
    // One per snapshot and chunk in the range.
    private final List<PendingRemap> targets = new ArrayList<>(1);
    private final long endBytes;
    private long pieceBytes;
    private long positionBytes;
    private int writesLeft;

    /** @param whenDone told right before the targets are */
    OriginCopy(WorkerIo io, BlockDevice origin, Runnable whenDone, PendingRemap largest) {
        this.io = io;
        this.origin = origin;
        this.whenDone = whenDone;
        this.positionBytes = largest.originOffsetBytes();
        this.endBytes = largest.originEndBytes();
        targets.add(largest);
    }

    boolean contains(PendingRemap chunk) {
        return chunk.originOffsetBytes() >= positionBytes && chunk.originEndBytes() <= endBytes;
    }

    void addTarget(PendingRemap chunk) {
        targets.add(chunk);
    }

    void start() {
        nextPiece();
    }

    private void nextPiece() {
        pieceBytes = Math.min(WorkerIo.PIECE_BYTES, endBytes - positionBytes);
        if (pieceBytes <= 0) {
            // Before anyone is told: he may add copies.
            whenDone.run();
            targets.forEach(chunk -> chunk.target.copied(chunk, chunk.errno()));
            return;
        }
        io.withBuffer((int) pieceBytes, this::read);
    }

    private void read(IoBuffer buffer) {
        io.read(origin, positionBytes, (int) pieceBytes, buffer, 0, errno -> {
            if (errno != Errno.OK) {
                targets.forEach(chunk -> chunk.setErrno(errno));
                positionBytes = endBytes;
                buffer.release();
                nextPiece();
                return;
            }
            writesLeft = 1;
            for (PendingRemap chunk : targets) {
                write(chunk, buffer);
            }
            written(buffer);
        });
    }

    private void write(PendingRemap chunk, IoBuffer buffer) {
        long from = Math.max(positionBytes, chunk.originOffsetBytes());
        long to = Math.min(positionBytes + pieceBytes, chunk.originEndBytes());
        if (from >= to || chunk.errno() != Errno.OK) {
            return;
        }
        writesLeft++;
        long inStore = chunk.storeOffsetBytes() + from - chunk.originOffsetBytes();
        int inBuffer = (int) (from - positionBytes);
        io.write(chunk.target.storeDevice(), inStore, (int) (to - from), 0, buffer, inBuffer, errno -> {
            if (errno != Errno.OK) {
                chunk.setErrno(errno);
            }
            written(buffer);
        });
    }

    private void written(IoBuffer buffer) {
        if (--writesLeft == 0) {
            positionBytes += pieceBytes;
            buffer.release();
            nextPiece();
        }
    }
}
