package dev.gossamer.io.order;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import java.util.function.Consumer;

/**
 * One handle's writes in the {@link WriteOrder} of its device. When the user of the handle is gone, nothing more is
 * started for him (NBD T51a): the requests that still wait for older ones end.
 */
public final class OrderedWrites {
    private final WriteOrder order;
    private final Consumer<BlockRequest> begin;
    private final Consumer<BlockRequest> inTurn = this::inTurn;
    // Set by the connection's loop, read by others.
    private volatile boolean abandoned;

    /**
     * @param order of the device, for all its handles
     * @param begin serves a write whose turn has come, on its loop
     */
    public OrderedWrites(WriteOrder order, Consumer<BlockRequest> begin) {
        this.order = order;
        this.begin = begin;
    }

    /** Serves a write, which is not empty, now or when older ones that it overlaps are done. On its loop. */
    public void submit(BlockRequest write) {
        if (order.enter(write, inTurn)) {
            begin.accept(write);
        }
    }

    private void inTurn(BlockRequest write) {
        if (abandoned) {
            write.complete(Errno.ESHUTDOWN);
        } else {
            begin.accept(write);
        }
    }

    /** The user is gone: what waits ends with ESHUTDOWN, in its turn. Any thread. */
    public void abandon() {
        abandoned = true;
    }

    public boolean isAbandoned() {
        return abandoned;
    }
}
