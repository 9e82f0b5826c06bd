package dev.gossamer.snapshot;

import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.snapshot.copy.HeldRequest;
import dev.gossamer.snapshot.store.ExceptionStore;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps a snapshot's store from getting full, and decides what happens if it is (rules S-V1, S-V5). Worker's thread.
 *
 * <ol>
 *   <li>When less than an eighth of the store is left, its {@link StoreGrowth} is asked for more.
 *   <li>A write that finds no room waits for that, at most the spec's hold-back time after the first that found none.
 *       While writes wait, growth is asked for again every second.
 *   <li>What is below the store may be full too, or take no changes any more (rule S-V7): a {@link
 *       dev.gossamer.snapshot.store.Refusal} counts as a store that is full, which is tried again after a second.
 *   <li>Then the spec's {@link StoreFullAction}. To invalidate means for a write to the snapshot: overflow, if it is of
 *       type PO.
 * </ol>
 */
final class StoreSpace {
    private static final long NOT_FULL = Long.MIN_VALUE;

    /** And a store that is full asks again, or is tried again, after this time. */
    private static final long NANOS_BETWEEN_QUESTIONS = 1_000_000_000;

    /** Growth that brought nothing is asked for again after so many chunks: less would only repeat the question. */
    private static final int CHUNKS_BETWEEN_QUESTIONS = 64;

    private final CowSnapshot snapshot;
    private final IoLoop loop;
    // Bounded by the requests that connections have under way.
    private final List<HeldRequest> waiting = new ArrayList<>();
    private long fullSinceNanos = NOT_FULL;
    private boolean asking;
    private int allocatedSinceAsked = CHUNKS_BETWEEN_QUESTIONS;
    private long askedNanos;
    private long fullBelowNanos = NOT_FULL;
    // Those who wait may wait for room below, of which nobody will tell.
    private boolean tryAgain;
    private boolean watching;

    StoreSpace(CowSnapshot snapshot, IoLoop loop) {
        this.snapshot = snapshot;
        this.loop = loop;
    }

    /** A chunk was taken from the store, or there was none. */
    void allocated(boolean success) {
        allocatedSinceAsked += success ? 1 : 0;
        askIfDue(!success);
    }

    /** Chunks are in the store for good: there is room. */
    void recorded() {
        fullSinceNanos = NOT_FULL;
        fullBelowNanos = NOT_FULL;
    }

    /** The store's device has no room for a chunk that the store has. */
    void fullBelow() {
        fullBelowNanos = loop.nanoTime();
        tryAgain = true;
    }

    /** Whether it had none a moment ago: trying again would only repeat the answer. */
    boolean isFullBelow() {
        return fullBelowNanos != NOT_FULL && loop.nanoTime() - fullBelowNanos < NANOS_BETWEEN_QUESTIONS;
    }

    private void askIfDue(boolean isFull) {
        ExceptionStore store = snapshot.store();
        long leftBytes = store.totalBytes() - store.allocatedBytes();
        boolean due = allocatedSinceAsked >= CHUNKS_BETWEEN_QUESTIONS
                || (isFull && loop.nanoTime() - askedNanos >= NANOS_BETWEEN_QUESTIONS);
        if (leftBytes < store.totalBytes() / 8 && due && !asking) {
            ask(store.totalBytes());
        }
    }

    private void ask(long totalBytes) {
        asking = true;
        allocatedSinceAsked = 0;
        askedNanos = loop.nanoTime();
        snapshot.spec()
                .full()
                .growth()
                .grow(
                        snapshot.name(),
                        totalBytes,
                        () -> loop.execute(() -> {
                            asking = false;
                            // If it has not grown, those who wait would only come back, and ask again.
                            if (snapshot.store().totalBytes() > totalBytes) {
                                allocatedSinceAsked = CHUNKS_BETWEEN_QUESTIONS;
                                changed();
                            }
                        }));
    }

    /** A write to the origin needs a chunk and there is none. */
    void fullForOrigin(HeldRequest held) {
        if (held.isAbandoned()) {
            held.fail(Errno.ESHUTDOWN);
        } else if (mayWait()) {
            hold(held);
        } else if (snapshot.spec().full().action() == StoreFullAction.FAIL_WRITES) {
            held.fail(refusal());
        } else {
            snapshot.invalidate(isReadOnly() ? "its store takes no changes any more" : "its store is full");
            snapshot.loss().hold(held);
        }
    }

    /** As of a pool itself: only what is full is said to be full. */
    private int refusal() {
        return isReadOnly() ? Errno.EIO : Errno.ENOSPC;
    }

    private boolean isReadOnly() {
        return snapshot.storeDevice().geometry().readOnly();
    }

    /** A write to the snapshot needs a chunk and there is none. */
    void fullForSnapshot(HeldRequest held) {
        if (held.isAbandoned()) {
            held.fail(Errno.ESHUTDOWN);
        } else if (mayWait()) {
            hold(held);
        } else if (snapshot.spec().full().action() == StoreFullAction.FAIL_WRITES) {
            held.fail(refusal());
        } else if (snapshot.spec().type() == StoreType.PERSISTENT_OVERFLOW) {
            snapshot.overflow();
        } else {
            snapshot.invalidate("its store is full");
            snapshot.loss().hold(held);
        }
        held.release();
    }

    /** The store may have grown: lets those who wait look again. */
    void changed() {
        List<HeldRequest> all = List.copyOf(waiting);
        waiting.clear();
        all.forEach(HeldRequest::release);
    }

    /**
     * A connection has ended: nobody wants to know what becomes of its writes, so those that wait end without effect.
     */
    void endAbandoned() {
        List<HeldRequest> all = List.copyOf(waiting);
        waiting.clear();
        for (HeldRequest held : all) {
            if (held.isAbandoned()) {
                held.fail(Errno.ESHUTDOWN);
                held.release();
            } else {
                waiting.add(held);
            }
        }
    }

    private boolean mayWait() {
        long holdBackNanos = snapshot.spec().full().holdBackNanos();
        if (holdBackNanos <= 0) {
            return false;
        }
        if (fullSinceNanos == NOT_FULL) {
            fullSinceNanos = loop.nanoTime();
            loop.schedule(this::changed, holdBackNanos);
        }
        return loop.nanoTime() - fullSinceNanos < holdBackNanos;
    }

    private void hold(HeldRequest held) {
        held.hold();
        waiting.add(held);
        watch();
    }

    private void watch() {
        if (!watching) {
            watching = true;
            loop.schedule(this::lookAgain, NANOS_BETWEEN_QUESTIONS);
        }
    }

    /** Nobody may come by who would ask: those who wait do it themselves. */
    private void lookAgain() {
        watching = false;
        if (waiting.isEmpty()) {
            return;
        }
        askIfDue(true);
        if (tryAgain && !isFullBelow()) {
            tryAgain = false;
            changed();
        } else {
            watch();
        }
    }
}
