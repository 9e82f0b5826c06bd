package dev.gossamer.daemon.server.access;

import java.util.function.BooleanSupplier;

/** What a remote device has of a {@link MemoryBudget}. Any thread. */
public final class RemoteShare {
    private final long connectionBytes;
    private volatile int connections;
    private volatile BooleanSupplier closed = () -> false;

    RemoteShare(long connectionBytes, int connections) {
        this.connectionBytes = connectionBytes;
        this.connections = connections;
    }

    /** Connections that the device may have. */
    public int connections() {
        return connections;
    }

    /** The device is open, with so many connections, and has its share until it is closed. */
    public void opened(int newConnections, BooleanSupplier isClosed) {
        connections = newConnections;
        closed = isClosed;
    }

    /** It could not be opened. */
    public void giveBack() {
        opened(0, () -> true);
    }

    boolean isClosed() {
        return closed.getAsBoolean();
    }

    long bytes() {
        return connections * connectionBytes;
    }
}
