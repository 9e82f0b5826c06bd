package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;

/** Lets requests through to another device, except those that its {@link FaultPlan} fails: these do nothing. */
public final class FaultyDevice extends ForwardingDevice {
    private final FaultPlan plan;

    public FaultyDevice(BlockDevice below, FaultPlan plan) {
        super(below);
        this.plan = plan;
    }

    public FaultPlan plan() {
        return plan;
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
    public String toString() {
        return below + " with faults: " + plan;
    }
}
