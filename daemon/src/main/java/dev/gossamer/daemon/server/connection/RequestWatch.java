package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.DurationHistogram;
import java.time.Duration;
import java.util.Arrays;

/**
 * How long the requests of one loop take. Its connections share it, so the loop alone writes; a request costs two looks
 * at the clock and two counters, no lock and no allocation.
 */
@SuppressWarnings("EnumOrdinal") // A slot per operation, in memory only; a map would box on the hot path.
public final class RequestWatch {
    private final DurationHistogram[] durations = new DurationHistogram[NbdOperation.values().length];
    private final ClientLog log;
    private final FaultLog faults;
    private final SlowRequests slow;
    // Long.MAX_VALUE: none is slow. Set before the server listens.
    private volatile long slowNanos = Long.MAX_VALUE;

    private RequestWatch(ClientLog log, FaultLog faults, SlowRequests slow) {
        this.log = log;
        this.faults = faults;
        this.slow = slow;
        Arrays.setAll(durations, i -> new DurationHistogram());
    }

    /** One for each loop, with one limit of lines for all. */
    public static RequestWatch[] ofLoops(int count, ClientLog log) {
        FaultLog faults = new FaultLog(log);
        SlowRequests slow = new SlowRequests(log);
        RequestWatch[] watches = new RequestWatch[count];
        Arrays.setAll(watches, i -> new RequestWatch(log, faults, slow));
        return watches;
    }

    /** For the lines of connections. */
    ClientLog log() {
        return log;
    }

    FaultLog faults() {
        return faults;
    }

    public void logSlowerThan(Duration limit) {
        slowNanos = limit.isZero() ? Long.MAX_VALUE : limit.toNanos();
    }

    /** Any thread. */
    public DurationHistogram durations(NbdOperation operation) {
        return durations[operation.ordinal()];
    }

    /** A request has come back from its device. */
    void completed(NbdOperation operation, String export, BlockRequest request) {
        long now = request.loop().nanoTime();
        long nanos = request.stages().totalNanos(now);
        durations[operation.ordinal()].add(nanos);
        if (nanos >= slowNanos) {
            slow.completed(export, operation, request, nanos);
        }
    }

    /** A command that needed no device has been answered, on this loop. */
    void answered(NbdOperation operation, long nanos) {
        durations[operation.ordinal()].add(nanos);
    }
}
