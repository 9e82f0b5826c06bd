package dev.gossamer.thin;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.StorageException;
import java.util.concurrent.CompletableFuture;

/** Whose a pool is, on devices that others reach too: what the pool itself has to do about it (OP-11, OP-12). */
public interface PoolOwner {
    /**
     * The pool is loaded and has committed nothing: it must be as it was when it was claimed. On the pool's worker;
     * waits for its I/O.
     *
     * @throws StorageException if somebody else has changed it
     */
    void confirm(BlockingIo metadata, BlockingIo data) throws StorageException;

    /** Whether the catalog has yet to get the owner slot's data block. */
    boolean isUnmapped();

    /** Where the owner slot is on the data device; -1: there is none. */
    long slotOffsetBytes();

    /** The pool has made its last change. Completes on some loop, in any case. */
    CompletableFuture<Void> release();
}
