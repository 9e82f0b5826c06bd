package dev.gossamer.thin.device;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.worker.WorkerQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The cells of a pool: which blocks are held, who waits for them, and what is to be started when all that came together
 * has been looked at. What any of them throws is that one's, and a bug of the pool's. Worker's thread.
 */
public final class Cells {
    private final PoolFaults faults;
    private final WorkerQueue queue;
    private final ArrayDeque<Cell> toStart = new ArrayDeque<>();
    private final List<Runnable> whenIdle = new ArrayList<>();
    private Runnable lastToStart = () -> {};
    private int held;

    public Cells(PoolFaults faults, WorkerQueue queue) {
        this.faults = faults;
        this.queue = queue;
    }

    /**
     * Names what starts after the cells of a turn: the work that cells do together. Once, while the pool is put
     * together.
     */
    public void startLast(Runnable task) {
        lastToStart = task;
    }

    /** Holds a block until {@link #release}. */
    public void hold(Cell cell) {
        cell.device.cells().hold(cell);
        held++;
    }

    /** Holds a block, and starts the work when the turn ends: until then others may join. */
    public void holdToStart(Cell cell) {
        hold(cell);
        toStart.add(cell);
    }

    /** The work on a block is done: trims that waited for it go on, and so does who waited in the cell. */
    public void release(Cell cell) {
        if (!cell.markReleased()) {
            return;
        }
        ThinDevice device = cell.device;
        device.cells().release(cell);
        held--;
        for (RequestQueue ready = device.cells().takeTrim(cell.virtualBlock);
                ready != null;
                ready = device.cells().takeTrim(cell.virtualBlock)) {
            // What is readmitted may queue again, at the end.
            readmit(ready);
        }
        readmit(cell.waiting);
        Runnable clear = device.cells().takeWhenClear(cell.virtualBlock);
        if (clear != null) {
            faults.run(clear);
        }
        tellIdle(device);
    }

    private void tellIdle(ThinDevice device) {
        if (device.cells().isAwaited() && device.cells().isIdle()) {
            device.cells().takeWhenIdle().forEach(faults::run);
        }
        if (held == 0 && !whenIdle.isEmpty()) {
            List<Runnable> tasks = List.copyOf(whenIdle);
            whenIdle.clear();
            tasks.forEach(faults::run);
        }
    }

    /**
     * Holds a range for a job: no new cell begins in it.
     *
     * @param whenClear run now, or else as soon as no cell is left
     */
    public void hold(HeldRange range, Runnable whenClear) {
        DeviceCells of = range.device.cells();
        of.hold(range);
        held++;
        if (of.isHeld(range.from, range.to)) {
            range.waitUntilClear(whenClear);
        } else {
            faults.run(whenClear);
        }
    }

    /** Ends a job's hold; who waited is looked at by {@link #released} only, once the map shows the truth again. */
    public void release(HeldRange range) {
        range.device.cells().release(range);
        held--;
    }

    /** Lets those go on who waited for a range that was released, and for the device to be idle. */
    public void released(HeldRange range) {
        readmit(range.waiting);
        tellIdle(range.device);
    }

    /** Starts what is held and has not begun. */
    public void startAll() {
        // A cell may be done before its start returns, and let others in.
        for (Cell cell = toStart.poll(); cell != null; cell = toStart.poll()) {
            cell.begin();
        }
        faults.run(lastToStart);
    }

    /** Looks at requests again that waited for something. */
    public void readmit(RequestQueue requests) {
        for (BlockRequest r = requests.poll(); r != null; r = requests.poll()) {
            queue.admit(r);
        }
        startAll();
    }

    /** Runs a task now, or else as soon as no block of the device is held. */
    public void whenIdle(ThinDevice device, Runnable task) {
        if (device.cells().isIdle()) {
            faults.run(task);
        } else {
            device.cells().addWhenIdle(task);
        }
    }

    /** Runs a task now, or else as soon as no block of the pool is held. */
    public void whenIdle(Runnable task) {
        if (held == 0) {
            faults.run(task);
        } else {
            whenIdle.add(task);
        }
    }
}
