package dev.gossamer.thin.job;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.cell.CellIo;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/** Copies data blocks to others, a few at a time. Worker's thread; its memory is the worker's. */
final class BlockCopies {
    /** Blocks on their way at once. */
    private static final int DEPTH = 4;

    /** A larger block is copied in pieces. */
    private static final int SLICE_BYTES = 1 << 20;

    private final IoLoop loop;
    private final CellIo io;
    private final int blockBytes;

    BlockCopies(IoLoop loop, CellIo io, int blockBytes) {
        this.loop = loop;
        this.io = io;
        this.blockBytes = blockBytes;
    }

    /**
     * Copies each block to its target.
     *
     * @param whenDone told those that could not be copied, each with its errno
     */
    void copy(Map<Long, Long> targets, Consumer<Map<Long, Integer>> whenDone) {
        new Batch(targets, whenDone).start();
    }

    private final class Batch {
        private final ArrayDeque<Map.Entry<Long, Long>> left;
        private final Map<Long, Integer> failed = new HashMap<>();
        private final Consumer<Map<Long, Integer>> whenDone;
        private int underWay;

        Batch(Map<Long, Long> targets, Consumer<Map<Long, Integer>> whenDone) {
            this.left = new ArrayDeque<>(new TreeMap<>(targets).entrySet());
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
            Map.Entry<Long, Long> next = left.poll();
            if (next != null) {
                underWay++;
                new Copy(this, next.getKey(), next.getValue()).nextSlice();
            }
        }

        void ended(long block, int errno) {
            if (errno != Errno.OK) {
                failed.put(block, errno);
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
        private final long from;
        private final long to;
        private int offset;
        private int bytes;
        private IoBuffer slice;

        Copy(Batch batch, long from, long to) {
            this.batch = batch;
            this.from = from;
            this.to = to;
        }

        void nextSlice() {
            if (offset == blockBytes) {
                batch.ended(from, Errno.OK);
                return;
            }
            bytes = Math.min(SLICE_BYTES, blockBytes - offset);
            slice = io.buffers().tryAcquire(bytes);
            if (slice == null) {
                io.buffers().whenReleased(this::nextSlice);
            } else {
                io.submit(BlockOperation.READ, from, offset, bytes, slice, 0, this::afterRead);
            }
        }

        private void afterRead(BlockRequest read, int errno) {
            read.recycle();
            if (errno == Errno.OK) {
                io.submit(BlockOperation.WRITE, to, offset, bytes, slice, 0, this::afterWrite);
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
            batch.ended(from, errno);
        }
    }
}
