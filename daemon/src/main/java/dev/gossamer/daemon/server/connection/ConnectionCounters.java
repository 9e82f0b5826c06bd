package dev.gossamer.daemon.server.connection;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * What has been done for a connection, or for all of them. One thread writes, any may read: values are published one by
 * one, without order between them.
 */
@SuppressWarnings("EnumOrdinal") // A slot per operation, in memory only; a map would box on the hot path.
public final class ConnectionCounters {
    private static final int OPERATIONS = NbdOperation.values().length;
    private static final int ERRORS = OPERATIONS;
    private static final int BYTES_READ = ERRORS + OPERATIONS;
    private static final int BYTES_WRITTEN = BYTES_READ + 1;
    private static final int BYTES_DISCARDED = BYTES_READ + 2;
    private static final int IN_FLIGHT = BYTES_READ + 3;

    private final AtomicLongArray values = new AtomicLongArray(IN_FLIGHT + 1);

    /** Commands answered, refused ones excepted, of one kind. */
    public long requests(NbdOperation operation) {
        return values.getOpaque(operation.ordinal());
    }

    /** Commands refused or failed, of one kind. */
    public long errors(NbdOperation operation) {
        return values.getOpaque(ERRORS + operation.ordinal());
    }

    /** Bytes of TRIMs that succeeded. */
    public long bytesDiscarded() {
        return values.getOpaque(BYTES_DISCARDED);
    }

    /** Commands answered, of all kinds. */
    public long requests() {
        long sum = 0;
        for (int i = 0; i < OPERATIONS; i++) {
            sum += values.getOpaque(i);
        }
        return sum;
    }

    /** Bytes sent to answer reads. */
    public long bytesRead() {
        return values.getOpaque(BYTES_READ);
    }

    /** Bytes of writes that succeeded. */
    public long bytesWritten() {
        return values.getOpaque(BYTES_WRITTEN);
    }

    /** Commands refused or failed. */
    public long errors() {
        long sum = 0;
        for (int i = 0; i < OPERATIONS; i++) {
            sum += values.getOpaque(ERRORS + i);
        }
        return sum;
    }

    /** Commands under way now. */
    public long inFlight() {
        return values.getOpaque(IN_FLIGHT);
    }

    void setInFlight(int requests) {
        values.setOpaque(IN_FLIGHT, requests);
    }

    void countRequest(NbdOperation operation) {
        add(operation.ordinal(), 1);
    }

    void countRead(long bytes) {
        add(BYTES_READ, bytes);
    }

    void countWritten(long bytes) {
        add(BYTES_WRITTEN, bytes);
    }

    void countDiscarded(long bytes) {
        add(BYTES_DISCARDED, bytes);
    }

    void countError(NbdOperation operation) {
        add(ERRORS + operation.ordinal(), 1);
    }

    void addAll(ConnectionCounters other) {
        for (int i = 0; i < values.length(); i++) {
            add(i, other.values.getOpaque(i));
        }
    }

    // No atomic addition is needed: there is one writer.
    private void add(int index, long amount) {
        values.setOpaque(index, values.getPlain(index) + amount);
    }
}
