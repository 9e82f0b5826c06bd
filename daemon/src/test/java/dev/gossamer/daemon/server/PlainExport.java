package dev.gossamer.daemon.server;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.IoLoop;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;

/** An export without mappings: all of it is data. */
final class PlainExport implements OpenExport {
    private final BlockDevice device;

    PlainExport(BlockDevice device) {
        this.device = device;
    }

    @Override
    public BlockDevice device() {
        return device;
    }

    @Override
    public String name() {
        return "disk";
    }

    @Override
    public boolean uses(String volume) {
        return volume.equals(name());
    }

    @Override
    public StatusContext[] contexts() {
        return new StatusContext[0];
    }

    @Override
    public void queryStatus(StatusQuery query) {
        throw new AssertionError("no context was offered");
    }

    @Override
    public boolean isHole(IoLoop loop, long offsetBytes, long lengthBytes) {
        return false;
    }

    @Override
    public void close() {
        device.close();
    }
}
