package dev.gossamer.thin.space;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.block.MetadataBlock;
import dev.gossamer.pdata.spacemap.MetadataSpaceMap;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.PoolEvents;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.metadata.PoolMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes larger devices into use (rules RS-1 to RS-4, on-disk format 8.4 and 9.8), when the owner asks or, if the pool
 * may extend itself, when space is low (S-7).
 *
 * <p>The device grows first, then the space map, then comes a commit. Its flushes make the new size of a file stable
 * before the superblock that needs it; a crash in between leaves a device that is larger than the pool knows, which is
 * allowed (C-4). Worker's thread; waits for I/O.
 */
public final class PoolResize {
    private static final Logger LOG = LoggerFactory.getLogger(PoolResize.class);

    /** A failed extension, of a file system that is full for instance, is tried again no sooner than this. */
    private static final long RETRY_NANOS = 10_000_000_000L;

    /** An extension adds a quarter: more than the low-water mark, and a handful of them doubles the pool. */
    private static final int STEP_DIVISOR = 4;

    private static final long MIN_STEP_BLOCKS = 1024;

    /** Of a pool that extends itself, metadata may take up to this part of the ceiling of data. */
    private static final int METADATA_SHARE = 64;

    private final PoolState state;
    private final PoolEvents events;
    private final Committer committer;
    private final SpaceMonitor monitor;
    private final SpaceWaiters spaceWaiters;
    private final PoolFaults faults;
    private final IoLoop loop;
    private final PoolMetadata metadata;
    private final PoolOptions options;
    private boolean queued;
    // Somebody has found too little of it, low or not.
    private boolean metadataWanted;
    private boolean failed;
    private long failedNanos;

    public PoolResize(
            IoLoop loop,
            PoolMetadata metadata,
            PoolState state,
            PoolEvents events,
            PoolFaults faults,
            Committer committer,
            SpaceMonitor monitor,
            SpaceWaiters spaceWaiters,
            PoolOptions options) {
        this.state = state;
        this.events = events;
        this.committer = committer;
        this.monitor = monitor;
        this.spaceWaiters = spaceWaiters;
        this.faults = faults;
        this.loop = loop;
        this.metadata = metadata;
        this.options = options;
    }

    /**
     * Makes the devices at least so large; 0 = takes the size that a device has now, negative = leaves it alone.
     *
     * @throws StorageException if the pool's mode forbids it, or a device cannot have that size
     */
    public void grow(long dataBytes, long metadataBytes) throws StorageException {
        checkAllowed();
        if (dataBytes >= 0 && isDataShrinking()) {
            throw new StorageException(
                    Errno.EBUSY,
                    "a job is making the pool's data smaller; 'gossamer job list' shows it, wait for its end or cancel"
                            + " it");
        }
        checkNoShrinking("data", dataBytes, metadata.dataBlocks() * metadata.blockBytes());
        checkNoShrinking("metadata", metadataBytes, metadata.metadataBlocks() * MetadataBlock.BYTES);
        // Counting more data blocks takes metadata.
        if (metadataBytes >= 0) {
            growMetadata(options.growth().metadata(metadataBytes));
        }
        if (dataBytes >= 0) {
            if (state.isMetadataReadOnly()) {
                throw new StorageException(
                        Errno.ENOSPC, "the pool is out of metadata space; grow the metadata first, with --metadata");
            }
            // Before the device grows: what cannot be counted would be of no use.
            checkRoom(dataBytes / metadata.blockBytes());
            growData(options.growth().data(dataBytes));
        }
    }

    /** Starts an extension if space is low and the pool may extend itself. @return whether more space is on its way */
    boolean extendIfLow() {
        if (options.autoExtendBytes() == 0 || state.isMetadataReadOnly()) {
            return false;
        }
        if (!queued && isExtensionDue()) {
            queued = true;
            loop.execute(() -> committer.whenQuiet(this::extend));
        }
        return queued;
    }

    /** As {@link #extendIfLow}, for somebody who finds no room in the metadata. */
    boolean extendForMetadata() {
        metadataWanted = true;
        return extendIfLow();
    }

    private boolean isExtensionDue() {
        boolean data = isDataWanted() && nextDataBytes() > dataBytes();
        boolean meta = (metadataWanted || monitor.isMetadataLow()) && nextMetadataBytes() > metadataBytes();
        return (data || meta) && !(failed && loop.nanoTime() - failedNanos < RETRY_NANOS);
    }

    private void extend() {
        queued = false;
        try {
            if (!state.isMetadataReadOnly() && (metadataWanted || monitor.isMetadataLow())) {
                metadataWanted = false;
                long bytes = nextMetadataBytes();
                if (bytes > metadataBytes()) {
                    growMetadata(options.growth().metadata(bytes));
                }
            }
            if (!state.isMetadataReadOnly() && isDataWanted()) {
                long bytes = nextDataBytes();
                if (bytes > dataBytes()) {
                    makeRoom(bytes / metadata.blockBytes());
                    growData(options.growth().data(bytes));
                }
            }
            failed = false;
        } catch (StorageException e) {
            failed = true;
            failedNanos = loop.nanoTime();
            LOG.warn("the pool could not extend itself: {}", e.getMessage());
        }
        // Also after a failure: who waited for this is told that there is no space.
        spaceWaiters.spaceReleased();
    }

    /** While the end is being cut off it stays where it is; the job gives up when a client finds no space (RL-6). */
    private boolean isDataWanted() {
        return monitor.isDataLow() && !isDataShrinking();
    }

