package dev.gossamer.io.ring;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.StallLook;
import dev.gossamer.io.buffer.ZeroMemory;
import dev.gossamer.io.posix.FileThreads;
import dev.gossamer.io.posix.ThreadFileEngine;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.uring.IoUringIoEvent;
import io.netty.channel.uring.IoUringIoHandle;
import io.netty.channel.uring.IoUringIoOps;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * File I/O of one loop on the io_uring that also carries its sockets: what is submitted in one turn of the loop reaches
 * the kernel in one system call, and completions arrive on the loop.
 *
 * <p>An entry of the submission queue carries the slot of its operation. It fits in 16 bits; for larger numbers Netty
 * would keep a map. Confined to the loop.
 */
final class RingFileEngine implements FileEngine, IoUringIoHandle {
    private static final Logger LOG = LoggerFactory.getLogger(RingFileEngine.class);

    /**
     * Operations in the kernel at a time; more wait in line. Deeper than any disk's queue, and half of the completion
     * queue (Netty makes it 4096), so that sockets fit beside them and the kernel never has to keep completions aside.
     */
    static final int SLOTS = 2048;

    // Operation codes and flags of the kernel's interface (uapi/linux/io_uring.h, fs.h, falloc.h).
    private static final byte OP_FSYNC = 3;
    private static final byte OP_FALLOCATE = 17;
    private static final byte OP_READ = 22;
    private static final byte OP_WRITE = 23;
    private static final int FSYNC_DATASYNC = 1;
    private static final int RWF_DSYNC = 2;
    private static final int KEEP_SIZE = 1;
    private static final int PUNCH_HOLE = 2;
    private static final int ZERO_RANGE = 16;

    /** The kernel moves less than 2 GiB at a time. */
    private static final long MAX_TRANSFER_BYTES = 1 << 30;

    /**
     * So many small operations go to the kernel together. A loop that handed over only at the end of its turn would
     * work in step with the disk: 32 requests come in one receive, are decoded while the disk is idle, and return
     * together. At depth 32 that cost a tenth to a sixth of the IOPS; 4 was no better than 8.
     */
    private static final int EARLY_ENTRIES = 8;

    /**
     * Operations up to this length are small. Larger ones wait for the end of the turn, because neighbours that reach
     * the kernel together become one command to the disk, which is worth more there.
     */
    private static final int EARLY_BYTES = 32 << 10;

    /** Instead of an errno: there is another step. */
    private static final int PROCEED = -1;

    /** Instead of an errno: the same step, a moment later. */
    private static final int AGAIN = -2;

    /**
     * The kernel may be short of memory for a moment: an operation that found no room, or was sent away with EAGAIN or
     * EINTR, is tried again after this time.
     */
    private static final long RETRY_MILLIS = 1;

    /**
     * So often without having come any further: ten seconds. Then it fails: with ECANCELED if it found no room, which
     * is safe, because the kernel has never seen it; else with EAGAIN.
     */
    private static final int RETRIES = 10_000;

    private static final class Operation {
        FileAction action;
        int fileDescriptor;
        BlockRequest request;
        long doneBytes;
        /** The range is done; what is under way is the sync that its FUA asks for. */
        boolean syncing;

        short slot;
        int retries;
        /** What it fails with if it is not tried again. */
        int lastErrno;

        int firstLook;

        // The step that comes next, as the kernel wants it (struct io_uring_sqe).
        byte code;
        long offset;
        long address;
        int length;
        int codeFlags;

        Operation next;

        void step(byte newCode, long newOffset, long newAddress, int newLength, int newCodeFlags) {
            code = newCode;
            offset = newOffset;
            address = newAddress;
            length = newLength;
            codeFlags = newCodeFlags;
        }
    }

    private final Operation[] inFlight = new Operation[SLOTS];
    private final short[] freeSlots = new short[SLOTS];
    private int freeSlotCount = SLOTS;
    private Operation freeOperations;
    private Operation firstWaiting;
    private Operation lastWaiting;
    private final Supplier<FileThreads> threads;
    // Made at the first call that io_uring does not know.
    private ThreadFileEngine rareCalls;
    // Operations with a slot that found no room in the submission queue, or were sent away; a timer runs then.
    private Operation firstStarved;
    private Operation lastStarved;
    // Neither with the kernel nor with a timer that would try again; empty but for a moment.
    private Operation firstGivenUp;
    private boolean givingUp;
    private IoRegistration registration;
    private SubmissionQueue queue;
    private Runnable retryLater;

    /** @param threads for calls that io_uring does not know, asked for when the first of them comes */
    RingFileEngine(Supplier<FileThreads> threads) {
        this.threads = threads;
        for (int i = 0; i < SLOTS; i++) {
            freeSlots[i] = (short) (SLOTS - 1 - i);
        }
    }

