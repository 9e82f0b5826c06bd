package dev.gossamer.snapshot.copy;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.worker.WorkerQueue;
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
public final class PendingRemap {
    /** Where a chunk goes, and who wants to know when it is there. */
    public interface Target {
        BlockDevice storeDevice();

        int chunkBytes();

        /** Of the snapshot; what lies beyond is not copied. */
        long sizeBytes();

        /** The chunk's contents are in the store, or cannot be. */
        void copied(PendingRemap chunk, int errno);
    }

    final Target target;
    final long number;
    private final ChunkRemap remap;

    // Bounded by the requests that connections have under way.
    private final List<HeldRequest> held = new ArrayList<>(1);
    private WholeWrite wholeWrite;
    // Outcome of the copy.
    private int errno = Errno.OK;

    /** @param number from the target's {@link CommitOrder} */
    public PendingRemap(Target target, long number, ChunkRemap remap) {
        this.target = target;
        this.number = number;
        this.remap = remap;
    }

    public ChunkRemap remap() {
        return remap;
    }

    public long originOffsetBytes() {
        return remap.oldChunk() * target.chunkBytes();
    }

    /** Where the chunk ends on the snapshot, or where the snapshot ends. */
    public long originEndBytes() {
        return Math.min(target.sizeBytes(), (remap.oldChunk() + 1) * target.chunkBytes());
    }

    public long storeOffsetBytes() {
        return remap.newChunk() * target.chunkBytes();
    }

    /** A write to the snapshot that replaces all of the chunk and completes with it; null if there is none. */
    public WholeWrite wholeWrite() {
        return wholeWrite;
    }

    /** The write that replaces all of the chunk. */
    public void setWholeWrite(WholeWrite write) {
        wholeWrite = write;
    }

    /** Whether the contents are in the store: an errno. */
    public int errno() {
        return errno;
    }

    /** What has become of the contents. */
    public void setErrno(int newErrno) {
        errno = newErrno;
    }

    public void join(HeldRequest request) {
        request.hold();
        held.add(request);
    }

    /** A write to the snapshot waits. */
    public void join(BlockRequest request, WorkerQueue queue) {
        HeldRequest waiting = HeldRequest.of(request, queue);
        join(waiting);
        waiting.release();
    }

    /** Who waits will not be carried out. */
    public void failHeld(int why) {
        held.forEach(request -> request.fail(why));
    }

    public void releaseHeld() {
        held.forEach(HeldRequest::release);
        held.clear();
    }
}
