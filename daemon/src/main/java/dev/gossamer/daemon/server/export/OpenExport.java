package dev.gossamer.daemon.server.export;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.rate.RateGate;
import dev.gossamer.thin.ReadLayout;
import dev.gossamer.thin.StatusContext;
import dev.gossamer.thin.StatusQuery;
import java.util.function.IntConsumer;

/**
 * An export as one connection has it open: a device, and what the client wants to know of its mappings. Used on the
 * connection's event loop.
 */
public interface OpenExport extends AutoCloseable {
    BlockDevice device();

    /** What its clients may do in a second, all together. Any thread. */
    RateGate rates();

    /** The export's name now; it may have been renamed since it was opened. Any thread. */
    String name();

    /** What it is whatever its name; a volume's, {@link VolumeExports#key}. Any thread. */
    String key();

    /**
     * Whether a volume would be missed here: it is the export, or a context compares the export with it. Any thread.
     */
    boolean uses(String volume);

    /** The client's metadata contexts, in the order of their ids; empty if it selected none. */
    StatusContext[] contexts();

    /** Answers a BLOCK_STATUS; only for an export with {@link #contexts}. */
    void queryStatus(StatusQuery query);

    /** Divides a range, which is not empty, into data and holes, as far as this is known without asking anybody. */
    void layout(IoLoop loop, long offsetBytes, long lengthBytes, ReadLayout layout);

    /**
     * Gets ready for reads and writes of a range, which is not empty (CACHE).
     *
     * @param answered told an errno on the loop, perhaps before this returns
     */
    void prefetch(IoLoop loop, long offsetBytes, long lengthBytes, IntConsumer answered);

    /** The client is gone: its requests that wait for space end now, without effect (thin rule N-5). */
    void abandon();

    /** Gives everything back, once. */
    @Override
    void close();
}
