package dev.gossamer.thin.space;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.pdata.OutOfDataSpace;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.device.VolumeHandle;
import dev.gossamer.thin.metadata.PoolMetadata;

/** Gives out data blocks, or makes who wants one wait or fail (rules S-1 to S-3, S-6). Worker's thread. */
public final class SpaceGate {
    /** No data block: the request waits, or has been answered. */
    public static final long NONE = -1;

    private final PoolMetadata metadata;
    private final WorkerQueue queue;
    private final PoolState state;
    private final SpaceQuotas quotas;
    private final SpaceWaiters waiters;
    private final PoolResize resize;
    private final SpaceMonitor monitor;
    private final WithheldLimit withheld;
    private final PromiseChecks promises;

    public SpaceGate(
            PoolMetadata metadata,
            WorkerQueue queue,
            PoolState state,
            SpaceQuotas quotas,
            SpaceWaiters waiters,
            PoolResize resize,
            SpaceMonitor monitor,
            WithheldLimit withheld,
            PromiseChecks promises) {
        this.metadata = metadata;
        this.queue = queue;
        this.state = state;
        this.quotas = quotas;
        this.waiters = waiters;
        this.resize = resize;
        this.monitor = monitor;
        this.withheld = withheld;
        this.promises = promises;
    }

    /**
     * Reserves a data block for a write.
     *
     * @param block the volume's that the data block is for
     * @param provisions whether nothing is mapped there, so that the volume takes one block more
     * @return {@link #NONE} if the request has been parked or handed back
     */
    public long reserve(VolumeHandle volume, long block, BlockRequest request, boolean provisions)
            throws StorageException {
        ThinDevice device = volume.device();
        if (state.isMetadataReadOnly()) {
            queue.handBack(request, state.refusedWrite());
            return NONE;
        }
        if (provisions && quotas.isAtLimit(device)) {
            queue.handBack(request, Errno.ENOSPC);
            return NONE;
        }
        if (metadata.isNearlyFull() || !metadata.room().hasForPreparation(device.id(), block)) {
            waiters.needMetadata(request);
            return NONE;
        }
        if (waiters.isDeviceFull()) {
            waiters.needData(volume, request, DeviceRoom.FULL);
            return NONE;
        }
        if (!quotas.hasRoom(device)) {
            // What the disk says of free blocks may be another program's mistake: they are counted, once.
            metadata.countData();
        }
        if (!quotas.hasRoom(device)) {
            boolean promised = !quotas.mayTake(device) && metadata.dataBlocksUnused() > 0;
            waiters.needData(volume, request, promised ? quotas.whoHasIt() : "no free data block");
            return NONE;
        }
        long dataBlock;
        try {
            dataBlock = metadata.reserveDataBlock();
        } catch (OutOfDataSpace e) {
            // The same mistake the other way round; the search has counted them.
            waiters.needData(volume, request, "no free data block");
            return NONE;
        }
        if (!resize.extendIfLow()) {
            monitor.checkData();
        }
        return dataBlock;
    }

    /** Whether freed blocks take so much memory that no more are to be freed before some have been released. */
    public boolean isTooMuchWithheld() {
        return withheld.isReached();
    }

    /** How many of so many blocks may be unmapped and what is promised be kept; see {@link PromiseChecks}. */
    public long unmappable(ThinDevice device, long wanted) {
        return promises.unmappable(device, wanted);
    }

    /** How many of so many blocks, from one on, can be unmapped with the metadata that there is; 0: not one. */
    public long removable(ThinDevice device, long fromBlock, long wanted) throws StorageException {
        long blocks = wanted;
        while (blocks > 0 && !metadata.room().hasForRemoval(device.id(), fromBlock, fromBlock + blocks)) {
            blocks /= 2;
        }
        return blocks;
    }

    /**
     * How many blocks can be unmapped now, from one on: 0 if the metadata for that must first come back, or never does,
     * or too much has been freed of late; the request waits then, or has been answered.
     *
     * @param wanted as many as the caller would unmap at once; at least 1
     */
    public long admitRemoval(ThinDevice device, long fromBlock, long wanted, BlockRequest request)
            throws StorageException {
        if (withheld.isReached()) {
            waiters.needRelease(request);
            return 0;
        }
        long blocks = removable(device, fromBlock, wanted);
        if (blocks == 0) {
            waiters.needMetadata(request);
        }
        return blocks;
    }
}
