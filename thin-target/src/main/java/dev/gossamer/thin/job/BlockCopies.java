package dev.gossamer.thin.job;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.cell.CellIo;
import dev.gossamer.thin.device.OriginImage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/** Copies blocks to data blocks, a few at a time. Worker's thread; its memory is the worker's. */
final class BlockCopies {
    /** Blocks on their way at once. */
    private static final int DEPTH = 4;

    /** Of a slice that cannot be read as a whole, what is tried by itself. */
    private static final int PIECE_BYTES = 4096;

    /** A larger block is copied in pieces. */
    private static final int SLICE_BYTES = 1 << 20;

    /**
     * What goes where.
     *
     * @param key the caller's name for it
     * @param origin what it is read from; null: the data device
     * @param from block there
     * @param to data block
     */
    record Order(long key, OriginImage origin, long from, long to) {}

    /**
     * A part of what was to be copied that could not be read, twice, while the same device read another place: zeros
     * were written in its stead.
     */
    record Lost(long key, int offset, int length) {}

    /**
     * What came of it: what could not be read, and was not copied, each with its errno; the errno of the first target
     * that could not be written, {@link Errno#OK} if all could; and what was lost of those that were copied, if losses
     * are accepted: what cannot be read for another reason than that the place is bad is unreadable then as well. Made
     * when the copying begins: to tell of it takes no memory.
     */
    static final class Result {
        private final Map<Long, Integer> unreadable = new HashMap<>();
        private final List<Lost> lost = new ArrayList<>();
        private int writeErrno = Errno.OK;

        Map<Long, Integer> unreadable() {
            return unreadable;
        }

        int writeErrno() {
            return writeErrno;
        }

        List<Lost> lost() {
            return lost;
        }

        private void failed(int errno) {
            writeErrno = writeErrno == Errno.OK ? errno : writeErrno;
        }
    }

    private final IoLoop loop;
    private final CellIo io;
    private final int blockBytes;

    BlockCopies(IoLoop loop, CellIo io, int blockBytes) {
        this.loop = loop;
        this.io = io;
        this.blockBytes = blockBytes;
    }

    /**
     * Copies each data block to its target, in their order.
     *
     * @param acceptLosses zeros for places that are bad
     */
    void copy(Map<Long, Long> targets, boolean acceptLosses, Consumer<Result> whenDone) {
        List<Order> orders = new ArrayList<>();
        new TreeMap<>(targets).forEach((from, to) -> orders.add(new Order(from, null, from, to)));
        new Batch(orders, acceptLosses, whenDone).start();
    }

    /** Copies as ordered. */
    void copy(List<Order> orders, Consumer<Result> whenDone) {
        new Batch(orders, false, whenDone).start();
    }

    /** A copy cannot be written: nothing is moved there. */
    static StorageException unwritable(int errno) {
        return new StorageException(errno, "a copy cannot be written to the data device: " + Errno.name(errno));
    }

    private final class Batch {
        private final ArrayDeque<Order> left;
        private final boolean acceptLosses;
        private final Result result = new Result();
        private final Consumer<Result> whenDone;
        private int underWay;

        Batch(List<Order> orders, boolean acceptLosses, Consumer<Result> whenDone) {
            this.left = new ArrayDeque<>(orders);
            this.acceptLosses = acceptLosses;
            this.whenDone = whenDone;
        }

        void start() {
            // One more than there are, so that the end is told once, and from here if there is nothing to do.
            underWay++;
            for (int i = 0; i < DEPTH; i++) {
                startNext();
            }
            ended();
        }

        private void startNext() {
            Order next = left.poll();
            if (next == null) {
                return;
            }
            underWay++;
            Copy copy;
            try {
                copy = new Copy(this, next);
            } catch (RuntimeException | Error noMemory) {
                loop.faults().caught(noMemory);
                left.clear();
                result.failed(Errno.EIO);
                underWay--; // whoever calls has not ended yet
                return;
            }
            copy.nextSlice();
        }

        void endedOne() {
            startNext();
            ended();
        }

        private void ended() {
            if (--underWay == 0) {
                whenDone.accept(result);
            }
        }
    }

    /** One block. A step that throws has failed its copy: whoever waits for the batch is told all the same. */
    private final class Copy {
        private final Batch batch;
        private final Order order;
        private int offset;
        private int bytes;
        private IoBuffer slice;
        private boolean over;

