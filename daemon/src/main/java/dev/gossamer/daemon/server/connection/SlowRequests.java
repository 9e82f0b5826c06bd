package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.ClientLog.Kind;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.RequestStages;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/**
 * Tells of requests that took too long, and where the time went (OP-36): at most ten lines a second, and an event each
 * for whoever records the process with JDK Flight Recorder.
 */
final class SlowRequests {
    private final ClientLog log;

    /** Shared by all loops. */
    SlowRequests(ClientLog log) {
        this.log = log;
    }

    /** The request's loop. */
    void completed(String export, NbdOperation operation, BlockRequest request, long nanos) {
        RequestStages stages = request.stages();
        long order = stages.nanos(RequestStages.ORDER);
        long worker = stages.nanos(RequestStages.WORKER);
        long commit = stages.nanos(RequestStages.COMMIT);
        long turn = stages.nanos(RequestStages.TURN);
        long device = Math.max(0, nanos - order - worker - commit - turn);
        record(export, operation, request, new long[] {nanos, order, worker, commit, turn, device});
        if (log.admits(Kind.REQUEST_SLOW)) {
            log.write(
                    Kind.REQUEST_SLOW,
                    " export={} operation={} offsetBytes={} lengthBytes={} millis={} orderMillis={}"
                            + " workerMillis={} commitMillis={} turnMillis={} deviceMillis={}",
                    export,
                    operation.label(),
                    request.offsetBytes(),
                    request.lengthBytes(),
                    millis(nanos),
                    millis(order),
                    millis(worker),
                    millis(commit),
                    millis(turn),
                    millis(device));
        }
    }

    private static void record(String export, NbdOperation operation, BlockRequest request, long[] nanos) {
        SlowRequest event = new SlowRequest();
        if (event.shouldCommit()) {
            event.export = export;
            event.operation = operation.label();
            event.offsetBytes = request.offsetBytes();
            event.lengthBytes = request.lengthBytes();
            event.total = nanos[0];
            event.order = nanos[1];
            event.worker = nanos[2];
            event.commit = nanos[3];
            event.turn = nanos[4];
            event.device = nanos[5];
            event.commit();
        }
    }

    private static long millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMillis(nanos);
    }

    /** In a recording. */
    @Name("dev.gossamer.SlowRequest")
    @Label("Slow NBD request")
    @Description("A request that took longer than slow-request of pool.yaml, and where it waited")
    @Category("Gossamer")
    @StackTrace(false)
    static final class SlowRequest extends Event {
        String export;
        String operation;
        long offsetBytes;
        long lengthBytes;

        @Timespan(Timespan.NANOSECONDS)
        long total;

        @Timespan(Timespan.NANOSECONDS)
        long order;

        @Timespan(Timespan.NANOSECONDS)
        long worker;

        @Timespan(Timespan.NANOSECONDS)
        long commit;

        @Timespan(Timespan.NANOSECONDS)
        long turn;

        @Timespan(Timespan.NANOSECONDS)
        long device;
    }
}
