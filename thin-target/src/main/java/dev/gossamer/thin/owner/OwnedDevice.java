package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import java.util.concurrent.locks.LockSupport;

/**
 * A device of a pool that others reach too. Reads and flushes pass. A change waits while the ownership is in doubt, and
 * ends with EIO if that lasts too long or the ownership is lost. Of the metadata, it notes which superblocks are
 * written.
 */
final class OwnedDevice implements BlockDevice {
    /** As long as requests wait for a server that has gone away. */
    private static final long PATIENCE_NANOS = 30_000_000_000L;

    /** Doubt is rare, and lasts for seconds. */
    private static final long LOOK_NANOS = 20_000_000;

    private final PoolOwnership ownership;
    private final PoolOwnership.Role role;
    private final BlockDevice device;

    OwnedDevice(PoolOwnership ownership, PoolOwnership.Role role, BlockDevice device) {
        this.ownership = ownership;
        this.role = role;
        this.device = device;
    }

    @Override
    public BlockGeometry geometry() {
        return device.geometry();
    }

    @Override
    public long sizeBytes() {
        return device.sizeBytes();
    }

    /** The device's own: what its connections have lost, whoever asked, the pool hears of. */
    @Override
    public DeviceHealth health() {
        return device.health();
    }

    @Override
    public boolean readsAsZeros(long offsetBytes, long lengthBytes) {
        return device.readsAsZeros(offsetBytes, lengthBytes);
    }

    @Override
    public void submit(BlockRequest request) {
        BlockOperation operation = request.operation();
        if (operation == BlockOperation.READ || operation == BlockOperation.FLUSH) {
            device.submit(request);
        } else if (ownership.mayChange(role, request.offsetBytes())) {
            change(request);
        } else if (request.loop() instanceof InlineLoop loop) {
            waitFor(request, loop);
        } else {
            hold(request, request.loop().nanoTime() + PATIENCE_NANOS);
        }
    }

    private void change(BlockRequest request) {
        if (role == PoolOwnership.Role.METADATA
                && request.operation() == BlockOperation.WRITE
                && request.offsetBytes() == 0) {
            byte[] image = new byte[SuperblockImages.BYTES];
            request.buffer().bytes().get(request.bufferOffsetBytes(), image);
            ownership.images().writing(image);
            request.push((done, errno) -> {
                ownership.images().written(image, errno == Errno.OK);
                done.complete(errno);
            });
        }
        device.submit(request);
    }

    private void hold(BlockRequest request, long untilNanos) {
        if (ownership.mayChange(role, request.offsetBytes())) {
            change(request);
        } else if (ownership.isOver() || request.loop().nanoTime() - untilNanos >= 0) {
            request.complete(Errno.EIO);
        } else {
            request.loop().schedule(() -> hold(request, untilNanos), LOOK_NANOS);
        }
    }

    /** The loop's thread waits for its I/O anyway. */
    private void waitFor(BlockRequest request, InlineLoop loop) {
        long until = loop.nanoTime() + PATIENCE_NANOS;
        while (!ownership.mayChange(role, request.offsetBytes())) {
            if (ownership.isOver() || loop.nanoTime() - until >= 0) {
                request.complete(Errno.EIO);
                return;
            }
            LockSupport.parkNanos(this, LOOK_NANOS);
        }
        change(request);
    }

    @Override
    public void close() {
        device.close();
    }

    @Override
    public String toString() {
        return device.toString();
    }
}
