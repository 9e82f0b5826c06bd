package dev.gossamer.snapshot;

/** Makes a snapshot's store larger before it is full (rule S-V5): for a store that is a volume of a pool, say. */
@FunctionalInterface
public interface StoreGrowth {
    /** A store that has the size it has. */
    StoreGrowth NONE = (snapshot, totalBytes, done) -> done.run();

    /**
     * The store of a snapshot is nearly full. Called on the worker's loop, once until {@code done} is run, from any
     * thread; by then the store's {@code sizeBytes()} has grown, or it cannot.
     */
    void grow(String snapshot, long totalBytes, Runnable done);
}
