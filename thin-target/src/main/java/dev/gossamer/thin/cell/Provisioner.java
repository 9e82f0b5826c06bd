package dev.gossamer.thin.cell;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.LimitedLog;
import dev.gossamer.io.LogLimit;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.device.ThinDevice;
import dev.gossamer.thin.device.VolumeHandle;
import dev.gossamer.thin.map.MapPublisher;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.SpaceGate;
import dev.gossamer.thin.space.SpaceWaiters;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Gives a block of a volume a data block of its own, where nothing was mapped or a shared one is: sets one aside, has
 * it filled ({@link BlockPreparation}), and maps it. Worker's thread.
 */
public final class Provisioner implements BlockPreparation.Owner {
    private static final Logger LOG = LoggerFactory.getLogger(Provisioner.class);

    private final PoolMetadata metadata;
    private final WorkerQueue queue;
    private final Cells cells;
    private final CellIo io;
    private final SpaceGate space;
    private final SpaceWaiters spaceWaiters;
    private final Committer committer;
    private final MapPublisher maps;
    private final PoolState state;
    private final PoolFaults faults;
    private final PoolCounters counters;
    private final LimitedLog failures;

    public Provisioner(
            IoLoop loop,
            PoolMetadata metadata,
            WorkerQueue queue,
            Cells cells,
            CellIo io,
            SpaceGate space,
            SpaceWaiters spaceWaiters,
            Committer committer,
            MapPublisher maps,
            PoolState state,
            PoolFaults faults,
            PoolCounters counters) {
        this.failures = new LimitedLog(LOG, Level.ERROR, "block not prepared", LogLimit.onePerSecond(), loop);
        this.metadata = metadata;
        this.queue = queue;
        this.cells = cells;
        this.io = io;
        this.space = space;
        this.spaceWaiters = spaceWaiters;
        this.committer = committer;
        this.maps = maps;
        this.state = state;
        this.faults = faults;
        this.counters = counters;
    }

    /**
     * Begins to prepare a block for a write; without space the write waits, or fails.
     *
     * @param sourceBlock the shared data block to replace, or {@link BlockPreparation#NO_SOURCE}
     */
    void prepare(VolumeHandle volume, long block, long sourceBlock, BlockRequest request) throws StorageException {
        ThinDevice device = volume.device();
        if (device.damage() != null) {
            queue.handBack(request, Errno.EIO);
            return;
        }
        boolean provisions = sourceBlock == BlockPreparation.NO_SOURCE;
        long dataBlock = space.reserve(volume, block, request, provisions);
        if (dataBlock == SpaceGate.NONE) {
            return;
        }
        device.beginPreparation(provisions);
        boolean zeroed = provisions
                && request.lengthBytes() < device.blockBytes()
                && !device.isOverExternalOrigin(block * device.blockBytes())
                && io.isZeroed(dataBlock);
        BlockPreparation cell =
                new BlockPreparation(this, io, device, block, faults.incarnation(), dataBlock, sourceBlock, zeroed);
        cells.holdToStart(cell);
        cell.join(request); // the last step: from here on it is the cell that answers
    }

    /** Maps the block, completes the writes, lets others in. */
    @Override
    public void prepared(BlockPreparation cell, int errno) {
        if (committer.isWriting() && lacksRoom(cell, errno)) {
            // It would copy nodes once more: what the commit under way has used up comes back first (S-3).
            committer.whenQuiet(() -> prepared(cell, errno));
            return;
        }
        int verdict = settle(cell, errno);
        // Not before it is mapped, or nobody's: what is taken for it must not look needed in between.
        cell.device.endPreparation(!cell.breaksSharing());
        if (verdict != errno || state.isMetadataReadOnly() || !spaceWaiters.takeIfDeviceIsFull(cell.joined(), errno)) {
            queue.handBackAll(cell.joined(), verdict);
        }
        cells.release(cell);
        if (errno == Errno.OK) {
            spaceWaiters.deviceHasRoom();
        }
    }

    private boolean lacksRoom(BlockPreparation cell, int errno) {
        try {
            return errno == Errno.OK
                    && cell.incarnation == faults.incarnation()
                    && !metadata.room().hasForInsert(cell.device.id(), cell.virtualBlock);
        } catch (StorageException e) {
            return false; // mapping it meets the same
        }
    }

    @Override
    public void broken(BlockPreparation cell, Throwable bug) {
        faults.failed(bug);
        queue.handBackAll(cell.joined(), Errno.EIO);
        cells.release(cell);
    }

    /** Maps the block or gives it back. @return what the writes get */
    private int settle(BlockPreparation cell, int errno) {
        if (cell.incarnation != faults.incarnation()) {
            return Errno.EIO;
        }
        try {
            if (state.isMetadataReadOnly() || cell.device.damage() != null) {
                metadata.unreserveDataBlock(cell.dataBlock);
                return cell.device.damage() == null ? state.refusedWrite() : Errno.EIO;
            }
            if (errno == Errno.OK && hasRoom(cell)) {
                insert(cell);
                return Errno.OK;
            }
            if (errno == Errno.OK) {
                metadata.unreserveDataBlock(cell.dataBlock);
                return Errno.ENOSPC;
            }
            metadata.unreserveDataBlock(cell.dataBlock);
            logFailure(cell, errno);
            return errno;
        } catch (StorageException e) {
            faults.failed(cell.device, e);
            if (cell.device.damage() != null && cell.incarnation == faults.incarnation()) {
                metadata.unreserveDataBlock(cell.dataBlock);
            }
            return Errno.EIO;
        } catch (RuntimeException | Error bug) {
            faults.failed(bug);
            return Errno.EIO;
        }
    }

    /**
     * Whether the block can be mapped, and that be committed. It was charged when it was begun, but much may have
     * changed: trees get higher, and a metadata snapshot has them copied once more.
     */
    private boolean hasRoom(BlockPreparation cell) throws StorageException {
        int id = cell.device.id();
        if (!metadata.room().hasForInsert(id, cell.virtualBlock) && metadata.isChanged()) {
            committer.commitNow();
        }
        return metadata.room().hasForLastInsert(id, cell.virtualBlock);
    }

    private void logFailure(BlockPreparation cell, int errno) {
        // As many as there are requests when a disk is broken. Of a full one the pool's mode tells, once.
        if (errno != Errno.ENOSPC && errno != Errno.EDQUOT) {
            failures.line("{}: {} failed: {}", cell.device.name(), cell.failedStep(), Errno.name(errno));
        }
    }

    private void insert(BlockPreparation cell) throws StorageException {
        ThinDevice device = cell.device;
        metadata.insert(device.id(), cell.virtualBlock, cell.dataBlock);
        committer.changed(device);
        if (committer.isWriting()) {
            counters.mappedDuringCommit.increment();
        }
        device.countMapped(metadata.details(device.id()).mappedBlocks());
        maps.mapped(device, cell.virtualBlock, metadata.time(), cell.dataBlock);
        (cell.breaksSharing() ? counters.brokenSharings : counters.provisionedBlocks).increment();
        if (cell.isZeroed()) {
            counters.zeroedForFree.increment();
        }
    }
}
