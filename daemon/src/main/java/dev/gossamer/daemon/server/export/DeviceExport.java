package dev.gossamer.daemon.server.export;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.thin.ReadLayout;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;
import java.util.function.IntConsumer;

/** A device without mappings that a client could ask for: all of it is data. */
public final class DeviceExport implements OpenExport {
    private static final StatusContext[] NO_CONTEXTS = {};

    private final String name;
    private final BlockDevice device;
    private final RateGate rates = new RateGate();

    public DeviceExport(String name, BlockDevice device) {
        this.name = name;
        this.device = device;
    }

    @Override
    public BlockDevice device() {
        return device;
    }

    /** No limit: there is nothing that would keep it. */
    @Override
    public RateGate rates() {
        return rates;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String key() {
        return "device " + name;
    }

    @Override
    public boolean uses(String volume) {
        return name.equals(volume);
    }

    @Override
    public StatusContext[] contexts() {
        return NO_CONTEXTS;
    }

    @Override
    public void queryStatus(StatusQuery query) {
        throw new IllegalStateException("BLOCK_STATUS without a context passed the request checks");
    }

    @Override
    public void layout(IoLoop loop, long offsetBytes, long lengthBytes, ReadLayout layout) {
        layout.begin(offsetBytes);
        layout.add(offsetBytes + lengthBytes, false);
        layout.finish();
    }

    @Override
    public void prefetch(IoLoop loop, long offsetBytes, long lengthBytes, IntConsumer answered) {
        answered.accept(Errno.OK);
    }

    @Override
    public void abandon() {
        device.abandon();
    }

    @Override
    public void close() {
        device.close();
    }
}
