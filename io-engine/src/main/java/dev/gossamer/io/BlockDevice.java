package dev.gossamer.io;

/**
 * Everything that holds blocks: a disk, a thin volume, a simulated disk, a fault injector. Devices stack.
 *
 * <p>Contract; {@code BlockDeviceContract} among the tests checks it on disks, volumes, origins, snapshots and exports:
 *
 * <ol>
 *   <li>{@link #submit} is called on the thread of {@code request.loop()}, and the request completes on that thread,
 *       exactly once, possibly before {@code submit} returns.
 *   <li>Between submit and completion the device owns the request and its buffer.
 *   <li>A range outside the device, or against {@link BlockGeometry#alignmentBytes}, is EINVAL and changes nothing.
 *   <li>FLUSH makes stable what had completed when it was submitted; FUA makes stable the request that carries it.
 *   <li>Requests in flight together are unordered. Two overlapping writes leave, per 512-byte sector, one of the two.
 * </ol>
 */
public interface BlockDevice extends AutoCloseable {

    /** The current geometry; the size of a volume can change while it is open. Callable from any thread. */
    BlockGeometry geometry();

    /** The current size alone, for the path of every request. Callable from any thread. */
    default long sizeBytes() {
        return geometry().sizeBytes();
    }

    /**
     * Whether a range is known to read as zeros without reading it, because nothing was ever written there or it has
     * been discarded. False means "not known", never "no". Nobody may be writing to the range. Costs a system call at
     * most; callable from any thread. What it says becomes stable with the next FLUSH, as a write does.
     */
    default boolean readsAsZeros(long offsetBytes, long lengthBytes) {
        return false;
    }

    /**
     * What tells this storage from any other, whatever it is called: a serial number, a UUID, a file's inode. Empty if
     * it tells nothing but its size. Callable from any thread.
     */
    default String identityName() {
        return "";
    }

    /**
     * What this device remembers of lost writes; null if it does not, as a volume, whose pool does, or a disk of a
     * test: {@link WatchedDevice#over} makes up for it.
     */
    default DeviceHealth health() {
        return null;
    }

    /** Starts a request. Never blocks and never throws for the request's sake: errors come with its completion. */
    void submit(BlockRequest request);

    /**
     * Submits a request of the caller's own. If that throws before the device has taken it, the request ends with EIO:
     * completions that the device has pushed already run as for any error. From the return on it is the device's.
     */
    default void start(BlockRequest request) {
        int seen = request.takings();
        try {
            submit(request);
            if (request.takings() == seen) {
                request.taken(); // it is held where nothing tells: in a task, in a table
            }
        } catch (Throwable fault) {
            request.loop().faults().caught(fault);
            request.endUnlessTaken(seen);
        }
    }

    /**
     * Whoever used this handle is gone. Requests that wait for something other than a disk end without effect, and none
     * that waits for its turn is started (NBD T51a); the others complete as usual. {@link #close} still comes when all
     * have. A device on which nothing waits like that has nothing to do. Any thread.
     */
    default void abandon() {}

    /** Releases the device. The caller has waited for its requests. */
    @Override
    void close();
}
