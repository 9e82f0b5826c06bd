package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.nbd.wire.NbdFlags;
import dev.gossamer.nbd.wire.NbdRequest;
import dev.gossamer.thin.ReadLayout;

/**
 * How READs of one connection begin, with its {@link SparseRead} objects, used again and again, and how many runs are
 * under way in them: each
 * has a header of its own in the reply. Confined to the connection's event loop.
 */
final class SparseReads {
    /** Runs in flight together; beyond them a READ is answered in one piece. */
    static final int RUNS_LIMIT = 256;

    private final BlockDevice device;
    private final boolean structured;
    private final LoopLoad load;
    private final LineQueue.Line provenLine = new LineQueue.Line();
    private final LineQueue.Line unprovenLine = new LineQueue.Line();
    private final HeldMemory memory;
    private final ConnectionLife life;

    // What the last READ found; a sparse one takes it along. Those that came back follow by next.
    private SparseRead spare = new SparseRead();
    private int runs;

    /**
     * None is under way.
     *
     * @param structured whether replies may leave something out
     * @param load of the loop
     * @param memory whence the READs have theirs
     */
    SparseReads(BlockDevice device, boolean structured, LoopLoad load, HeldMemory memory, ConnectionLife life) {
        this.device = device;
        this.structured = structured;
        this.load = load;
        this.memory = memory;
        this.life = life;
    }

    /** Of the READ that is arriving. */
    ReadLayout layout() {
        return spare.layout;
    }

    /**
     * Whether the structured reply to a command may leave something out: a READ's, unless it must be in one piece (DF,
     * T19), if the layout pays, and there is room for the headers of that.
     */
    private boolean fits(NbdRequest command) {
        int more = spare.layout.runs();
        return (command.flags() & NbdFlags.CMD_DF) == 0 && more > 1 && runs + more <= RUNS_LIMIT;
    }

    /** Whether a READ, which has its memory, takes no turns nor is in parts, and can be started as it is. */
    boolean isPlain(NbdRequest command) {
        return !takesTurns(command.lengthBytes()) && !(structured && fits(command));
    }

    private boolean takesTurns(long dataBytes) {
        return dataBytes > ReadTurns.LONG_TURN_BYTES || !memory.wasProven();
    }

    /** Starts a READ that is not: what of it is data, at once or in turns. What that throws ends it. */
    void start(NbdRequest command, BlockRequest request) {
        int seen = request.takings();
        try {
            begin(command, request);
        } catch (Throwable fault) {
            request.loop().faults().caught(fault);
            request.endUnlessTaken(seen);
        }
    }

    private void begin(NbdRequest command, BlockRequest request) {
        SparseRead sparse = structured && fits(command) ? take(request) : null;
        long dataBytes = sparse == null ? request.lengthBytes() : sparse.dataBytes();
        if (!takesTurns(dataBytes)) {
            sparse.submit(request, device); // what takes no turns is in parts
        } else if (sparse == null && dataBytes <= ReadTurns.LONG_TURN_BYTES) {
            ShortRead spareRead = unprovenLine.takeSpare();
            ShortRead read =
                    spareRead == null ? new ShortRead(device, load.unprovenTurns(), unprovenLine, life) : spareRead;
            read.start(request);
        } else {
            ReadLayout data = sparse == null ? null : sparse.layout;
            boolean proven = memory.wasProven();
            ReadTurns turns = proven ? load.provenTurns() : load.unprovenTurns();
            new SteppedRead(request, data, device, turns, proven ? provenLine : unprovenLine, life).start();
        }
    }

    private SparseRead take(BlockRequest request) {
        SparseRead sparse = spare;
        spare = sparse.next == null ? new SparseRead() : sparse.next;
        sparse.next = null;
        runs += sparse.layout.runs();
        request.note(sparse);
        return sparse;
    }

    /** A request is answered; whether it was one of these. */
    void done(BlockRequest request) {
        SparseRead sparse = request.note(SparseRead.class);
        if (sparse != null) {
            runs -= sparse.layout.runs();
            sparse.next = spare.next;
            spare.next = sparse;
        }
    }
}
