package dev.gossamer.snapshot;

import dev.gossamer.io.BlockRequest;

/** A device whose requests can need the worker. */
interface ServedDevice {
    /** Serves a request, or a part of one, that has been checked. On the request's loop. */
    void serve(BlockRequest request);

    /** Decides a request that a loop could not serve. Worker's thread. */
    void admit(BlockRequest request);
}
