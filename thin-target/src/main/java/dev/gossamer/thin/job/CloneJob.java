package dev.gossamer.thin.job;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.device.HeldRange;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.PromiseChecks;
import java.util.Arrays;
import java.util.List;

/**
 * Gives a range of a volume the data blocks of a range of another, or of itself (CL-1 to CL-7).
 *
 * <p>First it counts what is mapped in both ranges, in steps that change nothing, so that a limit or a lack of metadata
 * refuses the whole. Then each step holds a piece of both ranges, waits until all writes there have ended, reads the
 * source's mappings and gives them to the destination, within one task of the worker and one transaction. What the
 * destination had is freed by the commit, after its readers have ended.
 *
 * <p>A crash leaves a prefix done, in whole steps. An atomic clone is one step.
 */
final class CloneJob extends Job {
    /** Mappings looked at in one step of counting: a millisecond. */
    private static final int COUNT_STEP = 8192;

    /** Where each part of the work is done. */
    record Parts(
            PoolMetadata metadata, StepChange change, RangeLocks locks, Stepping stepping, PromiseChecks promises) {}

    /** Blocks of one volume. */
    record Side(ThinDevice device, long from) {}

    private final Parts parts;
    private final Side source;
    private final Side target;
    private final long blocks;
    private final long lengthBytes;
    private final int stepBlocks;
    private final int blockBytes;
    private long counted;
    private long sourceMapped;
    private long targetMapped;
    private long done;

    /**
     * @param blocks in each range; the last one may be the last of both volumes, and partly outside
     * @param stepBlocks at most so many in a transaction
     */
    CloneJob(Parts parts, Side source, Side target, long blocks, long lengthBytes, int stepBlocks) {
        super("clone", describe(source, target, lengthBytes));
        this.parts = parts;
        this.source = source;
        this.target = target;
        this.blocks = blocks;
        this.lengthBytes = lengthBytes;
        this.stepBlocks = stepBlocks;
        this.blockBytes = source.device.blockBytes();
    }

    private static String describe(Side source, Side target, long lengthBytes) {
        long blockBytes = source.device.blockBytes();
        return source.device.name() + ":" + source.from * blockBytes + "+" + lengthBytes + " to " + target.device.name()
                + ":" + target.from * blockBytes;
    }

    @Override
    protected long doneBytes() {
        return Math.min(lengthBytes, done * blockBytes);
    }

    @Override
    protected long totalBytes() {
        return lengthBytes;
    }

    @Override
    protected boolean takesSpace() {
        return false;
    }

    @Override
    protected String message() {
        return done == 0 && counted < blocks ? "counting" : "";
    }

    @Override
    protected void ended() {
        source.device.closeForJob();
        target.device.closeForJob();
    }

    @Override
    protected void step(StepEnd end) throws StorageException {
        if (counted < blocks) {
            count();
            end.next();
            return;
        }
        int width = (int) Math.min(stepBlocks, blocks - done);
        hold(width, end);
    }

    private void count() throws StorageException {
        long to = Math.min(blocks, counted + COUNT_STEP);
        sourceMapped += mapped(source, counted, to);
        targetMapped += mapped(target, counted, to);
        counted = to;
        if (counted == blocks) {
            checkLimit(sourceMapped - targetMapped);
            checkPromises();
            parts.change.checkMetadata(sourceMapped);
        }
    }

    private long mapped(Side side, long from, long to) throws StorageException {
        BTreeCursor cursor =
                parts.metadata.cursor(side.device.id(), side.from + from).upTo(side.from + to);
        long count = 0;
        while (cursor.next()) {
            count++;
        }
        return count;
    }

    /** As after a snapshot of both, nothing of them is their own any more. */
    private void checkPromises() throws StorageException {
        List<ThinDevice> both =
                source.device == target.device ? List.of(source.device) : List.of(source.device, target.device);
        parts.promises.checkSharing("cannot clone from " + source.device.name() + " to " + target.device.name(), both);
    }

