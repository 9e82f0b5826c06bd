package dev.gossamer.thin.job;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.HeldRange;
import dev.gossamer.thin.map.MapPublisher;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * Gives jobs hold of ranges of volumes, so that what is mapped there, and what it holds, stands still (CL-2, CL-3).
 * Worker's thread.
 *
 * <ol>
 *   <li>All ranges of a step are taken in one go, or none: while one of them meets another job's, or its volume's
 *       contents are at rest for a snapshot, or the volume is getting another size, the job waits with nothing in its
 *       hands. So no two jobs wait for each other, nor a job and a snapshot, in whatever order they name their ranges.
 *   <li>From then on no write or trim begins there. Those that have begun do end: blocks in preparation are waited for,
 *       then the loops' requests in flight, after the map has told them to keep off. They wait for no job.
 *   <li>At the end the map shows what there is then, and who waited is looked at again. Not when the pool is being
 *       closed: nobody looks at maps any more, and the metadata may be closed already.
 * </ol>
 */
public class RangeLocks {
    /** Between looks at whether a volume is free that a snapshot or a resize has. */
    private static final long RETRY_NANOS = 5_000_000L;

    private record Wish(List<HeldRange> ranges, Runnable whenHeld) {
        boolean isFree() {
            for (HeldRange range : ranges) {
                boolean taken = range.device.cells().isHeldByJob(range.from, range.to);
                if (taken || range.device.cells().isBehindBarrier() || range.device.isResizing()) {
                    return false;
                }
            }
            return true;
        }
    }

    private final IoLoop loop;
    private final Cells cells;
    private final MapPublisher maps;
    private final RequestsInFlight inFlight;
    // One for each job, at most.
    private final ArrayDeque<Wish> waiting = new ArrayDeque<>();
    private boolean timerArmed;
    // Set when the pool is being closed; told of each that waits in vain from then on.
    private Runnable inVain;
    private int waitingInVain;

    public RangeLocks(IoLoop loop, Cells cells, MapPublisher maps, RequestsInFlight inFlight) {
        this.loop = loop;
        this.cells = cells;
        this.maps = maps;
        this.inFlight = inFlight;
    }

    /**
     * Takes hold of ranges, none of which overlaps another.
     *
     * @param whenHeld run, perhaps before this returns, once everything there has come to rest; never if the pool is
     *     closed before
     */
    public void acquire(List<HeldRange> ranges, Runnable whenHeld) {
        if (inVain != null) {
            waitingInVain++;
            inVain.run();
            return;
        }
        waiting.add(new Wish(ranges, whenHeld));
        lookAgain();
    }

    /** Whether somebody waits for a hold. */
    boolean isAwaited() {
        return !waiting.isEmpty();
    }

    /** Ends holds that have been {@link #acquire acquired}. */
    public void release(List<HeldRange> ranges) {
        for (HeldRange range : ranges) {
            cells.release(range);
        }
        if (inVain == null) {
            for (HeldRange range : ranges) {
                maps.reload(range.device, range.from, range.to);
            }
        }
        for (HeldRange range : ranges) {
            cells.released(range);
        }
        lookAgain();
    }

    /**
     * Nobody gets a hold any more; those that there are end as they would.
     *
     * @param told whenever another one waits in vain from now on
     */
    void close(Runnable told) {
        inVain = told;
        waitingInVain = waiting.size();
        waiting.clear();
    }

    /** How many wait for a hold that they will not get, as the pool is being closed. */
    int waitingInVain() {
        return waitingInVain;
    }

    private void lookAgain() {
        List<Wish> granted = new ArrayList<>();
        for (Iterator<Wish> wishes = waiting.iterator(); wishes.hasNext(); ) {
            Wish wish = wishes.next();
            if (wish.isFree()) {
                wishes.remove();
                int[] unclear = {wish.ranges.size()};
                for (HeldRange range : wish.ranges) {
                    cells.hold(range, () -> cleared(wish, unclear));
                }
                if (wish.ranges.isEmpty()) {
                    granted.add(wish);
                }
            }
        }
        granted.forEach(wish -> wish.whenHeld.run());
        if (!waiting.isEmpty() && !timerArmed) {
            timerArmed = true;
            loop.schedule(
                    () -> {
                        timerArmed = false;
                        lookAgain();
                    },
                    RETRY_NANOS);
        }
    }

    private void cleared(Wish wish, int[] unclear) {
        if (--unclear[0] == 0) {
            wish.ranges.forEach(maps::hold);
            inFlight.drain(wish.whenHeld);
        }
    }
}
