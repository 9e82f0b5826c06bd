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
    // One per snapshot and chunk in the range. All that a copy needs is made before it begins: it takes no memory then.
    private final List<Target> targets = new ArrayList<>(1);
    private final WorkerIo.Work read = this::read;
    private final WorkerIo.Done arrived = this::arrived;
    private final long endBytes;
    private long pieceBytes;
    private long positionBytes;
    private IoBuffer piece;
    private int writesLeft;

    /** @param whenDone told right before the targets are */
    OriginCopy(WorkerIo io, BlockDevice origin, Runnable whenDone, PendingRemap largest) {
        this.io = io;
        this.origin = origin;
        this.whenDone = whenDone;
        this.positionBytes = largest.originOffsetBytes();
        this.endBytes = largest.originEndBytes();
        addTarget(largest);
    }

    boolean contains(PendingRemap chunk) {
        return chunk.originOffsetBytes() >= positionBytes && chunk.originEndBytes() <= endBytes;
    }

    void addTarget(PendingRemap chunk) {
        targets.add(new Target(chunk));
    }

    void start() {
        nextPiece();
    }

    private void nextPiece() {
        pieceBytes = Math.min(WorkerIo.PIECE_BYTES, endBytes - positionBytes);
        if (pieceBytes <= 0) {
            // Before anyone is told: he may add copies.
            whenDone.run();
            for (Target target : targets) {
                target.tell();
            }
            return;
        }
        io.withBuffer((int) pieceBytes, read);
    }

    private void read(IoBuffer buffer) {
        piece = buffer;
        io.read(origin, positionBytes, (int) pieceBytes, buffer, 0, arrived);
    }

    private void arrived(int errno) {
        if (errno != Errno.OK) {
            for (Target target : targets) {
                target.chunk.setErrno(errno);
            }
            positionBytes = endBytes - pieceBytes;
            goOn();
            return;
        }
        writesLeft = 1;
        for (Target target : targets) {
            target.write();
        }
        written();
    }

    private void written() {
        if (--writesLeft == 0) {
            goOn();
        }
    }

    private void goOn() {
        positionBytes += pieceBytes;
        piece.release();
        piece = null;
        nextPiece();
    }

    /** Where a chunk of the range goes. */
    private final class Target implements WorkerIo.Done {
        private final PendingRemap chunk;

        Target(PendingRemap chunk) {
            this.chunk = chunk;
        }

        void write() {
            long from = Math.max(positionBytes, chunk.originOffsetBytes());
            long to = Math.min(positionBytes + pieceBytes, chunk.originEndBytes());
            if (from >= to || chunk.errno() != Errno.OK) {
                return;
            }
            writesLeft++;
            long inStore = chunk.storeOffsetBytes() + from - chunk.originOffsetBytes();
            int inPiece = (int) (from - positionBytes);
            io.write(chunk.target.storeDevice(), inStore, (int) (to - from), 0, piece, inPiece, this);
        }

        @Override
        public void done(int errno) {
            if (errno != Errno.OK) {
                chunk.setErrno(errno);
            }
            written();
        }

        void tell() {
            chunk.target.copied(chunk, chunk.errno());
        }
    }
}
