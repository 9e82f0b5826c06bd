package dev.gossamer.io.lvm;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;
import java.util.List;

/** Writes down what comes through to a device. */
record Listening(BlockDevice below, String name, List<String> seen) implements BlockDevice {
    @Override
    public BlockGeometry geometry() {
        return below.geometry();
    }

    @Override
    public void submit(BlockRequest request) {
        seen.add(name + " " + request.operation() + " " + request.offsetBytes() + " " + request.lengthBytes());
        below.submit(request);
    }

    @Override
    public void close() {
        below.close();
    }
}
