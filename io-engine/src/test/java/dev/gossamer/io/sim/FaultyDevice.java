package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;

/** Lets requests through to another device, except those that its {@link FaultPlan} fails: these do nothing. */
public final class FaultyDevice implements BlockDevice {
    private final BlockDevice below;
    private final FaultPlan plan;

    public FaultyDevice(BlockDevice below, FaultPlan plan) {
        this.below = below;
        this.plan = plan;
    }

    public FaultPlan plan() {
        return plan;
    }

    @Override
    public BlockGeometry geometry() {
        return below.geometry();
    }

    @Override
    public boolean readsAsZeros(long offsetBytes, long lengthBytes) {
        return below.readsAsZeros(offsetBytes, lengthBytes);
    }

    @Override
    public void submit(BlockRequest request) {
        int errno = plan.next(request);
        if (errno == Errno.OK) {
            below.submit(request);
        } else {
            request.loop().execute(() -> request.complete(errno));
        }
    }

    @Override
    public void close() {
        below.close();
    }

    @Override
    public String toString() {
        return below + " with faults: " + plan;
    }
}
