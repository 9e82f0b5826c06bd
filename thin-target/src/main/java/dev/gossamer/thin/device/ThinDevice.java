package dev.gossamer.thin.device;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.order.WriteOrder;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.account.PoolAccount;
import dev.gossamer.thin.account.VolumeAccount;
import dev.gossamer.thin.catalog.CatalogSlot;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.metadata.DeviceDetails;
import dev.gossamer.thin.metadata.OwnBlocks;
import dev.gossamer.thin.metadata.OwnCounts;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The one state object of a thin device (rule T-2); any number of {@code ThinVolume} handles use it.
 *
 * <p>Its fields change through verbs, on the worker's thread; any thread may read what is not marked as the worker's.
 */
public final class ThinDevice implements StatusContext.Base {
    /** Value of {@link #openCount} once the device is being deleted: no handle can be had any more. */
    private static final int DELETED = -1;

    private final int id;
    private final int blockBytes;
    private final ExtentMap extents;
    private final DeviceCells cells;
    private final RateGate rateGate = new RateGate();

    private volatile int snapshottedTime;
    private volatile long changedInTransaction;
    private volatile boolean lostChanges;
    private volatile long sizeBytes;
    private volatile long mappedBlocks;
    private volatile CatalogSlot slot;
    private volatile OriginImage externalOrigin;
    private volatile String damage;
    private volatile boolean barred;

    private int preparingBlocks;
    // What it has been promised of the pool's space; null: it is not one of a pool yet.
    private volatile VolumeAccount account;
    private boolean resizing;
    private boolean detaching;

    private final AtomicInteger openCount = new AtomicInteger();
    // Those of the open handles that only keep the device in existence, for others to be compared with.
    private final AtomicInteger baseCount = new AtomicInteger();
    // Those that are jobs'.
    private final AtomicInteger jobCount = new AtomicInteger();

    // Made when the device is first opened: a pool may have very many that nobody uses.
    private WriteOrder writeOrder;

    public ThinDevice(int id, int blockBytes, long sizeBytes, CatalogSlot slot) {
        this.id = id;
        this.blockBytes = blockBytes;
        this.sizeBytes = sizeBytes;
        this.slot = slot;
        this.extents = new ExtentMap(blocks());
        this.cells = new DeviceCells(blockBytes);
        rateGate.set(rates());
    }

    // ---- any thread ----------------------------------------------------------------------------------------------

    /** The thin device id, 24 bits. */
    @Override
    public int id() {
        return id;
    }

    public int blockBytes() {
        return blockBytes;
    }

    /** Mappings that loops may use without asking; the worker publishes them. */
    public ExtentMap extents() {
        return extents;
    }

    /** A block mapped at this time or later is exclusive and may be written in place (D-4). */
    public int snapshottedTime() {
        return snapshottedTime;
    }

    /** Number of the last transaction that changed a mapping of this device. */
    public long changedInTransaction() {
        return changedInTransaction;
    }

    /** Acknowledged changes were lost by an abort: FLUSH and FUA fail until the pool is opened again (G-6). */
    public boolean hasLostChanges() {
        return lostChanges;
    }

