package dev.gossamer.daemon.server;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.IoLoop;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;

/**
 * An export as one connection has it open: a device, and what the client wants to know of its mappings. Used on the
 * connection's event loop.
 */
interface OpenExport extends AutoCloseable {
    BlockDevice device();

    /** The export's name now; it may have been renamed since it was opened. Any thread. */
    String name();

    /** Whether a volume would be missed here: it is the export, or a context compares the export with it. Any thread. */
    boolean uses(String volume);

    /** The client's metadata contexts, in the order of their ids; empty if it selected none. */
    StatusContext[] contexts();

    /** Answers a BLOCK_STATUS; only for an export with {@link #contexts}. */
    void queryStatus(StatusQuery query);

    /** Whether nothing is mapped in the range, as far as this is known without asking anybody. */
    boolean isHole(IoLoop loop, long offsetBytes, long lengthBytes);

    /** Gives everything back, once. */
    @Override
    void close();
}
