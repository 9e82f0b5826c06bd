package dev.gossamer.io;

import dev.gossamer.io.buffer.IoBuffer;
import java.util.function.Consumer;

/**
 * One block I/O, pooled by the {@link IoLoop} that made it and reused.
 *
 * <p>The object that a connection takes for an NBD command is the one that reaches the disk. A device on the way that
 * only redirects the request changes its offset and {@linkplain #push pushes} a completion to undo that; one that must
 * split it takes {@linkplain #child children} from the same pool.
 *
 * <p>Fields are plain: at any moment one thread owns the request. Handing it to another thread goes through
 * {@link IoLoop#execute}, which orders the memory.
 */
public final class BlockRequest {
    /** The request is stable before it completes. */
    public static final int FUA = 1;
    /** WRITE_ZEROES must leave the range allocated. */
    public static final int NO_UNMAP = 2;
    /** WRITE_ZEROES must fail with EOPNOTSUPP rather than write zeros to the medium. */
    public static final int FAST_ZERO = 4;
    /**
     * Goes ahead of all that waits where a device has a line. For the few requests, counted by who sets it, on whose
     * answers all others depend.
     */
    public static final int URGENT = 8;

    /** Was refused for want of room below a thin pool's data device, and tries again: if it succeeds, there is room. */
    public static final int TRIES_ROOM = 16;

    /** Value of {@link #failedPartOffsetBytes}: no part failed, or the request was not split. */
    public static final long NO_PART = -1;

    /** Deepest stack of devices: connection, volume, slice, fault plan, recorder, disk, and room to spare. */
    private static final int MAX_DEPTH = 10;

    private final IoLoop loop;
    private final BlockCompletion[] completions = new BlockCompletion[MAX_DEPTH];
    private final long[] savedOffsets = new long[MAX_DEPTH];
    private int depth;

    private BlockOperation operation = BlockOperation.FLUSH;
    private long offsetBytes;
    private long lengthBytes;
    private int flags;
    private IoBuffer buffer;
    private int bufferOffsetBytes;

    /** Grows whenever somebody takes the request: a guard that sees no change may end it, and nobody else will. */
    private int takings;

    private BlockRequest parent;
    private int pendingParts;
    /** Between {@link #beginSplit} and {@link #endSplit}. */
    private boolean splitting;

    /** The child made last, and its takings then: if a split breaks off, it is the only one that nobody may have. */
    private BlockRequest lastPart;

    private int lastPartTakings;
    private int firstError;
    // From the request's own offset on, which a device may have changed when a part fails.
    private long failedPartBytes = NO_PART;

    // Links requests in the queue, stack or pool that they are in.
    BlockRequest next;

    // The submitter's own; devices leave these alone.
    private long tag;
    private long tagOffsetBytes;
    private Object note;

    private final RequestStages stages = new RequestStages();

    // While it is parked: whose it is, how much of it the worker has done, and what shall happen when it comes back.
    private ServedDevice parkedBy;
    private long progress;
    private int verdict;

    BlockRequest(IoLoop loop) {
        this.loop = loop;
    }

    /** Prepares a request that carries data. The buffer stays the submitter's, lent until completion. */
    public BlockRequest transfer(
            BlockOperation newOperation,
            long newOffsetBytes,
            int newLengthBytes,
            int newFlags,
            IoBuffer newBuffer,
            int newBufferOffsetBytes) {
        operation = newOperation;
        offsetBytes = newOffsetBytes;
        lengthBytes = newLengthBytes;
        flags = newFlags;
        buffer = newBuffer;
        bufferOffsetBytes = newBufferOffsetBytes;
        return this;
    }

    /** Prepares a request without data: FLUSH, DISCARD, WRITE_ZEROES. */
    public BlockRequest command(BlockOperation newOperation, long newOffsetBytes, long newLengthBytes, int newFlags) {
        operation = newOperation;
        offsetBytes = newOffsetBytes;
        lengthBytes = newLengthBytes;
        flags = newFlags;
        buffer = null;
        bufferOffsetBytes = 0;
        return this;
    }

    /**
     * Marks the request for its submitter.
     *
     * @param newTag what tells it from others: an NBD cookie
     * @param newTagOffsetBytes the offset that its NBD client sent, whatever the operation does with it
     */
    public void label(long newTag, long newTagOffsetBytes) {
        tag = newTag;
        tagOffsetBytes = newTagOffsetBytes;
    }

