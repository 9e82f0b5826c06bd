package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;
import java.util.List;

/** Notes every request on its way to another device. Several recorders can share one list, which gives the order. */
public final class Recorder implements BlockDevice {
    private final String name;
    private final BlockDevice below;
    private final List<Event> events;

    /** @param events where to add; guarded by its own lock, so read it when nothing is under way */
    public Recorder(String name, BlockDevice below, List<Event> events) {
        this.name = name;
        this.below = below;
        this.events = events;
    }

    public List<Event> events() {
        return events;
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
        synchronized (events) {
            events.add(new Event(
                    name,
                    request.operation(),
                    request.offsetBytes(),
                    request.lengthBytes(),
                    request.flags(),
                    events.size()));
        }
        below.submit(request);
    }

    @Override
    public void close() {
        below.close();
    }

    @Override
    public String toString() {
        return name;
    }
}
