package dev.gossamer.io.sim;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Predicate;

/** Keeps requests of one kind back until told. */
public final class SlowDisk extends ForwardingDevice {
    private final Deque<BlockRequest> held = new ArrayDeque<>();
    private Predicate<BlockRequest> holds = r -> false;

    public SlowDisk(BlockDevice disk) {
        super(disk);
    }

    /** From now on requests of this kind are kept back; those that are held stay. */
    public void hold(Predicate<BlockRequest> which) {
        holds = which;
    }

    @Override
    public void submit(BlockRequest request) {
        if (holds.test(request)) {
            held.add(request);
        } else {
            below.submit(request);
        }
    }

    /** Oldest first. */
    public List<BlockRequest> held() {
        return List.copyOf(held);
    }

    public int heldCount() {
        return held.size();
    }

    /** Lets one go, the others stay. On its loop. */
    public void release(BlockRequest request) {
        held.remove(request);
        below.submit(request);
    }

    /** Lets all go and holds none any more. On the loop of all of them. */
    public void releaseAll() {
        holds = r -> false;
        for (BlockRequest r = held.poll(); r != null; r = held.poll()) {
            below.submit(r);
        }
    }

    /** Lets the oldest go, and runs everything; others of its kind are held on. */
    public void letGoFirst(SimHarness sim) {
        BlockRequest first = held.poll();
        sim.loops.enter(first.loop().index(), () -> below.submit(first));
        sim.loops.runUntilIdle();
    }

    /** The oldest fails, without effect. */
    public void failFirst(SimHarness sim, int errno) {
        BlockRequest first = held.poll();
        sim.loops.enter(first.loop().index(), () -> first.complete(errno));
        sim.loops.runUntilIdle();
    }

    /** Lets all go, holds none any more, and runs everything. */
    public void letGo(SimHarness sim) {
        holds = r -> false;
        for (BlockRequest r = held.poll(); r != null; r = held.poll()) {
            BlockRequest request = r;
            sim.loops.enter(request.loop().index(), () -> below.submit(request));
        }
        sim.loops.runUntilIdle();
    }

    /** Lets one go, not necessarily the oldest. @return false if there is none */
    public boolean letGoOne(SimHarness sim, SplittableRandom random) {
        if (held.isEmpty()) {
            return false;
        }
        BlockRequest request = held().get(random.nextInt(held.size()));
        sim.loops.enter(request.loop().index(), () -> release(request));
        return true;
    }

    @Override
    public String toString() {
        return "slow " + below;
    }
}
