package dev.gossamer.io.worker;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import java.util.ArrayDeque;

/**
 * Requests of one loop that are under way below, counted by epoch (dm's deferred set): how the owner of a map learns
 * that nobody uses an old entry any more.
 *
 * <ol>
 *   <li>The owner publishes a map without the entry, then asks each loop to drain. The hand-over orders the two, so
 *       whatever the loop looks up afterwards it looks up in the new map.
 *   <li>The loop starts a new epoch. Requests of the old one are those that may still use the entry.
 *   <li>When the last of them completes, the loop tells the owner.
 * </ol>
 *
 * <p>Two epochs are enough: a drain that arrives while one is under way starts after it. Counting is a plain increment:
 * no fence and no shared cache line. Fields belong to the loop's thread.
 */
final class EpochCount {
    private final IoLoop loop;
    private final BlockCompletion[] leave = {this::leaveEven, this::leaveOdd};
    private final int[] count = new int[2];
    private int epoch;
    private Runnable draining;
    // One entry per drain that owners have under way at once: bounded by what they change at a time.
    private final ArrayDeque<Runnable> laterDrains = new ArrayDeque<>();

    EpochCount(IoLoop loop) {
        this.loop = loop;
    }

    /** Redirects a request and counts it until it completes. On the loop. */
    void enter(BlockRequest request, long newOffsetBytes) {
        count[epoch]++;
        request.push(leave[epoch], newOffsetBytes);
    }

    /** Calls back, on the loop, once every request that entered before has completed. On the loop. */
    void drain(Runnable whenDrained) {
        if (draining != null) {
            laterDrains.add(whenDrained);
            return;
        }
        int old = epoch;
        epoch ^= 1;
        if (count[old] == 0) {
            loop.faults().run(whenDrained);
        } else {
            draining = whenDrained;
        }
    }

    /** Asks the loop to {@link #drain}. Any thread. */
    void requestDrain(Runnable whenDrained) {
        loop.execute(() -> drain(whenDrained));
    }

    private void leaveEven(BlockRequest request, int errno) {
        left(0);
        request.complete(errno);
    }

    private void leaveOdd(BlockRequest request, int errno) {
        left(1);
        request.complete(errno);
    }

    private void left(int itsEpoch) {
        count[itsEpoch]--;
        if (draining != null && count[epoch ^ 1] == 0) {
            Runnable done = draining;
            draining = null;
            loop.faults().run(done);
            while (draining == null && !laterDrains.isEmpty()) {
                drain(laterDrains.poll());
            }
        }
    }
}
