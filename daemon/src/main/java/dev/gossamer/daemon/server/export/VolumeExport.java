package dev.gossamer.daemon.server.export;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.thin.ReadLayout;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;
import dev.gossamer.thin.pool.ThinVolume;
import java.util.Arrays;
import java.util.function.IntConsumer;

/** A volume that a client has open, and the states that it compares it with. */
final class VolumeExport implements OpenExport {
    private final ThinVolume volume;
    private final StatusContext[] contexts;

    /** Owns the volume and the contexts. */
    VolumeExport(ThinVolume volume, StatusContext[] contexts) {
        this.volume = volume;
        this.contexts = contexts;
    }

    @Override
    public BlockDevice device() {
        return volume;
    }

    @Override
    public RateGate rates() {
        return volume.rates();
    }

    @Override
    public String name() {
        return volume.name();
    }

    @Override
    public String key() {
        return VolumeExports.key(volume.info());
    }

    @Override
    public boolean uses(String name) {
        return volume.name().equals(name)
                || Arrays.stream(contexts).anyMatch(context -> name.equals(context.baseName()));
    }

    @Override
    public StatusContext[] contexts() {
        return contexts;
    }

    @Override
    public void queryStatus(StatusQuery query) {
        volume.queryStatus(query);
    }

    @Override
    public void layout(IoLoop loop, long offsetBytes, long lengthBytes, ReadLayout layout) {
        volume.layout(loop, offsetBytes, lengthBytes, layout);
    }

    @Override
    public void prefetch(IoLoop loop, long offsetBytes, long lengthBytes, IntConsumer answered) {
        volume.prefetch(loop, offsetBytes, lengthBytes, answered);
    }

    @Override
    public void abandon() {
        volume.abandon();
    }

    @Override
    public void close() {
        closeAll(contexts);
        volume.close();
    }

    /** Gives contexts back; null stands for one that could not be had. */
    static void closeAll(StatusContext[] contexts) {
        for (StatusContext context : contexts) {
            if (context != null) {
                context.close();
            }
        }
    }
}