    /** On the loop, before the first request. */
    @SuppressWarnings("FutureReturnValueIgnored") // it looks whether it is still wanted
    void start(IoRegistration newRegistration, IoEventLoop eventLoop) {
        start(
                newRegistration,
                new SubmissionQueue(newRegistration),
                () -> eventLoop.schedule(this::retryStarved, RETRY_MILLIS, TimeUnit.MILLISECONDS));
    }

    /** As above, with a queue of the test's. */
    void start(IoRegistration newRegistration, SubmissionQueue newQueue, Runnable newRetryLater) {
        registration = newRegistration;
        queue = newQueue;
        retryLater = newRetryLater;
    }

    /** On the loop, when nothing is under way. */
    void stop() {
        registration.cancel();
    }

    @Override
    public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
        if (action == FileAction.BLOCK_DISCARD) {
            if (rareCalls == null) {
                rareCalls = new ThreadFileEngine(threads.get());
            }
            rareCalls.submit(action, fileDescriptor, request);
        } else {
            begin(action, fileDescriptor, request);
        }
    }

    private void begin(FileAction action, int fileDescriptor, BlockRequest request) {
        Operation operation = freeOperation();
        if (operation == null) {
            request.complete(Errno.ECANCELED);
            return;
        }
        operation.action = action;
        operation.fileDescriptor = fileDescriptor;
        operation.request = request;
        operation.doneBytes = 0;
        operation.syncing = false;
        operation.retries = 0;
        operation.firstLook = StallLook.UNSEEN;
        request.taken();
        if (freeSlotCount == 0) {
            if (firstWaiting == null) {
                firstWaiting = operation;
            } else {
                lastWaiting.next = operation;
            }
            lastWaiting = operation;
        } else {
            takeSlot(operation);
            proceed(operation);
        }
    }

    /** Null if there is no memory for it. */
    private Operation freeOperation() {
        Operation operation = freeOperations;
        if (operation == null) {
            try {
                return new Operation();
            } catch (OutOfMemoryError noMemory) {
                return null;
            }
        }
        freeOperations = operation.next;
        operation.next = null;
        return operation;
    }

    private void takeSlot(Operation operation) {
        short slot = freeSlots[--freeSlotCount];
        inFlight[slot] = operation;
        operation.slot = slot;
    }

    /** Hands the operation's next step to the kernel, now or when there is room; else ends it. */
    private void proceed(Operation operation) {
        prepare(operation);
        int errno = enqueue(operation);
        if (errno != Errno.OK) {
            tryLater(operation, errno);
        }
    }

    /** What was not taken, or sent away: again in a moment, if that makes sense and has not been for too long. */
    private void tryLater(Operation operation, int errno) {
        operation.lastErrno = errno;
        if (errno == Errno.ESHUTDOWN || ++operation.retries > RETRIES) {
            giveUp(operation);
        } else if (firstStarved != null) {
            lastStarved.next = operation;
            lastStarved = operation;
        } else if (asksForRetry()) {
            firstStarved = operation;
            lastStarved = operation;
        } else {
            giveUp(operation);
        }
    }

    /** The end of one starts one that waits, which may have to be given up as well: in turn, not on one stack. */
    private void giveUp(Operation operation) {
        operation.next = firstGivenUp;
        firstGivenUp = operation;
        if (givingUp) {
            return;
        }
        givingUp = true;
        while (firstGivenUp != null) {
            Operation last = firstGivenUp;
            firstGivenUp = last.next;
            last.next = null;
            finish(last, last.lastErrno);
        }
        givingUp = false;
    }

    /** Without a timer, for want of memory, nobody would come back for what waits. */
    private boolean asksForRetry() {
        try {
            retryLater.run();
            return true;
        } catch (Throwable refused) {
            LOG.debug("no timer", refused);
            return false;
        }
    }

    /** Tries again what found no room, or was sent away: all of it, as nobody behind it has fared better. */
    void retryStarved() {
        Operation operation = firstStarved;
        firstStarved = null;
        while (operation != null) {
            Operation following = operation.next;
            operation.next = null;
            proceed(operation);
            operation = following;
        }
    }

    private static void prepare(Operation operation) {
        if (operation.syncing) {
            operation.step(OP_FSYNC, 0, 0, 0, FSYNC_DATASYNC);
            return;
        }
        BlockRequest request = operation.request;
        long offset = request.offsetBytes() + operation.doneBytes;
        long left = request.lengthBytes() - operation.doneBytes;
        switch (operation.action) {
            case READ -> operation.step(
                    OP_READ, offset, request.address() + operation.doneBytes, transferLength(left), 0);
            case WRITE -> operation.step(
                    OP_WRITE,
                    offset,
                    request.address() + operation.doneBytes,
                    transferLength(left),
                    request.hasFlag(BlockRequest.FUA) ? RWF_DSYNC : 0);
            case ZERO_FILL -> operation.step(
                    OP_WRITE, offset, ZeroMemory.ADDRESS, (int) Math.min(left, ZeroMemory.LENGTH_BYTES), 0);
            case SYNC -> operation.step(OP_FSYNC, 0, 0, 0, FSYNC_DATASYNC);
                // FALLOCATE has the length where others have the address, and the mode where others have the length.
            case PUNCH_HOLE -> operation.step(OP_FALLOCATE, offset, left, PUNCH_HOLE | KEEP_SIZE, 0);
            case ZERO_RANGE -> operation.step(OP_FALLOCATE, offset, left, ZERO_RANGE | KEEP_SIZE, 0);
            case BLOCK_DISCARD -> throw new AssertionError("not on the ring");
        }
    }

    private static int transferLength(long leftBytes) {
        return (int) Math.min(leftBytes, MAX_TRANSFER_BYTES);
    }

    // OK: it is with the kernel. From then on only its completion may end the operation: nothing after that throws.
    // Few calls lie between a device and this one: the compiler looks fifteen deep, and must see from there to Netty's
    // last method that the object ends with the call. Then it makes none.
    private int enqueue(Operation operation) {
        if (!registration.isValid()) {
            return Errno.ESHUTDOWN;
        }
        if (!queue.makeRoom()) {
            return Errno.ECANCELED;
        }
        try {
            registration.submit(new IoUringIoOps(
                    operation.code,
                    (byte) 0,
                    (short) 0,
                    operation.fileDescriptor,
                    operation.offset,
                    operation.address,
                    operation.length,
                    operation.codeFlags,
                    (long) operation.slot,
                    (short) 0,
                    (short) 0,
                    0,
                    0));
        } catch (Throwable e) {
            // Netty throws before it queues the entry, for want of room or memory, or not at all.
            LOG.debug("not submitted", e);
            return Errno.ECANCELED;
        }
        if (operation.length <= EARLY_BYTES) {
            queue.submitIfAtLeast(EARLY_ENTRIES);
        }
        return Errno.OK;
    }

    /** A completion. Netty reuses the event, and pauses the loop for a tenth of a second if this throws. */
    @Override
    public void handle(IoRegistration source, IoEvent ioEvent) {
        IoUringIoEvent event = (IoUringIoEvent) ioEvent;
        Operation operation = inFlight[(short) event.userData()];
        int errno = advance(operation, event.res());
        if (errno == PROCEED) {
            proceed(operation);
        } else if (errno == AGAIN) {
            tryLater(operation, Errno.EAGAIN);
        } else {
            finish(operation, errno);
        }
    }

    /** Takes in the kernel's result: {@link #PROCEED}, {@link #AGAIN}, else the request's errno. */
    private static int advance(Operation operation, int result) {
        if (result < 0) {
            return switch (-result) {
                case Errno.EINTR, Errno.EAGAIN -> AGAIN;
                case Errno.ECANCELED -> Errno.EIO; // the kernel's, which has seen it
                default -> -result;
            };
        }
        operation.retries = 0;
        switch (operation.action) {
            case READ, WRITE, ZERO_FILL -> {
                if (!operation.syncing) {
                    if (result == 0) {
                        return Errno.EIO; // the file was cut short while it was open
                    }
                    operation.doneBytes += result;
                    if (operation.doneBytes < operation.request.lengthBytes()) {
                        return PROCEED;
                    }
                }
            }
            case SYNC, PUNCH_HOLE, ZERO_RANGE, BLOCK_DISCARD -> {} // all or nothing
        }
        if (needsSync(operation)) {
            operation.syncing = true;
            return PROCEED;
        }
        return Errno.OK;
    }

    // WRITE took its flag along to the kernel.
    private static boolean needsSync(Operation operation) {
        return switch (operation.action) {
            case ZERO_FILL, PUNCH_HOLE, ZERO_RANGE -> operation.request.hasFlag(BlockRequest.FUA) && !operation.syncing;
            case READ, WRITE, SYNC, BLOCK_DISCARD -> false;
        };
    }

    private void finish(Operation operation, int errno) {
        short slot = operation.slot;
        BlockRequest request = operation.request;
        operation.request = null;
        inFlight[slot] = null;
        freeSlots[freeSlotCount++] = slot;
        operation.next = freeOperations;
        freeOperations = operation;
        if (firstWaiting != null) {
            Operation waiting = firstWaiting;
            firstWaiting = waiting.next;
            waiting.next = null;
            takeSlot(waiting);
            proceed(waiting);
        }
        request.complete(errno);
    }

    /** Those that wait for a slot came later than those that have one. */
    @Override
    public void show(StallLook look) {
        int left = SLOTS - freeSlotCount;
        for (int slot = 0; left > 0; slot++) {
            Operation operation = inFlight[slot];
            if (operation != null) {
                operation.firstLook = look.sees(operation.fileDescriptor, operation.firstLook);
                left--;
            }
        }
        if (rareCalls != null) {
            rareCalls.show(look);
        }
    }

    @Override
    public void close() {
        // The handle owns nothing; called by Netty when the loop ends.
    }

    @Override
    public String name() {
        return "io_uring";
    }
}
