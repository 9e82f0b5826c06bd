package dev.gossamer.thin.job;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.cell.CellIo;
import java.nio.ByteBuffer;
import java.util.function.IntConsumer;

/** Reads data blocks, in pieces, to look at them or to compare two. Worker's thread; its memory is the worker's. */
final class BlockReads {
    /** Of each of two blocks, so that a large block takes no more memory than a small one. */
    static final int PIECE_BYTES = 1 << 20;

    private static final ByteBuffer ZEROS = ByteBuffer.allocate(PIECE_BYTES).asReadOnlyBuffer();

    /** Looks at a piece. @return whether it wants the next one */
    interface Piece {
        boolean look(ByteBuffer piece);
    }

    /** Looks at a piece of each of two blocks. @return whether it wants the next ones */
    interface Pieces {
        boolean look(ByteBuffer piece, ByteBuffer other);
    }

    private final IoLoop loop;
    private final CellIo io;
    private final int blockBytes;

    BlockReads(IoLoop loop, CellIo io, int blockBytes) {
        this.loop = loop;
        this.io = io;
        this.blockBytes = blockBytes;
    }

    /**
     * Reads a block.
     *
     * @param done told an errno
     */
    void read(long dataBlock, Piece piece, IntConsumer done) {
        new Reading(dataBlock, dataBlock, (a, b) -> piece.look(a), done, false).nextPiece();
    }

    /** Whether a piece has nothing but zeros. */
    static boolean isZero(ByteBuffer piece) {
        return piece.mismatch(ZEROS.slice(0, piece.remaining())) < 0;
    }

    /** Reads two blocks side by side. */
    void read(long dataBlock, long other, Pieces pieces, IntConsumer done) {
        new Reading(dataBlock, other, pieces, done, true).nextPiece();
    }

    private final class Reading {
        private final long first;
        private final long second;
        private final Pieces pieces;
        private final IntConsumer done;
        private final boolean both;
        private int offset;
        private int bytes;
        private IoBuffer buffer;

        Reading(long first, long second, Pieces pieces, IntConsumer done, boolean both) {
            this.first = first;
            this.second = second;
            this.pieces = pieces;
            this.done = done;
            this.both = both;
        }

        void nextPiece() {
            try {
                readNext();
            } catch (RuntimeException | Error fault) {
                broken();
                throw fault;
            }
        }

        /** Whoever waits is told all the same. */
        private void broken() {
            if (buffer != null) {
                buffer.release();
                buffer = null;
            }
            done.accept(Errno.EIO);
        }

        private void readNext() {
            if (offset == blockBytes) {
                done.accept(Errno.OK);
                return;
            }
            bytes = Math.min(PIECE_BYTES / 2, blockBytes - offset);
            // One buffer for both: who waits for a second one has nothing in his hands.
            buffer = io.buffers().tryAcquire(both ? 2 * bytes : bytes);
            if (buffer == null) {
                io.buffers().whenReleased(this::nextPiece);
            } else {
                io.submit(BlockOperation.READ, first, offset, bytes, buffer, 0, this::afterFirst);
            }
        }

        private void afterFirst(BlockRequest read, int errno) {
            read.recycle();
            if (errno != Errno.OK || !both) {
                arrived(errno);
                return;
            }
            try {
                io.submit(BlockOperation.READ, second, offset, bytes, buffer, bytes, this::afterSecond);
            } catch (RuntimeException | Error fault) {
                broken();
                throw fault;
            }
        }

        private void afterSecond(BlockRequest read, int errno) {
            read.recycle();
            arrived(errno);
        }

        private void arrived(int errno) {
            boolean more = false;
            try {
                if (errno == Errno.OK) {
                    ByteBuffer piece = buffer.bytes().duplicate();
                    more = pieces.look(piece.slice(0, bytes), both ? piece.slice(bytes, bytes) : piece.slice(0, 0));
                }
                buffer.release();
                buffer = null;
                if (more) {
                    offset += bytes;
                    loop.execute(this::nextPiece);
                }
            } catch (RuntimeException | Error fault) {
                broken();
                throw fault;
            }
            if (!more) {
                done.accept(errno);
            }
        }
    }
}
