package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;

/** Lets everything through to another device; a subclass changes what it is about. */
public abstract class ForwardingDevice implements BlockDevice {
    protected final BlockDevice below;

    protected ForwardingDevice(BlockDevice below) {
        this.below = below;
    }

    @Override
    public String identityName() {
        return below.identityName();
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
        below.submit(request);
    }

    @Override
    public void abandon() {
        below.abandon();
    }

    @Override
    public void close() {
        below.close();
    }
}
