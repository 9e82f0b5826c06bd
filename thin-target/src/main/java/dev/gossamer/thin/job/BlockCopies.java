package dev.gossamer.thin.job;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
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

/** Copies blocks to data blocks, a few at a time. Worker's thread; its memory is the worker's. */
final class BlockCopies {
    /** Blocks on their way at once. */
    private static final int DEPTH = 4;

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
     * @param whenDone told those that could not be copied, each with its errno
     */
    void copy(Map<Long, Long> targets, Consumer<Map<Long, Integer>> whenDone) {
        List<Order> orders = new ArrayList<>();
        new TreeMap<>(targets).forEach((from, to) -> orders.add(new Order(from, null, from, to)));
        copy(orders, whenDone);
    }

    /** Copies as ordered; told are the keys of what could not be copied, each with its errno. */
    void copy(List<Order> orders, Consumer<Map<Long, Integer>> whenDone) {
        new Batch(orders, whenDone).start();
    }

    private final class Batch {
        private final ArrayDeque<Order> left;
        private final Map<Long, Integer> failed = new HashMap<>();
        private final Consumer<Map<Long, Integer>> whenDone;
        private int underWay;

        Batch(List<Order> orders, Consumer<Map<Long, Integer>> whenDone) {
            this.left = new ArrayDeque<>(orders);
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
            if (next != null) {
                underWay++;
                new Copy(this, next).nextSlice();
            }
        }

        void ended(long key, int errno) {
            if (errno != Errno.OK) {
                failed.put(key, errno);
            }
            startNext();
            ended();
        }

        private void ended() {
            if (--underWay == 0) {
                whenDone.accept(failed);
            }
        }
    }

    private final class Copy {
        private final Batch batch;
        private final Order order;
        private int offset;
        private int bytes;
        private IoBuffer slice;

        Copy(Batch batch, Order order) {
            this.batch = batch;
            this.order = order;
        }

        void nextSlice() {
            if (offset == blockBytes) {
                batch.ended(order.key, Errno.OK);
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
            if (errno == Errno.OK) {
                io.submit(BlockOperation.WRITE, order.to, offset, bytes, slice, 0, this::afterWrite);
            } else {
                end(errno);
            }
        }

        private void afterWrite(BlockRequest write, int errno) {
            write.recycle();
            if (errno != Errno.OK) {
                end(errno);
                return;
            }
            slice.release();
            slice = null;
            offset += bytes;
            // Not deeper into the stack with each slice.
            loop.execute(this::nextSlice);
        }

        private void end(int errno) {
            slice.release();
            slice = null;
            batch.ended(order.key, errno);
        }
    }
}
