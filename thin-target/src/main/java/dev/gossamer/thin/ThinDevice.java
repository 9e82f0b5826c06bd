package dev.gossamer.thin;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestQueue;
import dev.gossamer.io.order.WriteOrder;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.catalog.OnFull;
import dev.gossamer.thin.catalog.VolumeLimits;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.metadata.DeviceDetails;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The one state object of a thin device (rule T-2); any number of {@link ThinVolume} handles use it.
 *
 * <p>Its fields change through verbs, on the worker's thread; any thread may read what is not marked as the worker's.
 */
final class ThinDevice {
    /** Value of {@link #openCount} once the device is being deleted: no handle can be had any more. */
    private static final int DELETED = -1;

    private final int id;
    private final int blockBytes;
    private final ExtentMap extents;
    private final DeviceCells cells;

    private volatile int snapshottedTime;
    private volatile long changedInTransaction;
    private volatile boolean lostChanges;
    private volatile long sizeBytes;
    private volatile long mappedBlocks;
    private volatile CatalogSlot slot;
    private volatile OriginImage externalOrigin;
    private volatile String damage;

    private int preparingBlocks;

    private final AtomicInteger openCount = new AtomicInteger();
    // Those of the open handles that only keep the device in existence, for others to be compared with.
    private final AtomicInteger baseCount = new AtomicInteger();

    // Made when the device is first opened: a pool may have very many that nobody uses.
    private WriteOrder writeOrder;

    ThinDevice(int id, int blockBytes, long sizeBytes, CatalogSlot slot) {
        this.id = id;
        this.blockBytes = blockBytes;
        this.sizeBytes = sizeBytes;
        this.slot = slot;
        this.extents = new ExtentMap(blocks());
        this.cells = new DeviceCells(blockBytes);
    }

    // ---- any thread ----------------------------------------------------------------------------------------------

    /** The thin device id, 24 bits. */
    int id() {
        return id;
    }

    int blockBytes() {
        return blockBytes;
    }

    /** Mappings that loops may use without asking; the worker publishes them. */
    ExtentMap extents() {
        return extents;
    }

    /** A block mapped at this time or later is exclusive and may be written in place (D-4). */
    int snapshottedTime() {
        return snapshottedTime;
    }

    /** Number of the last transaction that changed a mapping of this device. */
    long changedInTransaction() {
        return changedInTransaction;
    }

    /** Acknowledged changes were lost by an abort: FLUSH and FUA fail until the pool is opened again (G-6). */
    boolean hasLostChanges() {
        return lostChanges;
    }

    /**
     * What is wrong with the device's metadata; null: nothing that anybody has met. It is not changed any more, nor
     * deleted, for what it refers to cannot be told from what others do; what can be read of it is, to be rescued.
     */
    String damage() {
        return damage;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** Mapped blocks, shared ones included. */
    long mappedBlocks() {
        return mappedBlocks;
    }

    /** What the catalog says; null for a device of an adopted pool that nobody has named. */
    CatalogSlot slot() {
        return slot;
    }

    /** What shows through where nothing is mapped; null: zeros do. Changes only while nobody has the device open. */
    OriginImage externalOrigin() {
        return externalOrigin;
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
    boolean isOverExternalOrigin(long fromBytes) {
        OriginImage below = externalOrigin;
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

    /**
     * The order of writes, one for all handles. Any thread.
     *
     * @param ioLoops the pool's, each at its own index
     */
    synchronized WriteOrder writeOrder(List<? extends IoLoop> ioLoops) {
        if (writeOrder == null) {
            writeOrder = new WriteOrder(ioLoops);
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

    /** The device's facts at this moment. */
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
                externalOrigin == null ? null : externalOrigin.record().location(),
                externalOrigin == null ? null : externalOrigin.failure(),
                damage);
    }

    // ---- worker's thread -----------------------------------------------------------------------------------------

    /** What the worker holds of this device. */
    DeviceCells cells() {
        return cells;
    }

    /** The transaction has changed a mapping; comes before the change is published (G-7a). */
    void markChanged(long transaction) {
        changedInTransaction = transaction;
    }

    /** An abort has lost acknowledged changes. */
    void loseChanges() {
        lostChanges = true;
    }

    /** Damage was met in the device's metadata. */
    void damaged(String what) {
        damage = what;
    }

    /** The volume has another size. Published regions are the caller's business. */
    void resized(long newSizeBytes) {
        sizeBytes = newSizeBytes;
    }

    /** The catalog says something else of the device. */
    void recorded(CatalogSlot newSlot) {
        slot = newSlot;
    }

    /** The device is over an external origin, or over none. */
    void putOver(OriginImage origin) {
        externalOrigin = origin;
    }

    /** Takes what the device's record in the metadata says; it cannot have mapped more than the pool's data blocks. */
    void refresh(DeviceDetails details, long dataBlocks) {
        mappedBlocks = Math.min(details.mappedBlocks(), dataBlocks);
        snapshottedTime = details.snapshottedTime();
    }

    /** The device has so many blocks mapped. */
    void countMapped(long blocks) {
        mappedBlocks = blocks;
    }

    /** A block is being prepared that will be mapped where nothing was. */
    void beginProvisioning() {
        preparingBlocks++;
    }

    /** That block is mapped, or given up. */
    void endProvisioning() {
        preparingBlocks--;
    }

    /** Blocks mapped, and being prepared to be mapped: what limits count. */
    long takenBlocks() {
        return mappedBlocks + preparingBlocks;
    }

    /**
     * Makes every block look shared, so that all writes come to the worker, which holds them back. Comes
     * <em>before</em> the loops are drained: every write that saw the old time has ended then.
     */
    void raiseBarrier() {
        cells.raiseBarrier();
        snapshottedTime = Integer.MAX_VALUE;
    }

    /**
     * Lets writes in again.
     *
     * @param details the device's record; null if that cannot be read, which leaves every block looking shared
     * @return what was held back
     */
    RequestQueue lowerBarrier(DeviceDetails details) {
        if (details != null) {
            snapshottedTime = details.snapshottedTime();
        }
        return cells.lowerBarrier();
    }
}
