package dev.gossamer.io;

/**
 * A device whose requests can need a worker: what a loop cannot serve alone it {@linkplain BlockRequest#park parks}
 * there, and the worker returns it with a verdict.
 */
public interface ServedDevice {
    /** Verdict: serve the request again. Every other verdict is an errno to complete it with. */
    int SERVE_AGAIN = -1;

    /** Serves a request, or a part of one, that was checked before it was parked. On the request's loop. */
    void serve(BlockRequest request);

    /** Decides a request that a loop could not serve. Worker's thread. */
    void admit(BlockRequest request);

    /** Whether nobody waits for this device's requests any more: its connection is gone. Any thread. */
    boolean isAbandoned();
}