    private void checkLimit(long growth) throws StorageException {
        long limit = target.device.limits().limitBytes();
        long mapped = (target.device.takenBlocks() + growth) * blockBytes;
        if (limit > 0 && growth > 0 && mapped > limit) {
            throw new StorageException(
                    Errno.ENOSPC,
                    "volume " + target.device.name() + " would have " + mapped + " bytes mapped, its limit is " + limit
                            + "; 'gossamer volume set --limit' changes it");
        }
    }

    private void hold(int width, StepEnd end) {
        HeldRange from = new HeldRange(source.device, source.from + done, source.from + done + width);
        HeldRange to = new HeldRange(target.device, target.from + done, target.from + done + width);
        List<HeldRange> ranges = List.of(from, to);
        parts.locks.acquire(ranges, () -> {
            try {
                checkEnds(width);
                long[] mappings = parts.metadata.references().sharing().read(source.device.id(), from.from, width);
                parts.stepping.between(() -> put(ranges, mappings, end));
            } catch (StorageException | RuntimeException e) {
                // Whatever it is: who waits for the ranges must not wait for ever, nor the job for its step.
                parts.locks.release(ranges);
                end.failed(e);
            }
        });
    }

    /**
     * Either volume may have got another size since the last step. What a block holds behind its volume's end is
     * nobody's to see: one that is not whole is cloned only while it is the last of both.
     */
    private void checkEnds(int width) throws StorageException {
        long bytes = Math.min(lengthBytes, (done + width) * blockBytes);
        checkEnd(source, bytes);
        checkEnd(target, bytes);
    }

    private void checkEnd(Side side, long bytes) throws StorageException {
        long end = side.from * blockBytes + bytes;
        if (side.device.sizeBytes() < end) {
            throw new StorageException(
                    Errno.EINVAL, "volume " + side.device.name() + " has become smaller than the range");
        }
        if (bytes % blockBytes != 0 && (side.device.sizeBytes() > end || side.device.isResizing())) {
            throw new StorageException(
                    Errno.EINVAL,
                    "volume " + side.device.name() + " has got another size, so that its last block, of which a part"
                            + " was to be cloned, is not the other's last; start again with ranges of whole blocks");
        }
    }

    private void put(List<HeldRange> ranges, long[] mappings, StepEnd end) {
        HeldRange to = ranges.getLast();
        parts.change.whenRoom(
                fewer -> roomFor(to, mappings.length, fewer),
                width -> {
                    checkEnds(width);
                    put(to, Arrays.copyOf(mappings, width));
                    parts.locks.release(ranges);
                    done += width;
                    finishStep(end);
                },
                failure -> {
                    parts.locks.release(ranges);
                    end.failed(failure);
                });
    }

    /** So many of the step's blocks there is metadata for; an atomic one is not made smaller. */
    private int roomFor(HeldRange to, int wanted, boolean fewer) throws StorageException {
        int width = wanted;
        boolean whole = stepBlocks >= blocks;
        while (width > 0 && !parts.metadata.room().hasForSharing(target.device.id(), to.from, width)) {
            width = fewer && !whole ? width / 2 : 0;
        }
        return width;
    }

    private void put(HeldRange to, long[] mappings) throws StorageException {
        checkLimit(parts.metadata.references().sharing().growth(target.device.id(), to.from, mappings));
        checkPromises();
        parts.change.replaced(to.device, to.from, to.from + mappings.length);
        parts.change.apply(List.of(source.device, target.device), () -> parts.metadata
                .references()
                .sharing()
                .put(source.device.id(), target.device.id(), to.from, mappings));
    }

    private void finishStep(StepEnd end) {
        if (done == blocks) {
            end.done("cloned " + lengthBytes + " bytes, " + sourceMapped * blockBytes + " of them stored");
        } else {
            end.next();
        }
    }
}
