package dev.gossamer.thin.device;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.RequestQueue;

/**
 * The exclusive hold on one virtual block while its mapping or contents are being changed (dm's bio-prison cell, rule
 * L-1). Requests that hit the block wait in {@link #waiting} and are looked at again after release.
 *
 * <p>Worker's thread.
 */
public abstract class Cell {
    public final ThinDevice device;
    public final long virtualBlock;

    /** The same, made beforehand: letting go of the block needs no memory. */
    final Long key;

    public final RequestQueue waiting = new RequestQueue();

    /** In which incarnation of the metadata the work began; an abort begins a new one, and the work is void (E-2). */
    public final long incarnation;

    private boolean released;

    /** The one to start after it, while both wait for that. */
    Cell nextToStart;

    protected Cell(ThinDevice device, long virtualBlock, long incarnation) {
        this.incarnation = incarnation;
        this.device = device;
        this.virtualBlock = virtualBlock;
        this.key = virtualBlock;
    }

    /**
     * What loops may see of the block's region, freshly loaded, as long as the cell exists: the block locked, if need
     * be.
     */
    protected long[] shownIn(long[] region) {
        return region;
    }

    /** Takes a request into the work of this cell, if it has not begun. @return false: the request must wait */
    public abstract boolean join(BlockRequest request);

    /** Whether the work is over, and the block free. */
    public final boolean isReleased() {
        return released;
    }

    /** The work is over, and the block free. @return false if it was before */
    final boolean markReleased() {
        boolean first = !released;
        released = true;
        return first;
    }

    /** Begins the work; what that throws breaks it off. */
    public final void begin() {
        try {
            if (!released) {
                start();
            }
        } catch (RuntimeException | Error bug) {
            broken(bug);
        }
    }

    /** A step of the work, as a task: what it throws breaks the work off. */
    protected final Runnable step(Runnable work) {
        return () -> {
            try {
                work.run();
            } catch (RuntimeException | Error bug) {
                broken(bug);
            }
        };
    }

    /** A step of the work, after I/O of the cell: what it throws breaks the work off. */
    protected final BlockCompletion step(BlockCompletion work) {
        return (request, errno) -> {
            try {
                work.complete(request, errno);
            } catch (RuntimeException | Error bug) {
                broken(bug);
            }
        };
    }

    /**
     * A step has thrown this, with no I/O of the cell under way: gives its requests and memory back and has the cell
     * released. The pool is told.
     */
    protected abstract void broken(Throwable bug);

    /** Begins the work. The cell stays registered until the worker releases it. */
    protected abstract void start();
}