    /** As in {@link #label}. */
    public long tag() {
        return tag;
    }

    /** As in {@link #label}. */
    public long tagOffsetBytes() {
        return tagOffsetBytes;
    }

    /** What the submitter wants to find again when the request comes back; forgotten when it is recycled. */
    public void note(Object newNote) {
        note = newNote;
    }

    /** What was noted, or null if it is none of these. */
    public <T> T note(Class<T> type) {
        return type.isInstance(note) ? type.cast(note) : null;
    }

    /**
     * Another request for the sake of this one, which ends after it: to be prepared, submitted and recycled by the
     * caller, on the loop of both. It completes into nothing.
     */
    public BlockRequest companion() {
        BlockRequest companion = loop.requests().acquire();
        companion.parent = this;
        return companion;
    }

    /** Of a {@link #companion} that has not been recycled: for whose sake it is. */
    public BlockRequest companionOf() {
        return parent;
    }

    /** How long it has been under way, and where; begun by the submitter who wants to know. */
    public RequestStages stages() {
        return stages;
    }

    /** The loop that owns this request; it is submitted and completed there. */
    public IoLoop loop() {
        return loop;
    }

    public BlockOperation operation() {
        return operation;
    }

    public long offsetBytes() {
        return offsetBytes;
    }

    public long lengthBytes() {
        return lengthBytes;
    }

    public int flags() {
        return flags;
    }

    public boolean hasFlag(int flag) {
        return (flags & flag) != 0;
    }

    /** The memory of a READ or WRITE; null for other operations. */
    public IoBuffer buffer() {
        return buffer;
    }

    /** Where in {@link #buffer} the data begins. */
    public int bufferOffsetBytes() {
        return bufferOffsetBytes;
    }

    /** Whether range and place in the buffer are multiples of a power of two. */
    public boolean isAligned(int alignmentBytes) {
        return ((offsetBytes | lengthBytes | bufferOffsetBytes) & (alignmentBytes - 1)) == 0;
    }

    /** Address of the first byte of the data. */
    public long address() {
        return buffer.address() + bufferOffsetBytes;
    }

    /** Replaces the flags, for a device that serves one of them itself. */
    public void setFlags(int newFlags) {
        flags = newFlags;
    }

    /** Adds a completion and redirects the request to another offset; {@link #complete} undoes both. */
    public void push(BlockCompletion completion, long newOffsetBytes) {
        savedOffsets[depth] = offsetBytes;
        completions[depth++] = completion;
        offsetBytes = newOffsetBytes;
    }

    /**
     * Adds a completion that runs before the ones added earlier. The request has been prepared: its offset is kept too.
     */
    public void push(BlockCompletion completion) {
        push(completion, offsetBytes);
    }

    /**
     * Ends the request: takes off the last pushed completion, restores the offset and tells it. Never throws for a
     * completion's sake: a fault in one is the fault of whoever pushed it ({@link Faults}), and those behind it get
     * EIO.
     */
    public void complete(int errno) {
        Invariant.check(depth > 0, "a request is completed twice");
        int top = --depth;
        offsetBytes = savedOffsets[top];
        BlockCompletion completion = completions[top];
        int seen = ++takings;
        try {
            completion.complete(this, errno);
        } catch (Throwable fault) {
            loop.faults().caught(fault);
            endUnlessTaken(seen);
        }
    }

    /**
     * Runs what decides on this request; if that throws before anybody has taken the request, it ends with EIO. On its
     * loop, by the present owner.
     */
    public void guard(Consumer<BlockRequest> decision) {
        int seen = takings;
        try {
            decision.accept(this);
        } catch (Throwable fault) {
            loop.faults().caught(fault);
            endUnlessTaken(seen);
        }
    }

    /** Notes that somebody has the request from now on who will end it. Queues and file engines do; on any thread. */
    public void taken() {
        takings++;
    }

    /** How often the request was taken so far: what has not changed since is still the caller's to end. */
    public int takings() {
        return takings;
    }

    /**
     * Ends the request with EIO if nobody has taken it since then, nor ended it. Completions that wait for it are told.
     */
    public void endUnlessTaken(int takingsThen) {
        if (takings != takingsThen || depth == 0) {
            return;
        }
        if (splitting) {
            BlockRequest part = lastPart;
            if (part != null && part.parent == this && part.takings == lastPartTakings) {
                part.endUnlessTaken(part.takings);
            }
            endSplit(Errno.EIO);
        } else {
            complete(Errno.EIO);
        }
    }

