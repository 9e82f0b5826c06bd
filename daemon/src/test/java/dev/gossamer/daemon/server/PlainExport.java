package dev.gossamer.daemon.server;

import dev.gossamer.daemon.server.export.OpenExport;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.thin.ReadLayout;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;
import java.util.function.IntConsumer;
import java.util.function.LongPredicate;

/** An export whose mappings are what the test says. */
final class PlainExport implements OpenExport {
    private static final int STEP_BYTES = 4096;

    private final BlockDevice device;
    private final LongPredicate hole;
    private final RateGate rates;

    PlainExport(BlockDevice device, LongPredicate hole, RateGate rates) {
        this.rates = rates;
        this.device = device;
        this.hole = hole;
    }

    @Override
    public BlockDevice device() {
        return device;
    }

    @Override
    public RateGate rates() {
        return rates;
    }

    @Override
    public String name() {
        return "disk";
    }

    @Override
    public String key() {
        return name();
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
    public void layout(IoLoop loop, long offsetBytes, long lengthBytes, ReadLayout layout) {
        layout.begin(offsetBytes);
        long end = offsetBytes + lengthBytes;
        for (long position = offsetBytes; position < end; position = (position / STEP_BYTES + 1) * STEP_BYTES) {
            layout.add(Math.min(end, (position / STEP_BYTES + 1) * STEP_BYTES), hole.test(position));
        }
        layout.finish();
    }

    @Override
    public void prefetch(IoLoop loop, long offsetBytes, long lengthBytes, IntConsumer answered) {
        answered.accept(Errno.OK);
    }

    @Override
    public void abandon() {}

    @Override
    public void close() {
        device.close();
    }
}
