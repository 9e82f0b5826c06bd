package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import java.util.List;

/** Notes every request on its way to another device. Several recorders can share one list, which gives the order. */
public final class Recorder extends ForwardingDevice {
    private final String name;
    private final List<Event> events;

    /** @param events where to add; guarded by its own lock, so read it when nothing is under way */
    public Recorder(String name, BlockDevice below, List<Event> events) {
        super(below);
        this.name = name;
        this.events = events;
    }

    public List<Event> events() {
        return events;
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
    public String toString() {
        return name;
    }
}
