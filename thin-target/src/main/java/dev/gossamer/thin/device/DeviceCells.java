package dev.gossamer.thin.device;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.thin.extent.ExtentMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the worker holds of one device: its cells by virtual block (rule L-1), the trims that wait for some of them
 * (L-8), and, behind a barrier, all writes and trims (MSG-6). {@link Cells} holds and releases. Worker's thread.
 */
public final class DeviceCells {
    private final int blockBytes;
    private final Map<Long, Cell> held = new HashMap<>();
    // The lists are nearly always empty and asked for each request: so by index, not by an iterator.
    // Seldom more than one.
    private final List<QueuedTrim> queuedTrims = new ArrayList<>();
    // Of jobs: at most a job's step has of one device.
    private final List<HeldRange> ranges = new ArrayList<>();
    private final List<Runnable> whenIdle = new ArrayList<>();
    private final RequestQueue behindBarrier = new RequestQueue();
    private boolean barrier;

    DeviceCells(int blockBytes) {
        this.blockBytes = blockBytes;
    }

    /** The cell that holds a block; null if none does. */
    public Cell at(long block) {
        return held.get(block);
    }

    /** Whether no block is held, by a cell or by a job. */
    boolean isIdle() {
        return held.isEmpty() && ranges.isEmpty();
    }

    /** Whether a job holds one of the blocks from {@code from} up to {@code to}, exclusive. */
    public boolean isHeldByJob(long from, long to) {
        for (int i = 0; i < ranges.size(); i++) {
            if (ranges.get(i).meets(from, to)) {
                return true;
            }
        }
        return false;
    }

    /** Makes a request that changes blocks wait for the job that holds them. @return false if there is none */
    public boolean waitForJob(BlockRequest request) {
        for (int i = 0; i < ranges.size(); i++) {
            if (ranges.get(i).keep(request)) {
                return true;
            }
        }
        return false;
    }

    /** Whether one of the blocks from {@code from} up to {@code to}, exclusive, is held. */
    public boolean isHeld(long from, long to) {
        for (Cell cell : held.values()) {
            if (cell.virtualBlock >= from && cell.virtualBlock < to) {
                return true;
            }
        }
        return false;
    }

    /** What loops may see of a region that was read from the mapping tree: blocks locked that a cell keeps them off. */
    public long[] shownIn(long regionNumber, long[] region) {
        long[] shown = region;
        for (Cell cell : held.values()) {
            if (ExtentMap.regionOf(cell.virtualBlock) == regionNumber) {
                shown = cell.shownIn(shown);
            }
        }
        for (HeldRange range : ranges) {
            shown = range.shownIn(regionNumber, shown);
        }
        return shown;
    }

    /** Keeps a trim until no block of its range is held. */
    public void queue(QueuedTrim trim) {
        queuedTrims.add(trim);
    }

    /** Makes a request that changes blocks wait behind a queued trim of these. @return false if there is none */
    public boolean queueBehindTrim(BlockRequest request) {
        if (request.operation() != BlockOperation.READ) {
            for (int i = 0; i < queuedTrims.size(); i++) {
                QueuedTrim trim = queuedTrims.get(i);
                if (trim.meets(request, blockBytes)) {
                    trim.waiting.add(request);
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether a snapshot is being taken, or a rollback is under way. */
    public boolean isBehindBarrier() {
        return barrier;
    }

    /** Makes a request that changes blocks wait for the barrier to go. @return false if there is none */
    public boolean holdBack(BlockRequest request) {
        if (!barrier || request.operation() == BlockOperation.READ) {
            return false;
        }
        behindBarrier.add(request);
        return true;
    }

    void raiseBarrier() {
        barrier = true;
    }

    /** Ends holding back. */
    void lowerBarrier() {
        barrier = false;
    }

    /** What was held back, to be looked at again once all devices of the barrier are free. */
    public RequestQueue behindBarrier() {
        return behindBarrier;
    }

    /** Takes all requests that wait for something here. What cells work for is not among them. */
    void takeWaiting(RequestQueue taken) {
        behindBarrier.moveTo(taken);
        while (!queuedTrims.isEmpty()) {
            QueuedTrim trim = queuedTrims.removeLast();
            taken.add(trim.request);
            trim.waiting.moveTo(taken);
        }
        for (int i = 0; i < ranges.size(); i++) {
            ranges.get(i).waiting.moveTo(taken);
        }
        for (Cell cell : held.values()) {
            cell.waiting.moveTo(taken);
        }
    }

    // ---- for Cells -----------------------------------------------------------------------------------------------

    void hold(Cell cell) {
        try {
            held.put(cell.key, cell);
        } catch (Throwable noMemory) {
            held.remove(cell.key); // a table that cannot grow has the entry by then
            throw noMemory;
        }
    }

    void release(Cell cell) {
        held.remove(cell.key);
    }

    void hold(HeldRange range) {
        ranges.add(range);
    }

    void release(HeldRange range) {
        ranges.remove(range);
    }

    /** The task that waits for a range in which this block was the last that a cell held; null if there is none. */
    Runnable takeWhenClear(long releasedBlock) {
        for (int i = 0; i < ranges.size(); i++) {
            HeldRange range = ranges.get(i);
            if (range.meets(releasedBlock, releasedBlock + 1) && !isHeld(range.from, range.to)) {
                return range.takeWhenClear();
            }
        }
        return null;
    }

    /**
     * Takes a trim that waited for a block and for no other: itself first, then who waited behind it. Null if there is
     * none.
     */
    RequestQueue takeTrim(long releasedBlock) {
        for (int i = 0; i < queuedTrims.size(); i++) {
            QueuedTrim trim = queuedTrims.get(i);
            if (trim.contains(releasedBlock) && !isHeld(trim.fromBlock, trim.toBlock)) {
                RequestQueue ready = new RequestQueue();
                queuedTrims.remove(i);
                ready.add(trim.request);
                trim.waiting.moveTo(ready);
                return ready;
            }
        }
        return null;
    }

    void addWhenIdle(Runnable task) {
        whenIdle.add(task);
    }

    /** Whether a task waits until no block is held. */
    boolean isAwaited() {
        return !whenIdle.isEmpty();
    }

    /** Takes the task that waits longest for that. */
    Runnable takeWhenIdle() {
        return whenIdle.removeFirst();
    }
}
