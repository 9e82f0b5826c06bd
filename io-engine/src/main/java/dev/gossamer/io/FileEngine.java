package dev.gossamer.io;

/**
 * Carries out requests on open files: an io_uring of the loop, a pool of threads, or system calls on the spot.
 *
 * <p>For use by the device that opened the file. The range has been checked. Short transfers are continued, an
 * interrupted call is repeated, FUA is honoured, and the request is completed on its loop.
 *
 * <p>What finds no memory, or no room on its way, ends with ECANCELED: the file has not been asked. What an engine
 * throws it throws before it has taken the request, and has not begun it either.
 */
public interface FileEngine {

    /** What is done to a range of a file. Which of the last four a file can do is for its device to find out. */
    enum FileAction {
        READ,
        WRITE,
        /** fdatasync(2). */
        SYNC,
        /** fallocate(2), PUNCH_HOLE: the range reads as zeros, its space is given back. */
        PUNCH_HOLE,
        /** fallocate(2), ZERO_RANGE: the range reads as zeros and stays allocated. */
        ZERO_RANGE,
        /** ioctl(2), BLKDISCARD: the block device may forget the range, which then reads as anything. */
        BLOCK_DISCARD,
        /** Zeros are written, piece by piece, where the file can do neither of the above. Needs no buffer. */
        ZERO_FILL
    }

    /** Starts an action on {@code fileDescriptor} for the request's range. */
    void submit(FileAction action, int fileDescriptor, BlockRequest request);

    /** Shows a look each action that is under way; the engine's loop, an inline engine: any thread. */
    default void show(StallLook look) {}

    /** One word for status: {@code io_uring}, {@code threads}, {@code inline}. */
    String name();
}
