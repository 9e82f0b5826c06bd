package dev.gossamer.thin;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockRequest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/** Keeps requests of one kind back until told. */
final class SlowDisk implements BlockDevice {
    private final BlockDevice disk;
    private final Deque<BlockRequest> held = new ArrayDeque<>();
    Predicate<BlockRequest> holds = r -> false;

    SlowDisk(BlockDevice disk) {
        this.disk = disk;
    }

    @Override
    public BlockGeometry geometry() {
        return disk.geometry();
    }

    @Override
    public boolean readsAsZeros(long offsetBytes, long lengthBytes) {
        return disk.readsAsZeros(offsetBytes, lengthBytes);
    }

    @Override
    public void submit(BlockRequest request) {
        if (holds.test(request)) {
            held.add(request);
        } else {
            disk.submit(request);
        }
    }

    int heldCount() {
        return held.size();
    }

    /** Lets the oldest of the held requests go; others of its kind are held on. */
    void letGoFirst(SimPool sim) {
        BlockRequest first = held.poll();
        sim.loops.enter(first.loop().index(), () -> disk.submit(first));
        sim.loops.runUntilIdle();
    }

    /** The oldest of the held requests fails, without effect. */
    void failFirst(SimPool sim, int errno) {
        BlockRequest first = held.poll();
        sim.loops.enter(first.loop().index(), () -> first.complete(errno));
        sim.loops.runUntilIdle();
    }

    void letGo(SimPool sim) {
        holds = r -> false;
        for (BlockRequest r = held.poll(); r != null; r = held.poll()) {
            BlockRequest request = r;
            sim.loops.enter(request.loop().index(), () -> disk.submit(request));
        }
        sim.loops.runUntilIdle();
    }

    /** Lets one go, not necessarily the oldest. @return false if there is none */
    boolean letGoOne(SimPool sim, SplittableRandom random) {
        if (held.isEmpty()) {
            return false;
        }
        for (int skip = random.nextInt(held.size()); skip > 0; skip--) {
            held.add(held.poll());
        }
        BlockRequest request = held.poll();
        sim.loops.enter(request.loop().index(), () -> disk.submit(request));
        return true;
    }

    @Override
    public void close() {
        disk.close();
    }
}
