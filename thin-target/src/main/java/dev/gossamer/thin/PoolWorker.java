package dev.gossamer.thin;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestStack;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.extent.Region;
import dev.gossamer.thin.metadata.PoolMetadata;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The single writer of a pool: everything that changes metadata, or must read metadata that no loop has, happens on its
 * loop. Requests arrive through {@link #defer} and {@link #commitFor} from I/O loops, and go back to them.
 *
 * <p>A turn serves all requests that have arrived: decides each one (load a region, provision, break sharing, rewrite,
 * unmap), then starts the preparations, so that writes to one block that came together share one, then commits if
 * somebody waits for it.
 */
final class PoolWorker {
    private static final Logger LOG = LoggerFactory.getLogger(PoolWorker.class);

    private final IoLoop loop;
    private final BlockDevice data;
    private final DiscardMode discardMode;
    private final int dataAlignmentBytes;
    private final PoolMetadata metadata;
    private final PoolLoops loops;
    private final Cells cells = new Cells();
    private final Committer committer;
    private final StatusReader statusReader;
    private final RegionLoads regionLoads;
    private final MapPrefetch mapPrefetch;
    private final PoolCounters counters;
    private final MapPublisher maps;
    private final PartialTrims partialTrims = new PartialTrims();
    private final Unmapper unmapper;
    private final InPlaceClaims claims;
    private final Quarantine quarantine;
    private final Reclaimer reclaimer;
    private final DeviceIds deviceIds;
    private final SpaceWaiters spaceWaiters;
    private final SpaceQuotas quotas;
    private final SpaceMonitor monitor;
    private final PoolEvents events = new PoolEvents();
    private final PoolState state = new PoolState(events);
    private final PoolFaults faults = new PoolFaults();
    private final TransactionAbort aborting;
    private final PoolResize resize;

    private final RequestStack deferred = new RequestStack();
    private final Runnable turn = this::turn;

    PoolWorker(
            IoLoop loop,
            BlockDevice data,
            PoolMetadata metadata,
            PoolLoops loops,
            PoolDevices devices,
            PoolCounters counters,
            PoolOptions options) {
        this.loop = loop;
        this.data = data;
        this.dataAlignmentBytes = data.geometry().alignmentBytes();
        this.metadata = metadata;
        this.loops = loops;
        this.counters = counters;
        this.maps = new MapPublisher(metadata, partialTrims, options.caches().regionWords(), counters);
        this.committer = new Committer(loop, metadata, data, loops, state, faults, counters);
        this.regionLoads = new RegionLoads(this, loops, faults, loop, metadata, maps);
        this.mapPrefetch = new MapPrefetch(loop, regionLoads);
        this.statusReader = new StatusReader(this, faults, loop, metadata);
        this.claims = new InPlaceClaims(cells, state, loops, faults, metadata, maps, counters);
        this.unmapper = new Unmapper(this, loops, metadata, maps, partialTrims, counters);
        this.discardMode = options.discard().effective(data.geometry().discardBytes(), metadata.blockBytes());
        this.quotas = new SpaceQuotas(metadata, devices);
        this.monitor = new SpaceMonitor(metadata, state, events, options.lowWaterPercent());
        this.spaceWaiters = new SpaceWaiters(this, loops, cells, loop, metadata, events, options);
        this.resize = new PoolResize(this, faults, loop, metadata, options);
        this.aborting = new TransactionAbort(this, faults, metadata, state, devices);
        faults.handledBy(aborting);
        this.quarantine = new Quarantine(this, loop, data, metadata, counters, discardMode == DiscardMode.PASSDOWN);
        this.reclaimer = new Reclaimer(this, faults, loop, metadata);
        this.deviceIds = new DeviceIds(metadata);
        committer.tell(new AfterCommit(metadata, loops, faults, spaceWaiters, monitor, resize, reclaimer, quarantine));
        cells.startLast(claims::start);
        if (metadata.needsCheck()) {
            state.degrade(
                    PoolMode.READ_ONLY, "needs_check is set; run thin_check --clear-needs-check-flag on the metadata");
        }
    }

    // ---- called by I/O loops -------------------------------------------------------------------------------------

    PoolLoops loops() {
        return loops;
    }

    PoolMode mode() {
        return state.mode();
    }

    PoolState state() {
        return state;
    }

    /** What TRIM comes to on this pool's data device. */
    DiscardMode discardMode() {
        return discardMode;
    }

    /** Parks a request with the worker until it hands it back. */
    void defer(ThinVolume volume, BlockRequest request) {
        request.park(volume);
        if (deferred.push(request)) {
            loop.execute(turn);
        }
    }

    /** The user of a handle is gone; see {@link SpaceWaiters#abandon}. */
    void abandon(ThinVolume volume) {
        if (spaceWaiters.count() > 0) {
            loop.execute(() -> spaceWaiters.abandon(volume));
        }
    }

    /** Answers questions about mappings. */
    StatusReader statusReader() {
        return statusReader;
    }

    /** Loads mappings ahead. */
    MapPrefetch mapPrefetch() {
        return mapPrefetch;
    }

    // ---- worker's loop only --------------------------------------------------------------------------------------

    IoBufferPool buffers() {
        return loop.buffers();
    }

    long nanoTime() {
        return loop.nanoTime();
    }

    int dataAlignmentBytes() {
        return dataAlignmentBytes;
    }

    PoolMetadata metadata() {
        return metadata;
    }

    Committer committer() {
        return committer;
    }

    MapPublisher maps() {
        return maps;
    }

    SpaceWaiters spaceWaiters() {
        return spaceWaiters;
    }

    Quarantine quarantine() {
        return quarantine;
    }

    Reclaimer reclaimer() {
        return reclaimer;
    }

    DeviceIds deviceIds() {
        return deviceIds;
    }

    PartialTrims partialTrims() {
        return partialTrims;
    }

    SpaceQuotas quotas() {
        return quotas;
    }

    SpaceMonitor monitor() {
        return monitor;
    }

    PoolResize resize() {
        return resize;
    }

    PoolEvents events() {
        return events;
    }

    PoolFaults faults() {
        return faults;
    }

    Cells cells() {
        return cells;
    }

    boolean isAligned(BlockRequest request) {
        return ((ThinVolume) request.parkedBy()).isAligned(request);
    }

    /** Submits a transfer of the worker's own to a place in a data block. */
    void submit(
            BlockOperation operation,
            long dataBlock,
            int offsetInBlock,
            int lengthBytes,
            IoBuffer buffer,
            int bufferOffsetBytes,
            BlockCompletion completion) {
        BlockRequest request = loop.requests().acquire();
        long offset = dataBlock * metadata.blockBytes() + offsetInBlock;
        request.transfer(operation, offset, lengthBytes, 0, buffer, bufferOffsetBytes);
        request.push(completion);
        data.submit(request);
    }

    /** Reads of an external origin into memory of the worker's own, zeros beyond the origin's end. */
    void readOrigin(
            OriginImage origin, long offsetBytes, int lengthBytes, IoBuffer buffer, BlockCompletion completion) {
        BlockRequest request = loop.requests().acquire();
        request.transfer(BlockOperation.READ, offsetBytes, lengthBytes, 0, buffer, 0);
        request.push(completion);
        origin.read(request);
    }

    /**
     * The last commit is done. Calls back when what it has freed is discarded as well, and no request of the worker's
     * is under way.
     */
    void close(Runnable whenClosed) {
        reclaimer.close();
        committer.close();
        loops.drain(() -> quarantine.close(() -> regionLoads.close(() -> committer.whenQuiet(() -> {
            loops.close();
            whenClosed.run();
        }))));
    }

    /** All slices of a new block are written, or one has failed: maps the block, completes the writes, lets others in. */
    void prepared(BlockPreparation cell, int errno) {
        if (metadata.isNearlyFull() && committer.isWriting()) {
            // It would copy nodes once more: what the commit under way has used up comes back first (S-3).
            committer.whenQuiet(() -> prepared(cell, errno));
            return;
        }
        int verdict = errno;
        cell.device.preparingBlocks -= cell.breaksSharing() ? 0 : 1;
        if (cell.incarnation != faults.incarnation()) {
            verdict = Errno.EIO;
        } else {
            try {
                if (state.isFrozen()) {
                    metadata.unreserveDataBlock(cell.dataBlock);
                    verdict = Errno.EIO;
                } else if (errno == Errno.OK) {
                    insert(cell);
                } else {
                    metadata.unreserveDataBlock(cell.dataBlock);
                    LOG.error(
                            "{}: writing data block {} failed: {}",
                            cell.device.name(),
                            cell.dataBlock,
                            Errno.name(errno));
                }
            } catch (StorageException e) {
                faults.abort(e);
                verdict = Errno.EIO;
            }
        }
        loops.finishAll(cell.joined(), verdict);
        cells.release(cell);
    }

    /** A sector rewrite is done: lets loops at the block again. */
    void rewritten(SectorRewrite cell, int errno) {
        if (cell.incarnation == faults.incarnation()) {
            maps.publish(cell.device, cell.virtualBlock, Region.MAPPED, cell.time, cell.dataBlock());
            loops.handBack(cell.request(), errno);
        } else {
            maps.forget(cell.device, cell.virtualBlock);
            loops.handBack(cell.request(), Errno.EIO);
        }
        cells.release(cell);
    }

    private void turn() {
        BlockRequest request = deferred.takeAll();
        while (request != null) {
            BlockRequest following = request.next;
            request.next = null;
            counters.deferredRequests.increment();
            try {
                admit(request);
            } catch (AssertionError | RuntimeException bug) {
                // Those behind it get EIO: the pool is in FAIL mode now.
                faults.failed(bug);
            }
            request = following;
        }
        try {
            cells.startAll();
        } catch (AssertionError | RuntimeException bug) {
            faults.failed(bug);
        }
    }

    /** Decides one request. */
    void admit(BlockRequest request) {
        ThinDevice device = ((ThinVolume) request.parkedBy()).device();
        if (mode() == PoolMode.FAIL) {
            loops.handBack(request, Errno.EIO);
            return;
        }
        if (device.barrier && request.operation() != BlockOperation.READ) {
            device.held.add(request);
            return;
        }
        if (Unmapper.queueBehindTrim(device, request)) {
            return;
        }
        try {
            if (Unmapper.isUnmap(request)) {
                if (metadata.isNearlyFull() && committer.canFreeMetadata()) {
                    // Unmapping copies nodes: first get back what this transaction has used up (S-3).
                    spaceWaiters.needMetadata(request);
                    return;
                }
                unmapper.unmap(device, request);
                return;
            }
            long block = request.offsetBytes() / device.blockBytes();
            long[] region = device.extents.region(ExtentMap.regionOf(block));
            if (region == null) {
                regionLoads.load(device, ExtentMap.regionOf(block), request);
                return;
            }
            if (block != (request.offsetBytes() + request.lengthBytes() - 1) / device.blockBytes()) {
                // Deferred because the region was not loaded; an earlier request has loaded it since.
                loops.handBack(request, ServedDevice.SERVE_AGAIN);
                return;
            }
            Cell cell = device.cells.get(block);
            if (cell != null) {
                if (!cell.join(request)) {
                    cell.waiting.add(request);
                }
            } else if (request.operation() == BlockOperation.READ) {
                loops.handBack(request, ServedDevice.SERVE_AGAIN);
            } else {
                write(device, block, region, request);
            }
        } catch (StorageException e) {
            faults.abort(e);
            loops.handBack(request, aborting.verdict(request));
        }
    }

    /** A write to one block, which no cell holds (the table of section 1.8). */
    private void write(ThinDevice device, long block, long[] region, BlockRequest request) throws StorageException {
        int inRegion = ExtentMap.blockInRegion(block);
        int index = Region.find(region, inRegion);
        if (index < 0) {
            prepare(device, block, BlockPreparation.NO_SOURCE, request);
            return;
        }
        long dataBlock = Region.dataBlock(region, index, inRegion);
        int time = Region.time(region, index);
        if (Region.kind(region, index) == Region.TRIMMED) {
            partialTrims.forget(device, block, block + 1);
            maps.publishKind(device, block, Region.MAPPED);
        }
        if (time < device.snapshottedTime) {
            if (!claims.claim(device, block, dataBlock, request)) {
                prepare(device, block, dataBlock, request);
            }
        } else if (isAligned(request)) {
            loops.handBack(request, ServedDevice.SERVE_AGAIN);
        } else {
            SectorRewrite cell = new SectorRewrite(this, device, block, dataBlock, time, request);
            cells.hold(cell);
            maps.publish(device, block, Region.LOCKED, time, dataBlock);
            loops.drain(cell::start);
        }
    }

    /** Reserves a block and starts to fill it; without space the request waits, or fails (rules S-1, S-2). */
    private void prepare(ThinDevice device, long block, long sourceBlock, BlockRequest request)
            throws StorageException {
        if (state.isFrozen()) {
            loops.handBack(request, Errno.EIO);
            return;
        }
        boolean provisions = sourceBlock == BlockPreparation.NO_SOURCE;
        if (provisions && quotas.isAtLimit(device)) {
            loops.handBack(request, Errno.ENOSPC);
            return;
        }
        if (metadata.isNearlyFull()) {
            spaceWaiters.needMetadata(request);
            return;
        }
        if (!quotas.hasRoom(device)) {
            boolean reserved = metadata.dataBlocksFree() > 0;
            spaceWaiters.needData(
                    request, reserved ? "all free data blocks are reserved for volumes" : "no free data block");
            return;
        }
        long dataBlock = metadata.reserveDataBlock();
        device.preparingBlocks += provisions ? 1 : 0;
        if (!resize.extendIfLow()) {
            monitor.checkData();
        }
        boolean zeroed = provisions
                && request.lengthBytes() < device.blockBytes()
                && !device.isOverOrigin(block * device.blockBytes())
                && isZeroed(dataBlock);
        BlockPreparation cell = new BlockPreparation(this, device, block, dataBlock, sourceBlock, zeroed);
        cell.join(request);
        cells.holdToStart(cell);
    }

    /**
     * Whether a free block is known to hold zeros: a hole of a file, so what was never written or has been discarded.
     */
    private boolean isZeroed(long dataBlock) {
        long blockBytes = metadata.blockBytes();
        return data.readsAsZeros(dataBlock * blockBytes, blockBytes);
    }

    private void insert(BlockPreparation cell) throws StorageException {
        ThinDevice device = cell.device;
        metadata.insert(device.id, cell.virtualBlock, cell.dataBlock);
        committer.changed(device);
        if (committer.isWriting()) {
            counters.mappedDuringCommit.increment();
        }
        device.mappedBlocks = metadata.details(device.id).mappedBlocks();
        maps.publish(device, cell.virtualBlock, Region.MAPPED, metadata.time(), cell.dataBlock);
        (cell.breaksSharing() ? counters.brokenSharings : counters.provisionedBlocks).increment();
        if (cell.isZeroed()) {
            counters.zeroedForFree.increment();
        }
    }
}
