package dev.gossamer.thin.device;

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
    public final RequestQueue waiting = new RequestQueue();

    /** In which incarnation of the metadata the work began; an abort begins a new one, and the work is void (E-2). */
    public final long incarnation;

    protected Cell(ThinDevice device, long virtualBlock, long incarnation) {
        this.incarnation = incarnation;
        this.device = device;
        this.virtualBlock = virtualBlock;
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

    /** Begins the work. The cell stays registered until the worker releases it. */
    protected abstract void start();
}
