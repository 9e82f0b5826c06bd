package dev.gossamer.pdata.block;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import java.util.List;

/**
 * Writes a {@link FrozenTransaction}, without waiting for its I/O: the steps of a commit from the first write on.
 *
 * <ol>
 *   <li>All changed blocks, adjacent ones in one write, and beside them a flush of another device: the one with the
 *       data that the new mappings lead to.
 *   <li>When all blocks are written: a flush of the metadata device.
 *   <li>When both flushes have succeeded: the superblock, with FUA. A crash before it leaves the old state, of which
 *       nothing was overwritten; after it, the new one is complete with all its data.
 *   <li>When that is done, or as soon as anything has failed and nothing is under way any more: {@link Ended}.
 * </ol>
 *
 * <p>What is under way has copies of the blocks, in memory of this writer, so the cache may be thrown away meanwhile.
 * On the thread of the {@link BlockManager}, whose loop the I/O completes on.
 */
public final class TransactionWriter implements AutoCloseable {
    /** Adjacent blocks are gathered into writes of up to 256 KiB: what a disk takes at once without splitting. */
    private static final int GATHER_BLOCKS = 64;

    /** Copies under way, at most: four of the largest writes keep a disk busy while the next one is gathered. */
    private static final int COPIES_BYTES = 4 * GATHER_BLOCKS * MetadataBlock.BYTES;

    /** Hears of the end, on the loop, once; perhaps before {@link #start} returns. The writer is idle again. */
    @FunctionalInterface
    public interface Ended {
        /** Says what came of it: null if all of it is stable. */
        void ended(StorageException failure);
    }

    private final BlockManager cache;
    private final BlockDevice device;
    private final InlineLoop inline;
    private final IoBufferPool copies = new IoBufferPool(COPIES_BYTES);
    private final BlockCompletion afterWrite = this::afterWrite;
    private final BlockCompletion afterFlush = this::afterFlush;
    private final BlockCompletion afterDataFlush = this::afterDataFlush;

    private FrozenTransaction transaction;
    private IoLoop loop;
    private BlockDevice data;
    private Ended ended;
    private int nextBlock;
    private int writesUnderWay;
    private boolean dataFlushUnderWay;
    private boolean flushUnderWay;
    private boolean blocksDone;
    private boolean flushed;
    private boolean superblockWritten;
    private boolean advancing;
    private StorageException failure;
    private long writes;

    // Made beforehand: who breaks a commit off for want of memory has none for this.
    private final StorageException cancelled =
            new StorageException(Errno.EIO, "the transaction was aborted while it was being written");
    private final StorageException broken;

    TransactionWriter(BlockManager cache, BlockingIo metadataDevice) {
        this.cache = cache;
        this.device = metadataDevice.device();
        this.inline = metadataDevice.loop();
        this.broken = new StorageException(Errno.EIO, device + ": writing a transaction failed");
    }

    /** Whether nothing is being written. */
    public boolean isIdle() {
        return transaction == null;
    }

    /** Blocks written so far. */
    long writes() {
        return writes;
    }

    /**
     * Begins. One transaction at a time.
     *
     * @param onLoop whose requests are used and where they complete: the calling thread's
     * @param dataDevice to be flushed before the superblock is written; null: none
     */
    public void start(FrozenTransaction frozen, IoLoop onLoop, BlockDevice dataDevice, Ended whenEnded) {
        Invariant.check(isIdle(), "two commits at once");
        transaction = frozen;
        loop = onLoop;
        data = dataDevice;
        ended = whenEnded;
        nextBlock = 0;
        blocksDone = frozen.size() == 0;
        flushed = blocksDone;
        superblockWritten = frozen.superblock() == null;
        failure = null;
        advancing = true;
        if (data != null) {
            try {
                BlockRequest flush = newFlush(afterDataFlush);
                dataFlushUnderWay = true;
                data.start(flush);
            } catch (RuntimeException | Error bug) {
                failed(bug);
            }
        }
        advancing = false;
        advance();
    }

    /**
     * As {@link #start}, and waits for the end: the same steps on a loop of which this thread runs the tasks while it
     * waits.
     *
     * @throws StorageException if not all of it is stable
     */
    public void writeNow(FrozenTransaction frozen, BlockDevice dataDevice) throws StorageException {
        StorageException[] result = new StorageException[1];
        start(frozen, inline, dataDevice, e -> result[0] = e);
        while (!isIdle()) {
            inline.runOrPark();
        }
        if (result[0] != null) {
            throw result[0];
        }
    }

    /**
     * Begins no further I/O: the cache is being thrown away. The end comes when what is under way has ended. Does not
     * throw.
     */
    public void cancel() {
        if (!isIdle() && failure == null) {
            failure = cancelled;
        }
    }

