package dev.gossamer.io.worker;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;

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
    private Drain draining;
    // Drains that wait for that one, linked: bounded by what owners change at a time.
    private Drain firstLater;
    private Drain lastLater;

    EpochCount(IoLoop loop) {
        this.loop = loop;
    }

    /** Redirects a request and counts it until it completes. On the loop. */
    void enter(BlockRequest request, long newOffsetBytes) {
        count[epoch]++;
        request.push(leave[epoch], newOffsetBytes);
    }

    /**
     * What a loop is asked for. All that it takes is made here, so that no loop is asked in vain because there is no
     * memory for the next one.
     */
    static final class Drain {
        private final EpochCount count;
        private final Runnable whenDrained;
        private final Wakeup begin;
        private Drain next;

        /** @param whenDrained run on the loop, once every request has completed that entered before; must not throw */
        Drain(EpochCount count, Runnable whenDrained) {
            this.count = count;
            this.whenDrained = whenDrained;
            this.begin = new Wakeup(count.loop, () -> count.drain(this));
        }

        /** Asks the loop; of one that has ended nothing is under way any more. Any thread. Does not throw. */
        void ask() {
            if (!begin.call()) {
                run();
            }
        }

        private void run() {
            count.loop.faults().run(whenDrained);
        }
    }

    /** On the loop. */
    void drain(Drain drain) {
        if (draining != null) {
            if (firstLater == null) {
                firstLater = drain;
            } else {
                lastLater.next = drain;
            }
            lastLater = drain;
            return;
        }
        int old = epoch;
        epoch ^= 1;
        if (count[old] == 0) {
            drain.run();
        } else {
            draining = drain;
        }
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
            Drain done = draining;
            draining = null;
            done.run();
            while (draining == null && firstLater != null) {
                Drain following = firstLater;
                firstLater = following.next;
                following.next = null;
                drain(following);
            }
        }
    }
}
