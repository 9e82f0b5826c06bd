package dev.gossamer.thin.owner;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * A device of a pool that others reach too. Reads and flushes pass. A change waits while the ownership is in doubt, and
 * ends with EIO if that lasts too long or the ownership is lost, with ESHUTDOWN if the device is closed meanwhile. Of
 * the metadata, it notes which superblocks are written.
 */
final class OwnedDevice implements BlockDevice {
    private final PoolOwnership ownership;
    private final PoolOwnership.Role role;
    private final BlockDevice device;
    // One for each loop that has ever met a doubt.
    private final Map<IoLoop, HeldChanges> held = new ConcurrentHashMap<>();
    private volatile boolean closed;

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
            return;
        }
        switch (judge(request)) {
            case GO -> change(request);
            case WAIT -> hold(request);
            case FAIL -> request.complete(Errno.EIO);
            case END -> request.complete(Errno.ESHUTDOWN);
        }
    }

    private HeldChanges.Verdict judge(BlockRequest request) {
        if (closed) {
            return HeldChanges.Verdict.END;
        }
        if (ownership.mayChange(role, request.offsetBytes())) {
            return HeldChanges.Verdict.GO;
        }
        return ownership.isOver() ? HeldChanges.Verdict.FAIL : HeldChanges.Verdict.WAIT;
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

    private void hold(BlockRequest request) {
        if (request.loop() instanceof InlineLoop loop) {
            waitFor(request, loop);
        } else {
            held.computeIfAbsent(request.loop(), loop -> new HeldChanges(loop, this::judge, this::change))
                    .add(request);
        }
    }

    /** The loop's thread waits for its I/O anyway. */
    private void waitFor(BlockRequest request, InlineLoop loop) {
        long until = loop.nanoTime() + HeldChanges.PATIENCE_NANOS;
        HeldChanges.Verdict verdict = judge(request);
        while (verdict == HeldChanges.Verdict.WAIT && loop.nanoTime() - until < 0) {
            LockSupport.parkNanos(this, HeldChanges.LOOK_NANOS);
            verdict = judge(request);
        }
        if (verdict == HeldChanges.Verdict.GO) {
            change(request);
        } else {
            request.complete(verdict == HeldChanges.Verdict.END ? Errno.ESHUTDOWN : Errno.EIO);
        }
    }

    /** What waits is ended; a change that is under way below is its caller's to wait for. */
    @Override
    public void close() {
        closed = true;
        held.values().forEach(changes -> new Wakeup(changes.loop(), changes::look).call());
        device.close();
    }

    @Override
    public String toString() {
        return device.toString();
    }
}
