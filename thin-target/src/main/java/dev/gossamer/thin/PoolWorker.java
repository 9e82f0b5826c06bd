package dev.gossamer.thin;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.pdata.OutOfDataSpace;
import dev.gossamer.pdata.btree.BTreeCursor;
import dev.gossamer.thin.extent.ExtentMap;
import dev.gossamer.thin.extent.Region;
import dev.gossamer.thin.metadata.Mapping;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.List;
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
    /** Verdict: look the request up again. Every other verdict is an errno to complete it with. */
    static final int SERVE_AGAIN = -1;

    /** A discard is carried out in steps of at most so many blocks, others in between (rule L-4). */
    private static final long DISCARD_STEP_BLOCKS = 1024;

    private static final Logger LOG = LoggerFactory.getLogger(PoolWorker.class);

    private final IoLoop loop;
    private final BlockDevice data;
    private final int dataAlignmentBytes;
    private final PoolMetadata metadata;
    private final LoopShare[] shares;
    private final Committer committer;
    private final StatusReader statusReader;
    private final PoolDevices devices;
    private final PoolCounters counters;
    private final RegionCache regionCache;
    private final Region.Builder regionBuilder = new Region.Builder();

    private final RequestStack deferred = new RequestStack();
    private final Runnable turn = this::turn;
    private final List<Cell> toStart = new ArrayList<>();
    private final RequestQueue waitingForSpace = new RequestQueue();
    private final List<Runnable> whenIdle = new ArrayList<>();
    private int activeCells;
    private long incarnation;

    // Written by the worker, read by loops and by the management API.
    private volatile PoolMode mode = PoolMode.WRITE;
    private volatile String modeCause = "";

    PoolWorker(
            IoLoop loop,
            BlockDevice data,
            PoolMetadata metadata,
            LoopShare[] shares,
            PoolDevices devices,
            PoolCounters counters,
            Committer.DataFlush dataFlush,
            long regionCacheWords) {
        this.loop = loop;
        this.data = data;
        this.dataAlignmentBytes = data.geometry().alignmentBytes();
        this.metadata = metadata;
        this.shares = shares;
        this.devices = devices;
        this.counters = counters;
        this.regionCache = new RegionCache(regionCacheWords);
        this.committer = new Committer(this, loop, metadata, dataFlush, counters);
        this.statusReader = new StatusReader(this, loop, metadata);
        if (metadata.needsCheck()) {
            degrade(PoolMode.READ_ONLY, "needs_check is set; run thin_check --clear-needs-check-flag on the metadata");
        }
    }

    // ---- called by I/O loops -------------------------------------------------------------------------------------

    /** The calling loop's share. */
    LoopShare share(IoLoop ioLoop) {
        return shares[ioLoop.index()];
    }

    PoolMode mode() {
        return mode;
    }

    /** Parks a request with the worker until it hands it back. */
    void defer(ThinVolume volume, BlockRequest request) {
        request.parkedBy = volume;
        if (deferred.push(request)) {
            loop.execute(turn);
        }
    }

    /** Whether the device has changes that a crash would undo. */
    boolean isUncommitted(ThinDevice device) {
        return committer.isUncommitted(device);
    }

    /** Completes a request once a commit, or a data flush if there is nothing to commit, covers what came before it. */
    void commitFor(ThinVolume volume, BlockRequest request) {
        request.parkedBy = volume;
        committer.waitForCommit(request);
    }

    /** Answers questions about mappings. */
    StatusReader statusReader() {
        return statusReader;
    }

    // ---- worker's loop only --------------------------------------------------------------------------------------

    IoBufferPool buffers() {
        return loop.buffers();
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

    String modeCause() {
        return modeCause;
    }

    /** Grows with every abort: what was allocated in an earlier incarnation is free again. */
    long incarnation() {
        return incarnation;
    }

    boolean isAligned(BlockRequest request) {
        return ((ThinVolume) request.parkedBy).isAligned(request);
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

    /** The last thing: nothing is in flight, the last commit is done. */
    void close() {
        committer.close();
        for (LoopShare share : shares) {
            share.close();
        }
    }

    /** Runs a task now, or else as soon as no block of the device is being prepared or rewritten. */
    void whenIdle(ThinDevice device, Runnable task) {
        if (device.cells.isEmpty()) {
            task.run();
        } else {
            device.whenIdle.add(task);
        }
    }

    /** Runs a task now, or else as soon as no block of the pool is being prepared or rewritten. */
    void whenIdle(Runnable task) {
        if (activeCells == 0) {
            task.run();
        } else {
            whenIdle.add(task);
        }
    }

    /** Calls back, on this loop, once every request has completed that any loop looked up before this call. */
    void drain(Runnable whenDrained) {
        int[] left = {shares.length};
        Runnable oneLess = () -> {
            if (--left[0] == 0) {
                whenDrained.run();
            }
        };
        for (LoopShare share : shares) {
            share.requestDrain(() -> loop.execute(oneLess));
        }
    }

    /** Looks at requests again that waited for something. */
    void readmit(RequestQueue queue) {
        for (BlockRequest r = queue.poll(); r != null; r = queue.poll()) {
            admit(r);
        }
        startCells();
    }

    /** Blocks freed earlier can be allocated now: serves who waited for space, and leaves OUT_OF_DATA_SPACE (M-3). */
    void spaceReleased() {
        if (mode == PoolMode.OUT_OF_DATA_SPACE && metadata.dataBlocksFree() > 0) {
            setMode(PoolMode.WRITE, "");
        }
        RequestQueue retry = new RequestQueue();
        waitingForSpace.moveTo(retry);
        readmit(retry);
    }

    /**
     * A metadata operation failed: throws the transaction away and freezes the metadata (rules E-1 to E-4). Requests
     * whose changes are lost are told EIO, devices that had acknowledged changes fail their flushes from now on.
     */
    void abort(Exception cause) {
        LOG.error("metadata operation failed, transaction aborted: {}", cause.getMessage(), cause);
        incarnation++;
        PoolMode worse = PoolMode.READ_ONLY;
        String why = cause.getMessage();
        try {
            metadata.abort();
            metadata.setNeedsCheck();
        } catch (StorageException e) {
            LOG.error("abort failed: {}", e.getMessage(), e);
            worse = PoolMode.FAIL;
            why = e.getMessage();
        }
        degrade(worse, why);
        for (ThinDevice device : devices.all()) {
            if (committer.isUncommitted(device)) {
                device.lostChanges = true;
            }
            device.extents.reset(device.blocks());
        }
        devices.reload(metadata);
        committer.aborted();
        finishAll(waitingForSpace, Errno.EIO);
    }

    /** A bug: nothing of the pool can be trusted any more. */
    void failed(Throwable bug) {
        LOG.error("pool failed", bug);
        degrade(PoolMode.FAIL, "internal error: " + bug);
        finishAll(waitingForSpace, Errno.EIO);
    }

    /** All slices of a new block are written, or one has failed: maps the block, completes the writes, lets others in. */
    void prepared(BlockPreparation cell, int errno) {
        int verdict = errno;
        if (cell.incarnation != incarnation) {
            verdict = Errno.EIO;
        } else {
            try {
                if (errno == Errno.OK) {
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
                abort(e);
                verdict = Errno.EIO;
            }
        }
        finishAll(cell.joined(), verdict);
        release(cell);
    }

    /** A sector rewrite is done: lets loops at the block again. */
    void rewritten(SectorRewrite cell, int errno) {
        if (cell.incarnation == incarnation) {
            publish(cell.device, cell.virtualBlock, Region.MAPPED, cell.time, cell.dataBlock());
            handBack(cell.request(), errno);
        } else {
            cell.device.extents.publish(ExtentMap.regionOf(cell.virtualBlock), null);
            handBack(cell.request(), Errno.EIO);
        }
        release(cell);
    }

    private void turn() {
        try {
            BlockRequest request = deferred.takeAll();
            while (request != null) {
                BlockRequest following = request.next;
                request.next = null;
                counters.deferredRequests.increment();
                admit(request);
                request = following;
            }
            startCells();
        } catch (AssertionError | RuntimeException bug) {
            failed(bug);
        }
    }

    private void startCells() {
        for (int i = 0; i < toStart.size(); i++) {
            toStart.get(i).start();
        }
        toStart.clear();
    }

    /** Decides one request. */
    private void admit(BlockRequest request) {
        ThinDevice device = ((ThinVolume) request.parkedBy).device();
        if (mode == PoolMode.FAIL) {
            handBack(request, Errno.EIO);
            return;
        }
        if (device.barrier && request.operation() != BlockOperation.READ) {
            device.held.add(request);
            return;
        }
        try {
            if (isUnmap(request)) {
                unmap(device, request);
                return;
            }
            long block = request.offsetBytes() / device.blockBytes();
            long[] region = device.extents.region(ExtentMap.regionOf(block));
            if (region == null) {
                load(device, ExtentMap.regionOf(block));
                handBack(request, SERVE_AGAIN);
                return;
            }
            if (block != (request.offsetBytes() + request.lengthBytes() - 1) / device.blockBytes()) {
                // Deferred because the region was not loaded; an earlier request has loaded it since.
                handBack(request, SERVE_AGAIN);
                return;
            }
            Cell cell = device.cells.get(block);
            if (cell != null) {
                if (!cell.join(request)) {
                    cell.waiting.add(request);
                }
            } else if (request.operation() == BlockOperation.READ) {
                handBack(request, SERVE_AGAIN);
            } else {
                write(device, block, region, request);
            }
        } catch (StorageException e) {
            abort(e);
            handBack(request, Errno.EIO);
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
        if (time < device.snapshottedTime) {
            prepare(device, block, dataBlock, request);
        } else if (isAligned(request)) {
            handBack(request, SERVE_AGAIN);
        } else {
            SectorRewrite cell = new SectorRewrite(this, device, block, dataBlock, time, request);
            hold(cell);
            publish(device, block, Region.LOCKED, time, dataBlock);
            drain(cell::start);
        }
    }

    /** Reserves a block and starts to fill it; without space the request waits, or fails (rules S-1, S-2). */
    private void prepare(ThinDevice device, long block, long sourceBlock, BlockRequest request)
            throws StorageException {
        if (mode.compareTo(PoolMode.READ_ONLY) >= 0) {
            handBack(request, Errno.EIO);
            return;
        }
        if (metadata.isNearlyFull()) {
            waitForSpace(request, "metadata");
            return;
        }
        long dataBlock;
        try {
            dataBlock = metadata.reserveDataBlock();
        } catch (OutOfDataSpace e) {
            waitForSpace(request, "data");
            return;
        }
        BlockPreparation cell = new BlockPreparation(this, device, block, dataBlock, sourceBlock);
        cell.join(request);
        hold(cell);
        toStart.add(cell);
    }

    /** Freed blocks may come back with a commit (S-1); if none can, the answer is ENOSPC. */
    private void waitForSpace(BlockRequest request, String what) {
        if (committer.canFreeBlocks()) {
            waitingForSpace.add(request);
            committer.commitSoon();
            return;
        }
        if (mode == PoolMode.WRITE && metadata.dataBlocksFree() == 0) {
            setMode(PoolMode.OUT_OF_DATA_SPACE, "no free " + what + " block");
        }
        handBack(request, Errno.ENOSPC);
    }

    private void insert(BlockPreparation cell) throws StorageException {
        ThinDevice device = cell.device;
        metadata.insert(device.id, cell.virtualBlock, cell.dataBlock);
        committer.changed(device);
        device.mappedBlocks = metadata.details(device.id).mappedBlocks();
        publish(device, cell.virtualBlock, Region.MAPPED, metadata.time(), cell.dataBlock);
        (cell.breaksSharing() ? counters.brokenSharings : counters.provisionedBlocks).increment();
    }

    private boolean isUnmap(BlockRequest request) {
        if (request.operation() == BlockOperation.DISCARD) {
            return true;
        }
        ThinVolume volume = (ThinVolume) request.parkedBy;
        return request.operation() == BlockOperation.WRITE_ZEROES
                && !request.hasFlag(BlockRequest.NO_UNMAP)
                && volume.firstWholeBlock(request) < volume.endWholeBlock(request);
    }

    /** Unmaps the whole blocks of a request, a step at a time (rules DI-1 to DI-4). */
    private void unmap(ThinDevice device, BlockRequest request) throws StorageException {
        ThinVolume volume = (ThinVolume) request.parkedBy;
        long from = volume.firstWholeBlock(request) + request.progressBytes;
        long end = volume.endWholeBlock(request);
        if (mode.compareTo(PoolMode.READ_ONLY) >= 0) {
            // TRIM is advice, and succeeds without effect (table 1.4); zeros are a promise that cannot be kept.
            handBack(request, request.operation() == BlockOperation.DISCARD ? Errno.OK : Errno.EIO);
            return;
        }
        long to = Math.min(end, nextMapped(device, from, end) + DISCARD_STEP_BLOCKS);
        Cell busy = busyCell(device, from, to);
        if (busy != null) {
            busy.waiting.add(request);
            return;
        }
        long removed = metadata.removeRange(device.id, from, to);
        if (removed > 0) {
            committer.changed(device);
            device.mappedBlocks = metadata.details(device.id).mappedBlocks();
            counters.unmappedBlocks.add(removed);
            withdraw(device, from, to);
        }
        if (to >= end) {
            handBack(request, Errno.OK);
        } else {
            // progressBytes counts blocks here: the request has not been at a disk.
            request.progressBytes += (int) (to - from);
            defer(volume, request);
        }
    }

    /** First mapped block in the range, or its end: a trim of unmapped space costs one look-up. */
    private long nextMapped(ThinDevice device, long from, long end) throws StorageException {
        BTreeCursor cursor = metadata.cursor(device.id, from);
        return cursor.next() && cursor.key() < end ? cursor.key() : end;
    }

    private static Cell busyCell(ThinDevice device, long from, long to) {
        for (Cell cell : device.cells.values()) {
            if (cell.virtualBlock >= from && cell.virtualBlock < to) {
                return cell;
            }
        }
        return null;
    }

    private static void withdraw(ThinDevice device, long from, long to) {
        long first = ExtentMap.regionOf(from);
        long last = ExtentMap.regionOf(to - 1);
        for (long number = first; number <= last; number++) {
            long[] region = device.extents.region(number);
            if (region != null) {
                long base = number * Region.BLOCKS;
                int start = (int) Math.max(0, from - base);
                int end = (int) Math.min(Region.BLOCKS, to - base);
                device.extents.publish(number, Region.without(region, start, end - start));
            }
        }
    }

    private void load(ThinDevice device, long regionNumber) throws StorageException {
        long first = regionNumber * Region.BLOCKS;
        BTreeCursor cursor = metadata.cursor(device.id, first);
        while (cursor.next() && cursor.key() < first + Region.BLOCKS) {
            long packed = cursor.value(0);
            regionBuilder.add((int) (cursor.key() - first), Mapping.dataBlock(packed), Mapping.time(packed));
        }
        long[] region = regionBuilder.build();
        for (Cell cell : device.cells.values()) {
            if (cell.isLocking() && ExtentMap.regionOf(cell.virtualBlock) == regionNumber) {
                SectorRewrite rewrite = (SectorRewrite) cell;
                int inRegion = ExtentMap.blockInRegion(cell.virtualBlock);
                region = Region.with(region, inRegion, 1, Region.LOCKED, rewrite.time, rewrite.dataBlock());
            }
        }
        device.extents.publish(regionNumber, region);
        regionCache.loaded(device, regionNumber, region);
    }

    private static void publish(ThinDevice device, long block, int kind, int time, long dataBlock) {
        long number = ExtentMap.regionOf(block);
        long[] region = device.extents.region(number);
        if (region != null) {
            int inRegion = ExtentMap.blockInRegion(block);
            device.extents.publish(number, Region.with(region, inRegion, 1, kind, time, dataBlock));
        }
    }

    private void hold(Cell cell) {
        cell.device.cells.put(cell.virtualBlock, cell);
        activeCells++;
    }

    private void release(Cell cell) {
        cell.device.cells.remove(cell.virtualBlock);
        activeCells--;
        readmit(cell.waiting);
        if (cell.device.cells.isEmpty()) {
            runAll(cell.device.whenIdle);
        }
        if (activeCells == 0) {
            runAll(whenIdle);
        }
    }

    private static void runAll(List<Runnable> tasks) {
        if (!tasks.isEmpty()) {
            List<Runnable> now = List.copyOf(tasks);
            tasks.clear();
            now.forEach(Runnable::run);
        }
    }

    void finishAll(RequestQueue queue, int verdict) {
        for (BlockRequest r = queue.poll(); r != null; r = queue.poll()) {
            handBack(r, verdict);
        }
    }

    void handBack(BlockRequest request, int verdict) {
        share(request.loop()).handBack(request, verdict);
    }

    /** Goes to a worse mode; never to a better one (M-1). */
    private void degrade(PoolMode worse, String cause) {
        if (worse.compareTo(mode) > 0) {
            setMode(worse, cause);
        }
    }

    private void setMode(PoolMode newMode, String cause) {
        LOG.warn("pool mode {} -> {}{}", mode.word(), newMode.word(), cause.isEmpty() ? "" : ": " + cause);
        modeCause = cause;
        mode = newMode;
    }
}
