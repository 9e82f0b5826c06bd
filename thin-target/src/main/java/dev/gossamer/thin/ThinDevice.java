package dev.gossamer.thin;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.order.WriteOrder;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.catalog.OnFull;
import dev.gossamer.thin.catalog.VolumeLimits;
import dev.gossamer.thin.extent.ExtentMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The one state object of a thin device (rule T-2); any number of {@link ThinVolume} handles use it.
 *
 * <p>Volatile fields are written by the worker and read by loops; the others are the worker's alone.
 */
final class ThinDevice {
    /** Value of {@link #openCount} once the device is being deleted: no handle can be had any more. */
    private static final int DELETED = -1;

    final int id;
    private final int blockBytes;

    /** Mappings that loops may use without asking. */
    final ExtentMap extents;

    /**
     * A block mapped at this time or later is exclusive and may be written in place (D-4). Raised by the worker
     * <em>before</em> it drains the loops for a snapshot, so every write that saw the old value has ended when it goes
     * on.
     */
    volatile int snapshottedTime;

    /**
     * Number of the last transaction that changed a mapping of this device; set before the change is published (G-7a).
     */
    volatile long changedInTransaction;

    /** Acknowledged changes were lost by an abort: FLUSH and FUA fail until the pool is opened again (G-6). */
    volatile boolean lostChanges;

    volatile long sizeBytes;
    volatile long mappedBlocks;

    /** Blocks being prepared that will be mapped where nothing was. */
    int preparingBlocks;

    /** What the catalog says; null for a device of an adopted pool that nobody has named. */
    volatile CatalogSlot slot;

    /** What shows through where nothing is mapped; null: zeros do. Changes only while nobody has the device open. */
    volatile OriginImage origin;

    private final AtomicInteger openCount = new AtomicInteger();
    // Those of the open handles that only keep the device in existence, for others to be compared with.
    private final AtomicInteger baseCount = new AtomicInteger();

    /** Blocks being prepared or rewritten, by virtual block (rule L-1). */
    final Map<Long, Cell> cells = new HashMap<>();

    /** Trims that wait for cells in their range (L-8); seldom more than one. */
    final List<QueuedTrim> queuedTrims = new ArrayList<>();

    /** Waiting until {@link #cells} is empty. */
    final List<Runnable> whenIdle = new ArrayList<>();

    /** A snapshot is being taken: writes and trims wait in {@link #held} (MSG-6). */
    boolean barrier;

    final RequestQueue held = new RequestQueue();

    // Made when the device is first opened: a pool may have very many that nobody uses.
    private WriteOrder writeOrder;

    ThinDevice(int id, int blockBytes, long sizeBytes, CatalogSlot slot) {
        this.id = id;
        this.blockBytes = blockBytes;
        this.sizeBytes = sizeBytes;
        this.slot = slot;
        this.extents = new ExtentMap(blocks());
    }

    int blockBytes() {
        return blockBytes;
    }

    /** Virtual blocks, the last one perhaps partly outside the volume. */
    long blocks() {
        return (sizeBytes + blockBytes - 1) / blockBytes;
    }

    /** The export name. */
    String name() {
        CatalogSlot known = slot;
        return known == null ? "thin-" + id : known.name();
    }

    /** First block that lies wholly in a request's range, if {@link #endWholeBlock} is above it. */
    long firstWholeBlock(BlockRequest request) {
        return (request.offsetBytes() + blockBytes - 1) / blockBytes;
    }

    /** The block after the last that lies wholly in a request's range. */
    long endWholeBlock(BlockRequest request) {
        return (request.offsetBytes() + request.lengthBytes()) / blockBytes;
    }

    /** Whether the external origin has bytes in the range: "not mapped" does not mean zeros there. */
    boolean isOverOrigin(long fromBytes) {
        OriginImage below = origin;
        return below != null && fromBytes < below.sizeBytes();
    }

    boolean isReadOnly() {
        CatalogSlot known = slot;
        return known != null && known.readOnly();
    }

    VolumeLimits limits() {
        CatalogSlot known = slot;
        return known == null ? VolumeLimits.NONE : known.limits();
    }

    /** The volume's own policy; null = the pool's. */
    OnFull onFull() {
        return limits().onFull();
    }

    /** The order of writes, one for all handles. Any thread. */
    synchronized WriteOrder writeOrder(PoolLoops loops) {
        if (writeOrder == null) {
            writeOrder = new WriteOrder(loops.all());
        }
        return writeOrder;
    }

    /** Counts a new handle. @return false if the device is being deleted */
    boolean open() {
        return openCount.getAndUpdate(n -> n == DELETED ? n : n + 1) != DELETED;
    }

    void close() {
        openCount.decrementAndGet();
    }

    /** Counts a new handle of somebody who compares another volume with this one. @return as {@link #open} */
    boolean openAsBase() {
        boolean opened = open();
        if (opened) {
            baseCount.incrementAndGet();
        }
        return opened;
    }

    void closeAsBase() {
        baseCount.decrementAndGet();
        close();
    }

    /** How many of the open handles are for comparing. */
    int baseCount() {
        return baseCount.get();
    }

    /** Bars further handles, if there is none now. */
    boolean closeForDeletion() {
        return openCount.compareAndSet(0, DELETED);
    }

    /** Lifts {@link #closeForDeletion} after the deletion failed. */
    void reopen() {
        openCount.compareAndSet(DELETED, 0);
    }

    int openCount() {
        return Math.max(0, openCount.get());
    }

    VolumeInfo info() {
        CatalogSlot known = slot;
        return new VolumeInfo(
                id,
                known == null ? null : known.uuid(),
                name(),
                sizeBytes,
                mappedBlocks * blockBytes,
                isReadOnly(),
                known == null ? -1 : known.originId(),
                known == null ? null : known.createdAt(),
                openCount(),
                limits(),
                origin == null ? null : origin.record().location(),
                origin == null ? null : origin.failure());
    }
}
