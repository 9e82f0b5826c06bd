package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;

/** Lets requests through to another device, except those that its {@link FaultPlan} fails, done or not. */
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
        plan.submit(request, below);
    }

    @Override
    public String toString() {
        return below + " with faults: " + plan;
    }
}
