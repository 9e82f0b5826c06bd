package dev.gossamer.snapshot;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.order.WriteOrder;
import dev.gossamer.snapshot.copy.CommitOrder;
import dev.gossamer.snapshot.copy.CopyQueue;
import dev.gossamer.snapshot.copy.HeldRequest;
import dev.gossamer.snapshot.copy.PendingRemap;
import dev.gossamer.snapshot.copy.RemapTable;
import dev.gossamer.snapshot.copy.WholeWrite;
import dev.gossamer.snapshot.store.ChunkRemap;
import dev.gossamer.snapshot.store.ExceptionStore;
import dev.gossamer.snapshot.store.PersistentStore;
import dev.gossamer.snapshot.store.Refusal;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One snapshot: its table, its store, and the chunks on their way into it. Worker's thread, but for what loops look up:
 * the table and the volatile fields.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>As long as {@link #copiesOrigin}, no write reaches a chunk of the origin that the table does not have.
 *   <li>When a snapshot is lost, that is written down before the first write goes by without a copy: see {@link
 *       SnapshotLoss}.
 * </ul>
 */
final class CowSnapshot implements ExceptionStore.Listener, PendingRemap.Target {
    private static final Logger LOG = LoggerFactory.getLogger(CowSnapshot.class);

    private final OriginLoops loops;
    private final CopyQueue copies;
    private final ExceptionStore store;
    private final RemapTable table;
    private final long sizeBytes;
    private final int chunkShift;
    private final StoreSpace space;
    private final Suspension suspension;

    private final WriteOrder writeOrder;
    private final CommitOrder order = new CommitOrder();
    private final Map<Long, PendingRemap> pending = new HashMap<>();
    // Committed to the store, not yet recorded: bounded by the chunks on their way.
    private final ArrayDeque<PendingRemap> committed = new ArrayDeque<>();
    // Found no room below the store: their chunks are given back when no later one is on its way.
    private final List<PendingRemap> returned = new ArrayList<>();
    private final List<HeldRequest> heldUntilStarted = new ArrayList<>();
    private final List<Runnable> whenIdle = new ArrayList<>();
    private final SnapshotLoss loss;
    private final Door door = new Door();

    // Written by the worker, read by loops.
    private volatile SnapshotSpec spec;
    private volatile SnapshotState state = SnapshotState.STARTING;
    private volatile String cause = "";
    private volatile boolean copiesOrigin = true;
    private volatile int generation;

    CowSnapshot(
            OriginLoops loops,
            CopyQueue copies,
            SnapshotSpec spec,
            ExceptionStore store,
            RemapTable table,
            long sizeBytes) {
        this.loops = loops;
        this.copies = copies;
        this.spec = spec;
        this.store = store;
        this.table = table;
        this.sizeBytes = sizeBytes;
        this.chunkShift = Integer.numberOfTrailingZeros(store.chunkBytes());
        this.space = new StoreSpace(this, loops.worker());
        this.suspension = new Suspension(loops.queue());
        this.loss = new SnapshotLoss(this, loops.worker());
        this.writeOrder = new WriteOrder(loops.io());
        store.setListener(this);
    }

    // ---- any thread ----------------------------------------------------------------------------------------------

    SnapshotSpec spec() {
        return spec;
    }

    String name() {
        return spec.name();
    }

    SnapshotState state() {
        return state;
    }

    Suspension suspension() {
        return suspension;
    }

    /** Of its {@link Snapshot}s. */
    Door door() {
        return door;
    }

    /** Grows when the snapshot is handed over: older handles are dead then. */
    int generation() {
        return generation;
    }

    ExceptionStore store() {
        return store;
    }

    /** Of writes to the snapshot, from all its handles. */
    WriteOrder writeOrder() {
        return writeOrder;
    }

    @Override
    public BlockDevice storeDevice() {
        return store.device();
    }

    RemapTable table() {
        return table;
    }

    @Override
    public long sizeBytes() {
        return sizeBytes;
    }

    @Override
    public int chunkBytes() {
        return 1 << chunkShift;
    }

    int chunkShift() {
        return chunkShift;
    }

    /** Whether a write to this range of the origin takes nothing away from the snapshot. For loops. */
    boolean isCovered(long fromBytes, long toBytes) {
        if (!copiesOrigin) {
            return true;
        }
        if (state == SnapshotState.STARTING) {
            return fromBytes >= sizeBytes;
        }
        long end = Math.min(toBytes, sizeBytes);
        for (long chunk = fromBytes >> chunkShift; chunk << chunkShift < end; chunk++) {
            if (!table.isSettled(chunk)) {
                return false;
            }
        }
        return true;
    }

    // ---- worker's thread -----------------------------------------------------------------------------------------

    /** Older writes to the origin have landed: from here on the origin's contents are the snapshot's. */
    void started(boolean isValid) {
        state = isValid ? SnapshotState.ACTIVE : SnapshotState.INVALID;
        copiesOrigin = isValid;
        if (!isValid) {
            cause = "its store says that it became invalid earlier";
            loss.wasKnown();
        }
        List<HeldRequest> all = List.copyOf(heldUntilStarted);
        heldUntilStarted.clear();
        all.forEach(HeldRequest::release);
    }

    void setState(SnapshotState newState, String newCause) {
        cause = newCause;
        state = newState;
        LOG.info("snapshot={} state={} cause={}", name(), newState, newCause);
    }

    String cause() {
        return cause;
    }

    /**
     * Makes sure of all chunks that a write to the origin touches: what is not in the store yet is put on {@code
     * fresh}.
     */
    void cover(long fromBytes, long toBytes, HeldRequest held, List<PendingRemap> fresh) {
        if (!copiesOrigin) {
            return;
        }
        long end = Math.min(toBytes, sizeBytes);
        for (long chunk = fromBytes >> chunkShift; chunk << chunkShift < end; chunk++) {
            if (table.isSettled(chunk)) {
                continue;
            }
            if (state == SnapshotState.STARTING) {
                held.hold();
                heldUntilStarted.add(held);
                return;
            }
            if (state == SnapshotState.INVALID) {
                loss.hold(held);
                return;
            }
            PendingRemap one = pending.get(chunk);
            if (one == null) {
                one = begin(chunk);
                if (one == null) {
                    space.fullForOrigin(held);
                    return;
                }
                fresh.add(one);
            }
            one.join(held);
        }
    }

    /** A write to the snapshot, within one chunk that the loop did not find in the table (rule S-S2). */
    void write(BlockRequest request) {
        long chunk = request.offsetBytes() >> chunkShift;
        if (state != SnapshotState.ACTIVE || table.contains(chunk)) {
            loops.queue().handBack(request, ServedDevice.SERVE_AGAIN);
            return;
        }
        PendingRemap one = pending.get(chunk);
        if (one != null) {
            one.join(request, loops.queue());
            return;
        }
        one = begin(chunk);
        if (one == null) {
            space.fullForSnapshot(HeldRequest.of(request, loops.queue()));
        } else if (request.offsetBytes() == one.originOffsetBytes()
                && request.offsetBytes() + request.lengthBytes() == one.originEndBytes()) {
            writeWhole(one, request);
        } else {
            one.join(request, loops.queue());
            copies.add(List.of(one));
        }
    }

    private PendingRemap begin(long chunk) {
        if (!returned.isEmpty() || space.isFullBelow()) {
            return null;
        }
        long newChunk = store.allocate();
        space.allocated(newChunk != ExceptionStore.NO_SPACE);
        if (newChunk == ExceptionStore.NO_SPACE) {
            return null;
        }
        PendingRemap one = new PendingRemap(this, order.next(), new ChunkRemap(chunk, newChunk));
        pending.put(chunk, one);
        return one;
    }

    /** Nothing of the old contents is needed: the data goes straight to the store. */
    private void writeWhole(PendingRemap one, BlockRequest request) {
        WholeWrite whole = new WholeWrite(request, loops.queue());
        one.setWholeWrite(whole);
        whole.start(loops.transfers(), storeDevice(), one.storeOffsetBytes(), errno -> copied(one, errno));
    }

    /** A failed copy takes its turn too (rule S-I2). */
    @Override
    public void copied(PendingRemap one, int errno) {
        if (loops.queue().isStopped()) {
            return;
        }
        one.setErrno(errno);
        order.ended(one, this::takeTurn);
    }

    private void takeTurn(PendingRemap one) {
        boolean isFull = Refusal.is(storeDevice(), one.errno()) || !returned.isEmpty();
        if (state != SnapshotState.INVALID && one.errno() != Errno.OK && !isFull) {
            invalidate("copying chunk " + one.remap().oldChunk() + " failed: " + Errno.name(one.errno()));
        }
        if (state == SnapshotState.INVALID) {
            loss.drop(one);
        } else if (isFull) {
            giveBack(List.of(one));
        } else {
            committed.add(one);
            store.commit(one.remap());
        }
    }

    /**
     * The store's device has no room for these chunks, the latest that have taken their turn (rule S-V7). They and all
     * that follow go back to the store, in one step when nothing is being written to any of them.
     */
    private void giveBack(List<PendingRemap> chunks) {
        returned.addAll(chunks);
        space.fullBelow();
        endGivingBack();
    }

    private void endGivingBack() {
        if (returned.isEmpty() || !order.isEmpty()) {
            return;
        }
        List<PendingRemap> all = List.copyOf(returned);
        returned.clear();
        store.giveBack(all.stream().map(PendingRemap::remap).toList());
        all.forEach(one -> finish(one, ServedDevice.SERVE_AGAIN));
    }

    @Override
    public void full(int count) {
        if (loops.queue().isStopped()) {
            return;
        }
        List<PendingRemap> chunks = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            chunks.addFirst(committed.pollLast());
        }
        giveBack(chunks);
    }

    @Override
    public void settled(int errno) {
        if (loops.queue().isStopped()) {
            return;
        }
        if (errno == Errno.OK) {
            space.changed();
        } else if (Refusal.is(storeDevice(), errno)) {
            space.fullBelow();
        } else {
            invalidate("clearing records that were given up failed: " + Errno.name(errno));
        }
        tellIdle();
    }

    @Override
    public void recorded(int count) {
        if (state == SnapshotState.INVALID || loops.queue().isStopped()) {
            return;
        }
        List<PendingRemap> batch = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            PendingRemap one = committed.poll();
            boolean isNew = table.record(one.remap().oldChunk(), one.remap().newChunk());
            Invariant.check(isNew, "a chunk was recorded twice");
            batch.add(one);
        }
        space.recorded();
        // Between here and release both the table and the pending chunks know them: reads use the store, writes wait.
        loops.trackedReads().drain(() -> batch.forEach(this::settle));
    }

    private void settle(PendingRemap one) {
        table.settle(one.remap().oldChunk());
        finish(one, Errno.OK);
    }

    @Override
    public void failed(String why) {
        invalidate(why);
    }

    /**
     * The snapshot is lost (rules S-V1 to S-V3). Writes to the origin wait until that is written down, then go on
     * without it.
     */
    void invalidate(String why) {
        if (state == SnapshotState.INVALID) {
            return;
        }
        LOG.error("snapshot={} is lost: {}", name(), why);
        setState(SnapshotState.INVALID, why);
        List<PendingRemap> all = new ArrayList<>(committed);
        committed.clear();
        all.addAll(returned);
        returned.clear();
        loss.write();
        all.forEach(loss::drop);
    }

    /** @param isKnown a restart will know it: the origin's writes need not care for this snapshot any more */
    void lossWritten(boolean isKnown) {
        copiesOrigin = copiesOrigin && !isKnown;
        space.changed();
        tellIdle();
    }

    /** Writes to the snapshot find no more room; what it has stays readable (rule S-V1, PO). */
    void overflow() {
        setState(SnapshotState.OVERFLOW, "its store is full");
    }

    SnapshotLoss loss() {
        return loss;
    }

    /** A chunk is in the store, or will not be: ends its whole write with {@code errno} and lets go who waits. */
    void finish(PendingRemap one, int errno) {
        pending.remove(one.remap().oldChunk());
        if (one.wholeWrite() != null) {
            one.wholeWrite().answer(errno);
        }
        one.releaseHeld();
        tellIdle();
    }

    private boolean isIdle() {
        PersistentStore persistent = persistentStore();
        boolean isSettling = persistent != null && persistent.isSettling();
        return pending.isEmpty() && !loss.isBeingWritten() && !isSettling;
    }

    private void tellIdle() {
        if (isIdle() && !whenIdle.isEmpty()) {
            List<Runnable> tasks = List.copyOf(whenIdle);
            whenIdle.clear();
            tasks.forEach(Runnable::run);
        }
    }

    /** Runs a task now, or as soon as no chunk is on its way and nothing is being written to header or table. */
    void whenIdle(Runnable task) {
        if (isIdle()) {
            task.run();
        } else {
            whenIdle.add(task);
        }
    }

    /** No write needs to care for this snapshot any more: it is merging, or deleted. */
    void detach() {
        copiesOrigin = false;
    }

    /** A handle was abandoned: what waits of its ends, for a store that is full, or for its resuming. */
    void endAbandoned() {
        space.endAbandoned();
        suspension.endAbandoned();
    }

    /** A bug has stopped the worker: nothing is recorded any more, and what waits for its resuming ends. */
    void workerStopped() {
        suspension.endAll(Errno.EIO);
    }

    /** Another snapshot takes over table and store, suspended; the handles of this one are dead (rule S-H1). */
    void handOver(SnapshotSpec newSpec) {
        spec = newSpec;
        int next = generation + 1;
        generation = next;
        suspension.endAll(Errno.EIO);
    }

    /** Somebody says that the store may have grown. */
    void storeChanged() {
        space.changed();
    }

    SnapshotStatus status(long mergedChunks) {
        return new SnapshotStatus(
                spec.name(),
                spec.type(),
                state,
                cause,
                sizeBytes,
                chunkBytes(),
                store.allocatedBytes(),
                store.totalBytes(),
                store.metadataBytes(),
                table.count(),
                mergedChunks,
                suspension.isOn());
    }

    /** The persistent store; null if it is transient. */
    PersistentStore persistentStore() {
        return store instanceof PersistentStore persistent ? persistent : null;
    }

    @Override
    public String toString() {
        return "snapshot " + name();
    }
}
