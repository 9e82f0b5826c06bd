package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.nbd.wire.NbdCommand;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;
import dev.gossamer.thin.ReadLayout;

/**
 * The {@link SparseRead} objects of one connection, used again and again, and how many runs are under way in them: each
 * has a header of its own in the reply. Confined to the connection's event loop.
 */
final class SparseReads {
    /** Runs in flight together; beyond them a READ is answered in one piece. */
    static final int RUNS_LIMIT = 256;

    // What the last READ found; a sparse one takes it along. Those that came back follow by next.
    private SparseRead spare = new SparseRead();
    private int runs;

    /** Of the READ that is arriving. */
    ReadLayout layout() {
        return spare.layout;
    }

    /**
     * Whether the structured reply to a command may leave something out: a READ's, unless it must be in one piece (DF,
     * T19), if the layout pays, and there is room for the headers of that.
     */
    boolean fits(NbdRequest command) {
        int more = spare.layout.runs();
        return command.command() == NbdCommand.READ
                && (command.flags() & NbdFlags.CMD_DF) == 0
                && more > 1
                && runs + more <= RUNS_LIMIT;
    }

    /** Submits what is data, as the layout says; the request has it along. */
    void submit(BlockRequest request, BlockDevice device, LongReads turns, ConnectionLife life) {
        SparseRead sparse = spare;
        spare = sparse.next == null ? new SparseRead() : sparse.next;
        sparse.next = null;
        runs += sparse.layout.runs();
        request.owner = sparse;
        sparse.submit(request, device, turns, life);
    }

    /** A request is answered; whether it was one of these. */
    void done(BlockRequest request) {
        if (request.owner instanceof SparseRead sparse) {
            runs -= sparse.layout.runs();
            sparse.next = spare.next;
            spare.next = sparse;
        }
    }
}
