package dev.gossamer.snapshot;

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
    private final SnapshotWorker worker;
    private final CopyQueue queue;
    // One per snapshot and chunk in the range.
    private final List<PendingRemap> targets = new ArrayList<>(1);
    private final long endBytes;
    private long pieceBytes;
    private long positionBytes;
    private int writesLeft;

    OriginCopy(SnapshotWorker worker, CopyQueue queue, PendingRemap largest) {
        this.worker = worker;
        this.queue = queue;
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
            queue.done();
            targets.forEach(target -> target.snapshot.copied(target, target.errno));
            return;
        }
        worker.io().withBuffer((int) pieceBytes, this::read);
    }

    private void read(IoBuffer buffer) {
        worker.io().read(worker.originDevice(), positionBytes, (int) pieceBytes, buffer, 0, errno -> {
            if (errno != Errno.OK) {
                targets.forEach(target -> target.errno = errno);
                positionBytes = endBytes;
                buffer.release();
                nextPiece();
                return;
            }
            writesLeft = 1;
            for (PendingRemap target : targets) {
                write(target, buffer);
            }
            written(buffer);
        });
    }

    private void write(PendingRemap target, IoBuffer buffer) {
        long from = Math.max(positionBytes, target.originOffsetBytes());
        long to = Math.min(positionBytes + pieceBytes, target.originEndBytes());
        if (from >= to || target.errno != Errno.OK) {
            return;
        }
        writesLeft++;
        worker.io()
                .write(
                        target.snapshot.storeDevice(),
                        target.storeOffsetBytes() + from - target.originOffsetBytes(),
                        (int) (to - from),
                        0,
                        buffer,
                        (int) (from - positionBytes),
                        errno -> {
                            if (errno != Errno.OK) {
                                target.errno = errno;
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