    /**
     * Starts splitting: until the matching {@link #endSplit} the request cannot complete. Parts are added with
     * {@link #child} or {@link #addPart}; the first error wins.
     */
    public void beginSplit() {
        pendingParts = 1;
        splitting = true;
        firstError = Errno.OK;
        failedPartBytes = NO_PART;
    }

    /**
     * A part of this request on the same loop, sharing its operation, flags and buffer. It completes into its parent.
     */
    public BlockRequest child(long childOffsetBytes, long childLengthBytes) {
        BlockRequest child = loop.requests().acquire();
        child.operation = operation;
        child.offsetBytes = childOffsetBytes;
        child.lengthBytes = childLengthBytes;
        child.flags = flags;
        child.buffer = buffer;
        child.bufferOffsetBytes = bufferOffsetBytes + (buffer == null ? 0 : (int) (childOffsetBytes - offsetBytes));
        child.parent = this;
        pendingParts++;
        child.push(BlockRequest::childDone);
        child.stages.begin(0);
        lastPart = child;
        lastPartTakings = child.takings;
        return child;
    }

    /** Where the first part begins that failed, or {@link #NO_PART}. For a request that was split and has completed. */
    public long failedPartOffsetBytes() {
        return failedPartBytes == NO_PART ? NO_PART : offsetBytes + failedPartBytes;
    }

    /** Counts a part that is no request of its own; {@link #partDone} ends it. */
    public void addPart() {
        pendingParts++;
    }

    /** Ends a part counted by {@link #addPart}. */
    public void partDone(int errno) {
        if (errno != Errno.OK && firstError == Errno.OK) {
            firstError = errno;
        }
        if (--pendingParts == 0) {
            complete(firstError);
        }
    }

    /** All parts are under way; completes the request if they are done already. */
    public void endSplit() {
        endSplit(Errno.OK);
    }

    private void endSplit(int errno) {
        splitting = false;
        lastPart = null;
        takings++;
        partDone(errno);
    }

    private static void childDone(BlockRequest child, int errno) {
        BlockRequest parent = child.parent;
        if (errno != Errno.OK && parent.firstError == Errno.OK) {
            long withinChild = child.failedPartBytes == NO_PART ? 0 : child.failedPartBytes;
            parent.failedPartBytes = child.offsetBytes - parent.offsetBytes + withinChild;
        }
        parent.stages.absorb(child.stages);
        child.recycle();
        parent.partDone(errno);
    }

    /** Lends the request to the worker of a device. On its loop, right before it is handed over. */
    public void park(ServedDevice device) {
        parkedBy = device;
    }

    /** The device that has parked the request. For the worker that has it. */
    public ServedDevice parkedBy() {
        return parkedBy;
    }

    /** How much of a parked request is done, in a unit of its worker's; 0 at first. */
    public long progress() {
        return progress;
    }

    /** For the worker that has the request. */
    public void setProgress(long newProgress) {
        progress = newProgress;
    }

    /**
     * Decides a parked request, right before it is handed back. For the worker that has it.
     *
     * @param newVerdict an errno to complete it with, or {@link ServedDevice#SERVE_AGAIN}
     */
    public void decide(int newVerdict) {
        verdict = newVerdict;
    }

    /** Does what the worker has decided. On the request's loop again. */
    public void followVerdict() {
        stages.leave(loop.nanoTime());
        if (verdict == ServedDevice.SERVE_AGAIN) {
            parkedBy.serve(this);
        } else {
            complete(verdict);
        }
    }

    /** Gives the request back to its loop's pool. The buffer is not touched: it is its owner's to release. */
    public void recycle() {
        Invariant.check(depth == 0, "recycled a request that has completions left");
        takings++;
        buffer = null;
        parent = null;
        splitting = false;
        lastPart = null;
        note = null;
        next = null;
        parkedBy = null;
        progress = 0;
        failedPartBytes = NO_PART;
        loop.requests().release(this);
    }

    @Override
    public String toString() {
        return operation + " offset=" + offsetBytes + " length=" + lengthBytes + " flags=" + flags;
    }
}
