package dev.gossamer.snapshot;

import java.util.function.IntConsumer;

/**
 * Remembers outside the store that a snapshot is lost (rule S-V6): a store that is away when its snapshot is lost does
 * not know it when it comes back.
 */
@FunctionalInterface
public interface LossRecord {
    /** Nothing but the store's header: a snapshot whose store cannot take even that must not be loaded again. */
    LossRecord NONE = (snapshot, cause, done) -> done.accept(0);

    /**
     * A snapshot is lost, and writes of the origin wait. Called on the worker's loop, again if it failed and another
     * write comes; {@code done} gets 0 from any thread when that is durable, else a value of
     * {@link dev.gossamer.io.Errno}.
     */
    void lost(String snapshot, String cause, IntConsumer done);
}