    @Override
    public void close() {
        Invariant.check(isIdle(), "closed in the middle of a commit");
        copies.close();
    }

    // On an inline loop I/O is done before its submission returns: that must not start the next step from within.
    private void advance() {
        if (advancing) {
            return;
        }
        advancing = true;
        try {
            while (failure == null && step()) {
                // each turn begins one I/O
            }
        } catch (RuntimeException | Error bug) {
            failed(bug);
        }
        advancing = false;
        boolean quiet = writesUnderWay == 0 && !flushUnderWay && !dataFlushUnderWay;
        if (quiet && !isIdle()) {
            Ended told = ended;
            StorageException result = failure;
            transaction = null;
            ended = null;
            data = null;
            told.ended(result);
        }
    }

    /** The end must come all the same, when what is under way has ended. */
    private void failed(Throwable bug) {
        if (failure != null) {
            return;
        }
        failure = broken;
        try {
            failure = new StorageException(Errno.EIO, device + ": writing a transaction failed: " + bug, bug);
        } catch (RuntimeException | Error noMemory) {
            // Then without the reason.
        }
    }

    /** Begins the next I/O, if there is one that need not wait. */
    private boolean step() {
        if (nextBlock < transaction.size()) {
            return writeRun();
        }
        if (writesUnderWay > 0) {
            return false;
        }
        if (!blocksDone) {
            blocksDone = true;
            cache.written(transaction.blocks());
        }
        if (flushUnderWay) {
            return false;
        }
        if (!flushed) {
            BlockRequest flush = newFlush(afterFlush);
            flushUnderWay = true;
            device.start(flush);
            return true;
        }
        if (dataFlushUnderWay || superblockWritten) {
            return false;
        }
        if (data != null && data.health() != null && data.health().isFailed()) {
            // Another's flush was told of the lost write, before ours or since.
            failure = new StorageException(Errno.EIO, data.health().failure());
            return false;
        }
        superblockWritten = true;
        MetadataBlock superblock = transaction.superblock();
        IoBuffer copy = copies.acquire(MetadataBlock.BYTES);
        superblock.copyTo(copy, 0);
        superblock.setState(MetadataBlock.State.CLEAN);
        submitWrite(superblock.location(), copy, 1, BlockRequest.FUA);
        return true;
    }

    /** Writes the next run of adjacent blocks, if there is memory to copy it to. */
    private boolean writeRun() {
        List<MetadataBlock> blocks = transaction.blocks();
        int end = nextBlock + 1;
        while (end < blocks.size()
                && end - nextBlock < GATHER_BLOCKS
                && blocks.get(end).location() == blocks.get(end - 1).location() + 1) {
            end++;
        }
        int count = end - nextBlock;
        IoBuffer copy = copies.tryAcquire(count * MetadataBlock.BYTES);
        if (copy == null) {
            return false;
        }
        long location = blocks.get(nextBlock).location();
        for (int i = 0; i < count; i++) {
            blocks.get(nextBlock + i).copyTo(copy, i * MetadataBlock.BYTES);
        }
        nextBlock = end;
        submitWrite(location, copy, count, 0);
        return true;
    }

    private void submitWrite(long location, IoBuffer copy, int count, int flags) {
        BlockRequest write;
        try {
            write = loop.requests().acquire();
        } catch (RuntimeException | Error bug) {
            copy.release();
            throw bug;
        }
        write.transfer(
                BlockOperation.WRITE, location * MetadataBlock.BYTES, count * MetadataBlock.BYTES, flags, copy, 0);
        write.push(afterWrite);
        writesUnderWay++;
        writes += count;
        device.start(write);
    }

    private BlockRequest newFlush(BlockCompletion after) {
        BlockRequest flush = loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0);
        flush.push(after);
        return flush;
    }

    private void afterWrite(BlockRequest write, int errno) {
        write.buffer().release();
        writesUnderWay--;
        completed(device, write, errno);
    }

    private void afterFlush(BlockRequest flush, int errno) {
        flushUnderWay = false;
        flushed = true;
        completed(device, flush, errno);
    }

    private void afterDataFlush(BlockRequest flush, int errno) {
        dataFlushUnderWay = false;
        completed(data, flush, errno);
    }

    private void completed(BlockDevice target, BlockRequest request, int errno) {
        try {
            if (errno != Errno.OK && failure == null) {
                failure = new StorageException(errno, target + ": " + request + " failed: " + Errno.name(errno));
            }
            request.recycle();
        } catch (RuntimeException | Error bug) {
            failed(bug);
        }
        advance();
    }
}