    /**
     * What is wrong with the device's metadata; null: nothing that anybody has met. It is not changed any more, nor
     * deleted, for what it refers to cannot be told from what others do; what can be read of it is, to be rescued.
     */
    public String damage() {
        return damage;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    /** Mapped blocks, shared ones included. */
    public long mappedBlocks() {
        return mappedBlocks;
    }

    /** What the catalog says; null for a device of an adopted pool that nobody has named. */
    public CatalogSlot slot() {
        return slot;
    }

    /** What shows through where nothing is mapped; null: zeros do. Any loop may see it go at any time. */
    public OriginImage externalOrigin() {
        return externalOrigin;
    }

    /** Virtual blocks, the last one perhaps partly outside the volume. */
    public long blocks() {
        return (sizeBytes + blockBytes - 1) / blockBytes;
    }

    /** The export name. */
    @Override
    public String name() {
        CatalogSlot known = slot;
        return known == null ? "thin-" + id : known.name();
    }

    /** First block that lies wholly in a request's range, if {@link #endWholeBlock} is above it. */
    public long firstWholeBlock(BlockRequest request) {
        return (request.offsetBytes() + blockBytes - 1) / blockBytes;
    }

    /** The block after the last that lies wholly in a request's range. */
    public long endWholeBlock(BlockRequest request) {
        return (request.offsetBytes() + request.lengthBytes()) / blockBytes;
    }

    /** Whether the external origin has bytes in the range: "not mapped" does not mean zeros there. */
    public boolean isOverExternalOrigin(long fromBytes) {
        OriginImage below = externalOrigin;
        return below != null && fromBytes < below.sizeBytes();
    }

    public boolean isReadOnly() {
        CatalogSlot known = slot;
        return known != null && known.readOnly();
    }

    public VolumeLimits limits() {
        CatalogSlot known = slot;
        return known == null ? VolumeLimits.NONE : known.limits();
    }

    /** What clients may do with it in a second. */
    public IoRates rates() {
        CatalogSlot known = slot;
        return known == null ? IoRates.NONE : known.rates();
    }

    /** Keeps the rates, for all handles. */
    public RateGate rateGate() {
        return rateGate;
    }

    /** The volume's own policy; null = the pool's. */
    public OnFull onFull() {
        return limits().onFull();
    }

    /**
     * The order of writes, one for all handles. Any thread.
     *
     * @param ioLoops the pool's, each at its own index
     */
    public synchronized WriteOrder writeOrder(List<? extends IoLoop> ioLoops) {
        if (writeOrder == null) {
            writeOrder = new WriteOrder(ioLoops);
        }
        return writeOrder;
    }

    /** Counts a new handle. @return false if the device is being deleted */
    public boolean open() {
        return openCount.getAndUpdate(n -> n == DELETED ? n : n + 1) != DELETED;
    }

    public void close() {
        openCount.decrementAndGet();
    }

    /** Counts a new handle of somebody who compares another volume with this one. @return as {@link #open} */
    public boolean openAsBase() {
        boolean opened = open();
        if (opened) {
            baseCount.incrementAndGet();
        }
        return opened;
    }

    @Override
    public void closeAsBase() {
        baseCount.decrementAndGet();
        close();
    }

    /** How many of the open handles are for comparing. */
    public int baseCount() {
        return baseCount.get();
    }

    /**
     * Counts a job that works on the device: it is neither deleted nor rolled back meanwhile. @return as {@link #open}
     */
    public boolean openForJob() {
        boolean opened = open();
        if (opened) {
            jobCount.incrementAndGet();
        }
        return opened;
    }

    public void closeForJob() {
        jobCount.decrementAndGet();
        close();
    }

    /** How many of the open handles are jobs'. */
    public int jobCount() {
        return jobCount.get();
    }

    /** Bars further handles, if there is none now. */
    public boolean closeForDeletion() {
        return openCount.compareAndSet(0, DELETED);
    }

    /** Lifts {@link #closeForDeletion} after the deletion failed. */
    public void reopen() {
        openCount.compareAndSet(DELETED, 0);
    }

    public int openCount() {
        return Math.max(0, openCount.get());
    }

    private long ownBytes() {
        VolumeAccount known = account;
        long blocks = known == null ? OwnBlocks.UNKNOWN : known.own().known();
        return blocks == OwnBlocks.UNKNOWN ? blocks : blocks * blockBytes;
    }

    /** The device's facts at this moment. */
    public VolumeInfo info() {
        CatalogSlot known = slot;
        return new VolumeInfo(
                id,
                known == null ? null : known.uuid(),
                name(),
                sizeBytes,
                mappedBlocks * blockBytes,
                ownBytes(),
                promiseOf(limits()) * blockBytes,
                isReadOnly(),
                known == null ? -1 : known.originId(),
                known == null ? null : known.createdAt(),
                Math.max(0, openCount() - jobCount()),
                limits(),
                rates(),
                rateGate.waits(),
                externalOrigin == null ? null : externalOrigin.record().location(),
                externalOrigin == null ? null : externalOrigin.failure(),
                damage);
    }

    // ---- worker's thread -----------------------------------------------------------------------------------------

    /** What the worker holds of this device. */
    public DeviceCells cells() {
        return cells;
    }

    /** The transaction has changed a mapping; comes before the change is published (G-7a). */
    public void markChanged(long transaction) {
        changedInTransaction = transaction;
    }

    /** An abort has lost acknowledged changes. */
    public void loseChanges() {
        lostChanges = true;
    }

    /** Whether not even what can be read of the damaged device may be: it may be another's. */
    public boolean isBarred() {
        return barred;
    }

    /** Nothing of the device's metadata can be believed. */
    public void bar() {
        barred = true;
    }

    /** Damage was met in the device's metadata. */
    public void damaged(String what) {
        damage = what;
    }

    /** The volume is getting another size, in several steps. */
    public void beginResize() {
        resizing = true;
    }

    public void endResize() {
        resizing = false;
    }

    public boolean isResizing() {
        return resizing;
    }

    /** What shows through from the external origin is being copied: from now on nothing is unmapped over it. */
    public void beginDetaching() {
        detaching = true;
    }

    public void endDetaching() {
        detaching = false;
    }

    public boolean isDetaching() {
        return detaching;
    }

    /** The volume has another size. Published regions are the caller's business. */
    public void resized(long newSizeBytes) {
        sizeBytes = newSizeBytes;
        updatePromise();
    }

    /** The catalog says something else of the device. */
    public void recorded(CatalogSlot newSlot) {
        slot = newSlot;
        rateGate.set(rates());
        updatePromise();
    }

    /** The device is over an external origin, or over none. */
    public void putOver(OriginImage origin) {
        externalOrigin = origin;
    }

    /** Takes what the device's record in the metadata says, as far as it can be. */
    public void refresh(DeviceDetails details, long dataBlocks) {
        mappedBlocks = possiblyMapped(details, dataBlocks);
        snapshottedTime = details.snapshottedTime();
    }

    /**
     * As {@link #refresh}, of a device that a snapshot may be waiting for: then every block goes on looking shared.
     */
    public void sharesAnew(DeviceDetails details, long dataBlocks) {
        countMapped(possiblyMapped(details, dataBlocks));
        if (!cells.isBehindBarrier()) {
            snapshottedTime = details.snapshottedTime();
        }
    }

    /**
     * What is mapped has a place in the volume, more than once perhaps the same data block; or it is left from before
     * the volume had its size, and then it is not more than the pool has.
     */
    private long possiblyMapped(DeviceDetails details, long dataBlocks) {
        return Math.min(details.mappedBlocks(), Math.max(dataBlocks, blocks()));
    }

    /** The device has so many blocks mapped. */
    public void countMapped(long blocks) {
        mappedBlocks = blocks;
    }

    /**
     * A data block is being prepared for the device.
     *
     * @param provisions it will be mapped where nothing was
     */
    public void beginPreparation(boolean provisions) {
        preparingBlocks += provisions ? 1 : 0;
        account.beginPreparation();
    }

    /** That block is mapped, or given up. */
    public void endPreparation(boolean provisions) {
        preparingBlocks -= provisions ? 1 : 0;
        account.endPreparation();
    }

    /** The device is one of a pool's, where others must not take what it has been promised. */
    void join(PoolAccount pools, OwnCounts counts) {
        OwnBlocks own = counts.of(id);
        account = new VolumeAccount(pools, own);
        updatePromise();
    }

    /** The device is gone, and has been promised nothing. */
    void leave(OwnCounts counts) {
        if (account != null) {
            account.close();
            counts.remove(id);
        }
    }

    private void updatePromise() {
        if (account != null) {
            account.promise(promiseOf(limits()), isReadOnly() ? 0 : sizeBytes);
        }
    }

    /** Blocks that these limits promise to the device. */
    public long promiseOf(VolumeLimits its) {
        CatalogSlot known = slot;
        return promiseOf(its, known == null ? sizeBytes : known.sizeBytes());
    }

    /** The same, if it had another size. While it gets smaller it has the old one until that is known to all. */
    public long promiseOf(VolumeLimits its, long itsSizeBytes) {
        long bytes = its.thick() ? itsSizeBytes : its.reserveBytes();
        return isReadOnly() ? 0 : Math.ceilDiv(bytes, (long) blockBytes);
    }

    /** What the device has been promised of the pool's data blocks. */
    public VolumeAccount account() {
        return account;
    }

    /** Blocks mapped, and being prepared to be mapped: what limits count. */
    public long takenBlocks() {
        return mappedBlocks + preparingBlocks;
    }

    /**
     * Makes every block look shared, so that all writes come to the worker, which holds them back. Comes
     * <em>before</em> the loops are drained: every write that saw the old time has ended then.
     */
    public void raiseBarrier() {
        cells.raiseBarrier();
        snapshottedTime = Integer.MAX_VALUE;
    }

    /**
     * Lets writes in again.
     *
     * @param details the device's record; null if that cannot be read, which leaves every block looking shared
     */
    public void lowerBarrier(DeviceDetails details) {
        if (details != null) {
            snapshottedTime = details.snapshottedTime();
        }
        cells.lowerBarrier();
    }
}