    private boolean isDataShrinking() {
        return metadata.references().moves().isEndClosed();
    }

    private long nextDataBytes() {
        long step = Math.max(MIN_STEP_BLOCKS, metadata.dataBlocks() / STEP_DIVISOR) * metadata.blockBytes();
        return Math.min(options.autoExtendBytes(), dataBytes() + step) / metadata.blockBytes() * metadata.blockBytes();
    }

    private long nextMetadataBytes() {
        long block = MetadataBlock.BYTES;
        long step = Math.max(MIN_STEP_BLOCKS, metadata.metadataBlocks() / STEP_DIVISOR) * block;
        return Math.min(metadataCeilingBytes(), metadataBytes() + step) / block * block;
    }

    private long metadataCeilingBytes() {
        return Math.min(options.autoExtendBytes() / METADATA_SHARE, MetadataSpaceMap.MAX_BLOCKS * MetadataBlock.BYTES);
    }

    private long dataBytes() {
        return metadata.dataBlocks() * metadata.blockBytes();
    }

    private long metadataBytes() {
        return metadata.metadataBlocks() * MetadataBlock.BYTES;
    }

    private void growData(long deviceBytes) throws StorageException {
        long blocks = deviceBytes / metadata.blockBytes();
        long before = metadata.dataBlocks();
        if (blocks <= before) {
            checkNotSmaller("data", blocks, before);
            return;
        }
        if (metadata.isNearlyFull() && metadata.isChanged()) {
            committer.commitNow();
        }
        checkRoom(blocks);
        while (metadata.dataBlocks() < blocks) {
            // A crash in between leaves a device that is larger than the pool knows.
            change(() -> metadata.growData(blocks));
        }
        grown("data device grown from " + before + " to " + blocks + " blocks of " + metadata.blockBytes() + " bytes");
    }

    /** Refuses a growth whose bitmaps do not fit into what is free of the metadata, without touching the reserve. */
    private void checkRoom(long dataBlocks) throws StorageException {
        long cost = metadata.growthCost(Math.max(dataBlocks, metadata.dataBlocks()));
        if (cost > metadata.metadataBlocksFree()) {
            throw new StorageException(
                    Errno.ENOSPC,
                    "counting " + dataBlocks + " data blocks takes " + cost + " more blocks of metadata, and "
                            + metadata.metadataBlocksFree()
                            + " are free; grow the metadata first, with --metadata");
        }
    }

    /** Grows the metadata, as far as the pool may do that by itself, for a growth of the data that needs it. */
    private void makeRoom(long dataBlocks) throws StorageException {
        long missing = metadata.growthCost(dataBlocks) - metadata.metadataBlocksFree();
        if (missing > 0) {
            long wanted = metadataBytes() + missing * MetadataBlock.BYTES;
            // A tenth of what is added goes to the reserve.
            long bytes = Math.min(metadataCeilingBytes(), Math.max(nextMetadataBytes(), wanted / 8 * 9));
            if (bytes > metadataBytes()) {
                growMetadata(options.growth().metadata(bytes));
            }
        }
    }

    private void growMetadata(long deviceBytes) throws StorageException {
        long blocks = Math.min(deviceBytes / MetadataBlock.BYTES, MetadataSpaceMap.MAX_BLOCKS);
        long before = metadata.metadataBlocks();
        if (blocks <= before) {
            checkNotSmaller("metadata", blocks, before);
            if (!metadata.room().isUsedUp()) {
                metadataHasRoom("the metadata device has all of its space");
            }
            return;
        }
        change(() -> metadata.growMetadata(blocks));
        grown("metadata device grown from " + before + " to " + blocks + " blocks of " + MetadataBlock.BYTES
                + " bytes");
        metadataHasRoom("the metadata device has grown");
    }

    private void metadataHasRoom(String why) {
        if (!metadata.isNearlyFull()) {
            state.recover(PoolMode.OUT_OF_METADATA_SPACE, PoolMode.WRITE, why);
        }
    }

    private interface Change {
        void apply() throws StorageException;
    }

    private void change(Change change) throws StorageException {
        try {
            change.apply();
        } catch (StorageException e) {
            faults.abort(e);
            throw e;
        }
        committer.commitNow();
    }

    private void grown(String text) {
        events.add(PoolEvent.Kind.GROWN, text);
        spaceWaiters.spaceReleased();
    }

    private void checkAllowed() throws StorageException {
        if (metadata.needsCheck() || state.mode().isFinal()) {
            throw new StorageException(
                    Errno.EROFS,
                    "the pool is " + state.mode().word() + " (" + state.cause()
                            + ") and cannot grow before its metadata has been checked");
        }
    }

    private static void checkNoShrinking(String what, long wantedBytes, long presentBytes) throws StorageException {
        if (wantedBytes > 0 && wantedBytes < presentBytes) {
            throw new StorageException(
                    Errno.EINVAL,
                    "the " + what + " of the pool has " + presentBytes + " bytes already, and " + wantedBytes
                            + " is less; a pool can only grow");
        }
    }

    private static void checkNotSmaller(String what, long blocks, long before) throws StorageException {
        if (blocks < before) {
            throw new StorageException(
                    Errno.EINVAL,
                    "the " + what + " device has room for " + blocks + " blocks, the pool knows " + before
                            + "; give it back its size");
        }
    }
}
