package dev.gossamer.thin.device;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.worker.WorkerQueue;
import java.util.Collection;

/**
 * The cells of a pool: which blocks are held, who waits for them, and what is to be started when all that came together
 * has been looked at. What any of them throws is that one's, and a bug of the pool's. Worker's thread.
 */
public final class Cells {
    private final PoolFaults faults;
    private final WorkerQueue queue;
    // Held and not begun, linked.
    private Cell firstToStart;
    private Cell lastToStart;
    // Of all devices, on their way to be answered.
    private final RequestQueue ending = new RequestQueue();
    // Who closes the pool, alone.
    private Runnable whenIdle;
    private Runnable startLast = () -> {};
    // By cells.
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
        startLast = task;
    }

    /** Holds a block until {@link #release}. If that throws it is not held. */
    public void hold(Cell cell) {
        cell.device.cells().hold(cell);
        held++;
    }

    /** Holds a block, and starts the work when the turn ends: until then others may join. */
    public void holdToStart(Cell cell) {
        hold(cell);
        if (firstToStart == null) {
            firstToStart = cell;
        } else {
            lastToStart.nextToStart = cell;
        }
        lastToStart = cell;
    }

    /** The work on a block is done: trims that waited for it go on, and so does who waited in the cell. */
    public void release(Cell cell) {
        if (!cell.markReleased()) {
            return;
        }
        ThinDevice device = cell.device;
        device.cells().release(cell);
        held--;
        try {
            readmitTrims(device, cell.virtualBlock);
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
        }
        readmit(cell.waiting);
        try {
            Runnable clear = device.cells().takeWhenClear(cell.virtualBlock);
            if (clear != null) {
                faults.run(clear);
            }
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
        }
        tellIdle(device);
    }

    private void readmitTrims(ThinDevice device, long block) {
        for (RequestQueue ready = device.cells().takeTrim(block);
                ready != null;
                ready = device.cells().takeTrim(block)) {
            // What is readmitted may queue again, at the end.
            readmit(ready);
        }
    }

    private void tellIdle(ThinDevice device) {
        while (device.cells().isAwaited() && device.cells().isIdle()) {
            faults.run(device.cells().takeWhenIdle());
        }
        if (held == 0 && whenIdle != null) {
            Runnable task = whenIdle;
            whenIdle = null;
            faults.run(task);
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
        range.waitUntilClear(whenClear);
        if (!of.isHeld(range.from, range.to)) {
            faults.run(range.takeWhenClear());
        }
    }

    /** Ends a job's hold; who waited is looked at by {@link #released} only, once the map shows the truth again. */
    public void release(HeldRange range) {
        range.device.cells().release(range);
    }

    /** Lets those go on who waited for a range that was released, and for the device to be idle. */
    public void released(HeldRange range) {
        readmit(range.waiting);
        tellIdle(range.device);
    }

    /** Starts what is held and has not begun. */
    public void startAll() {
        // A cell may be done before its start returns, and let others in.
        while (firstToStart != null) {
            Cell cell = firstToStart;
            firstToStart = cell.nextToStart;
            cell.nextToStart = null;
            cell.begin();
        }
        faults.run(startLast);
    }

    /** Answers all requests that wait for a block, a barrier or a job: what they wait for is of no use to them. */
    public void fail(Collection<ThinDevice> devices, int errno) {
        for (ThinDevice device : devices) {
            device.cells().takeWaiting(ending);
        }
        queue.handBackAll(ending, errno);
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

    /** Runs a task now, or else as soon as no cell of the pool holds a block; a job may. One at a time. */
    public void whenIdle(Runnable task) {
        Invariant.check(whenIdle == null, "two who wait for a pool to be idle");
        if (held == 0) {
            faults.run(task);
        } else {
            whenIdle = task;
        }
    }
}
