package dev.gossamer.io.worker;

import dev.gossamer.io.BlockRequest;

/**
 * Cuts a request where its device's map does, and serves each run. A request that is one run is served as it is. On the
 * request's loop; allocates nothing.
 *
 * @param <R> what a look-up answers
 */
public abstract class RunCutter<R extends MapRun> {
    private final PerLoop<R> runs;

    protected RunCutter(PerLoop<R> runs) {
        this.runs = runs;
    }

    /**
     * Looks up the run that begins at {@code fromBytes} and ends at {@code toBytes} at the latest.
     *
     * @param request which the range belongs to
     */
    protected abstract void find(R run, BlockRequest request, long fromBytes, long toBytes);

    /**
     * Serves a piece that is one run.
     *
     * @param run its answer, until the next look-up of this loop; serving a piece may cause one
     */
    protected abstract void serve(BlockRequest piece, R run);

    /** Serves all of a request, which is not empty. */
    public final void serveWhole(BlockRequest request) {
        long from = request.offsetBytes();
        long to = from + request.lengthBytes();
        R run = runs.of(request.loop());
        find(run, request, from, to);
        if (run.endBytes() == to) {
            serve(request, run);
            return;
        }
        request.beginSplit();
        serveFrom(run, request, from, to);
        request.endSplit();
    }

    /** Serves a range, which is not empty, of a request that is being split. */
    public final void servePart(BlockRequest request, long fromBytes, long toBytes) {
        R run = runs.of(request.loop());
        find(run, request, fromBytes, toBytes);
        serveFrom(run, request, fromBytes, toBytes);
    }

    /** @param run the one at {@code fromBytes} */
    private void serveFrom(R run, BlockRequest request, long fromBytes, long toBytes) {
        long position = fromBytes;
        while (true) {
            long end = run.endBytes();
            serve(request.child(position, end - position), run);
            if (end == toBytes) {
                return;
            }
            position = end;
            find(run, request, position, toBytes);
        }
    }
}
