package dev.gossamer.io;

import dev.gossamer.io.buffer.IoBuffer;

/**
 * A device as seen by a thread that waits: metadata I/O of a pool worker, tools, tests.
 *
 * <p>One thread at a time. Requests belong to an {@link InlineLoop}, so a disk or a simulated disk serves them by the
 * time {@code submit} returns; for a device that answers from elsewhere the thread sleeps until it does.
 */
public final class BlockingIo {
    private final BlockDevice device;
    private final InlineLoop loop;
    private boolean done;
    private int result;
    private final BlockCompletion completion = this::onComplete;

    public BlockingIo(BlockDevice device, InlineLoop loop) {
        this.device = device;
        this.loop = loop;
    }

    public BlockDevice device() {
        return device;
    }

    /** Memory for transfers comes from here; for the same thread. */
    public InlineLoop loop() {
        return loop;
    }

    public void read(long offsetBytes, IoBuffer buffer, int bufferOffsetBytes, int lengthBytes)
            throws StorageException {
        run(loop.requests()
                .acquire()
                .transfer(BlockOperation.READ, offsetBytes, lengthBytes, 0, buffer, bufferOffsetBytes));
    }

    public void write(long offsetBytes, IoBuffer buffer, int bufferOffsetBytes, int lengthBytes)
            throws StorageException {
        run(loop.requests()
                .acquire()
                .transfer(BlockOperation.WRITE, offsetBytes, lengthBytes, 0, buffer, bufferOffsetBytes));
    }

    /** EOPNOTSUPP if the device has no discards. */
    public void discard(long offsetBytes, long lengthBytes) throws StorageException {
        run(loop.requests().acquire().command(BlockOperation.DISCARD, offsetBytes, lengthBytes, 0));
    }

    public void flush() throws StorageException {
        run(loop.requests().acquire().command(BlockOperation.FLUSH, 0, 0, 0));
    }

    private void run(BlockRequest request) throws StorageException {
        done = false;
        request.push(completion);
        device.start(request);
        while (!done) {
            loop.runOrPark();
        }
        if (result != Errno.OK) {
            String what = request.toString();
            request.recycle();
            throw new StorageException(result, device + ": " + what + " failed: " + Errno.name(result));
        }
        request.recycle();
    }

    private void onComplete(BlockRequest request, int errno) {
        result = errno;
        done = true;
    }
}
