package dev.gossamer.thin.device;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.RequestQueue;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The cells of a pool: which blocks are held, who waits for them, and what is to be started when all that came together
 * has been looked at. Worker's thread.
 */
public final class Cells {
    private final ArrayDeque<Cell> toStart = new ArrayDeque<>();
    private final List<Runnable> whenIdle = new ArrayList<>();
    private Runnable lastToStart = () -> {};
    private int held;

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
        if (device.cells().isIdle()) {
            device.cells().takeWhenIdle().forEach(Runnable::run);
        }
        if (held == 0) {
            List<Runnable> tasks = List.copyOf(whenIdle);
            whenIdle.clear();
            tasks.forEach(Runnable::run);
        }
    }

    /** Starts what is held and has not begun. */
    public void startAll() {
        // A cell may be done before its start returns, and let others in.
        for (Cell cell = toStart.poll(); cell != null; cell = toStart.poll()) {
            cell.start();
        }
        lastToStart.run();
    }

    /** Looks at requests again that waited for something. */
    public void readmit(RequestQueue queue) {
        for (BlockRequest r = queue.poll(); r != null; r = queue.poll()) {
            r.parkedBy().admit(r);
        }
        startAll();
    }

    /** Runs a task now, or else as soon as no block of the device is held. */
    public void whenIdle(ThinDevice device, Runnable task) {
        if (device.cells().isIdle()) {
            task.run();
        } else {
            device.cells().addWhenIdle(task);
        }
    }

    /** Runs a task now, or else as soon as no block of the pool is held. */
    public void whenIdle(Runnable task) {
        if (held == 0) {
            task.run();
        } else {
            whenIdle.add(task);
        }
    }
}
