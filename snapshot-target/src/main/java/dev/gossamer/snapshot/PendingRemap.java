package dev.gossamer.snapshot;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.snapshot.store.ChunkRemap;
import java.util.ArrayList;
import java.util.List;

/**
 * A chunk on its way into a snapshot's store (dm's pending exception). There is one per chunk at most; every write that
 * needs it joins (rule S-O3). Worker's thread.
 *
 * <ol>
 *   <li>Number and store chunk are taken together.
 *   <li>The chunk is copied, or written whole by a write to the snapshot.
 *   <li>In order of number, it is recorded.
 *   <li>The table of the snapshot has it: reads use the store.
 *   <li>Reads that were on their way to the origin have come back: whoever waits is released.
 * </ol>
 */
final class PendingRemap {
    final CowSnapshot snapshot;
    final long number;
    final ChunkRemap remap;

    /** A write to the snapshot that replaces all of the chunk and completes with it; null if there is none. */
    BlockRequest wholeWrite;

    /** Outcome of the copy. */
    int errno = Errno.OK;

    // Bounded by the requests that connections have under way.
    private final List<HeldRequest> held = new ArrayList<>(1);

    PendingRemap(CowSnapshot snapshot, long number, ChunkRemap remap) {
        this.snapshot = snapshot;
        this.number = number;
        this.remap = remap;
    }

    long originOffsetBytes() {
        return remap.oldChunk() * snapshot.chunkBytes();
    }

    /** Where the chunk ends on the snapshot, or where the snapshot ends. */
    long originEndBytes() {
        return Math.min(snapshot.sizeBytes(), (remap.oldChunk() + 1) * snapshot.chunkBytes());
    }

    long storeOffsetBytes() {
        return remap.newChunk() * snapshot.chunkBytes();
    }

    void join(HeldRequest request) {
        request.hold();
        held.add(request);
    }

    void releaseHeld() {
        held.forEach(HeldRequest::release);
        held.clear();
    }
}
