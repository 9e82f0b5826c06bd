package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/** Keeps requests of one kind back until told. */
final class SlowDisk implements BlockDevice {
    private final BlockDevice disk;
    private final List<BlockRequest> held = new ArrayList<>();
    private Predicate<BlockRequest> holds = r -> false;

    SlowDisk(BlockDevice disk) {
        this.disk = disk;
    }

    void hold(Predicate<BlockRequest> which) {
        holds = which;
    }

    List<BlockRequest> held() {
        return held;
    }

    /** Lets one go, the others stay. */
    void release(BlockRequest request) {
        held.remove(request);
        disk.submit(request);
    }

    void releaseAll() {
        holds = r -> false;
        List<BlockRequest> all = List.copyOf(held);
        held.clear();
        all.forEach(disk::submit);
    }

    @Override
    public BlockGeometry geometry() {
        return disk.geometry();
    }

    @Override
    public void submit(BlockRequest request) {
        if (holds.test(request)) {
            held.add(request);
        } else {
            disk.submit(request);
        }
    }

    @Override
    public void close() {
        disk.close();
    }

    @Override
    public String toString() {
        return "slow " + disk;
    }
}
