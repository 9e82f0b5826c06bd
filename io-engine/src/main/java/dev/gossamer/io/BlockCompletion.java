package dev.gossamer.io;

/** Told when a {@link BlockRequest} is done. */
@FunctionalInterface
public interface BlockCompletion {

    /**
     * Runs on the request's loop. The callee owns the request from here on: it passes it on or recycles it.
     *
     * @param errno 0, or a value of {@link Errno}
     */
    void complete(BlockRequest request, int errno);
}