        Copy(Batch batch, Order order) {
            this.batch = batch;
            this.order = order;
        }

        void nextSlice() {
            try {
                readSlice();
            } catch (RuntimeException | Error fault) {
                broken(fault);
            }
        }

        private void broken(Throwable fault) {
            loop.faults().caught(fault);
            if (!over) {
                batch.result.failed(Errno.EIO);
                end();
            }
        }

        private void readSlice() {
            if (offset == blockBytes) {
                end();
                return;
            }
            bytes = Math.min(SLICE_BYTES, blockBytes - offset);
            slice = io.buffers().tryAcquire(bytes);
            if (slice == null) {
                io.buffers().whenReleased(this::nextSlice);
            } else if (order.origin == null) {
                io.submit(BlockOperation.READ, order.from, offset, bytes, slice, 0, this::afterRead);
            } else {
                long at = order.from * blockBytes + offset;
                io.readOrigin(order.origin, at, bytes, slice, this::afterRead);
            }
        }

        private void afterRead(BlockRequest read, int errno) {
            read.recycle();
            try {
                if (errno == Errno.OK) {
                    write();
                } else if (batch.acceptLosses) {
                    readPiece(0);
                } else {
                    unreadable(errno);
                }
            } catch (RuntimeException | Error fault) {
                broken(fault);
            }
        }

        /** The block stays where it is, with what of it seemed to be lost. */
        private void unreadable(int errno) {
            batch.result.unreadable.put(order.key, errno);
            batch.result.lost.removeIf(part -> part.key == order.key);
            end();
        }

        /** Goes through a slice that cannot be read as a whole, and takes what can. */
        private void readPiece(int at) {
            if (at >= bytes) {
                write();
                return;
            }
            read(order.from, at, errno -> {
                if (errno == Errno.OK) {
                    afterPiece(at);
                } else if (isBadPlace(errno)) {
                    readElsewhere(at);
                } else {
                    unreadable(errno);
                }
            });
        }

        /** A device that is away reads nothing at all, and is back some time: nothing is lost by that. */
        private void readElsewhere(int at) {
            read(order.to, at, errno -> {
                if (errno == Errno.OK) {
                    readAgain(at);
                } else {
                    unreadable(errno);
                }
            });
        }

        private void readAgain(int at) {
            read(order.from, at, errno -> {
                if (errno == Errno.OK) {
                    afterPiece(at);
                } else if (isBadPlace(errno)) {
                    slice.zero(at, pieceBytes(at));
                    batch.result.lost.add(new Lost(order.key, offset + at, pieceBytes(at)));
                    afterPiece(at);
                } else {
                    unreadable(errno);
                }
            });
        }

        private int pieceBytes(int at) {
            return Math.min(PIECE_BYTES, bytes - at);
        }

        private void read(long block, int at, IntConsumer then) {
            io.submit(BlockOperation.READ, block, offset + at, pieceBytes(at), slice, at, (read, errno) -> {
                read.recycle();
                try {
                    then.accept(errno);
                } catch (RuntimeException | Error fault) {
                    broken(fault);
                }
            });
        }

        private void afterPiece(int at) {
            loop.execute(() -> {
                try {
                    readPiece(at + pieceBytes(at));
                } catch (RuntimeException | Error fault) {
                    broken(fault);
                }
            });
        }

        /** What a device says of a bad sector; other errors are no word on what is stored. */
        private static boolean isBadPlace(int errno) {
            return errno == Errno.EIO || errno == Errno.ENODATA || errno == Errno.EILSEQ;
        }

        private void write() {
            io.submit(BlockOperation.WRITE, order.to, offset, bytes, slice, 0, this::afterWrite);
        }

        private void afterWrite(BlockRequest write, int errno) {
            write.recycle();
            if (errno != Errno.OK) {
                batch.result.failed(errno);
                end();
                return;
            }
            releaseSlice();
            offset += bytes;
            try {
                loop.execute(this::nextSlice); // not deeper into the stack with each slice
            } catch (RuntimeException | Error fault) {
                broken(fault);
            }
        }

        private void releaseSlice() {
            if (slice != null) {
                slice.release();
                slice = null;
            }
        }

        private void end() {
            over = true;
            releaseSlice();
            batch.endedOne();
        }
    }
}
