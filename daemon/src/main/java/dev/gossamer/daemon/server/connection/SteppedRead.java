package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Wakeup;
import dev.gossamer.thin.ReadLayout;

/**
 * A long READ, one piece after the other ({@link LongReads}): handing the kernel 32 MiB at once keeps the loop, and the
 * device, for longer than anybody else of the loop should have to wait. It ends where it is when nobody can be answered
 * any more. Confined to the loop.
 */
final class SteppedRead {
    /** A fraction of a millisecond of copying. */
    static final int PIECE_BYTES = 1 << 20;

    private final BlockRequest request;
    private final BlockDevice device;
    private final LongReads turns;
    private final ConnectionLife life;
    // Null: all of it is data.
    private final ReadLayout layout;
    private final BlockCompletion whenPartDone = this::partDone;
    private final Runnable nextStep = this::pieceEnded;
    private int run;
    private long nextBytes;
    private int partsUnderWay;
    private int failure = Errno.OK;
    // The request was ended where it broke.
    private boolean isBroken;

    private SteppedRead(
            BlockRequest request, ReadLayout layout, BlockDevice device, LongReads turns, ConnectionLife life) {
        this.request = request;
        this.layout = layout;
        this.device = device;
        this.turns = turns;
        this.life = life;
        this.nextBytes = request.offsetBytes();
        skipHoles();
    }

    /** Whether so much of a READ goes in pieces. */
    static boolean isFor(long dataBytes) {
        return dataBytes > PIECE_BYTES;
    }

    /**
     * Starts one that does.
     *
     * @param layout what of it is data; null: all
     * @param turns of the loop
     * @param life of the connection that asks
     */
    static void start(
            BlockRequest request, ReadLayout layout, BlockDevice device, LongReads turns, ConnectionLife life) {
        request.guard(whole -> {
            SteppedRead read = new SteppedRead(whole, layout, device, turns, life);
            whole.beginSplit();
            turns.ready(read, whole.loop());
        });
    }

    private boolean isAtEnd() {
        return layout == null ? nextBytes == runEndBytes() : run == layout.runs();
    }

    private long runEndBytes() {
        return layout == null ? request.offsetBytes() + request.lengthBytes() : layout.endBytes(run);
    }

    private void skipHoles() {
        while (layout != null && run < layout.runs() && layout.isHole(run)) {
            run++;
        }
        if (layout != null && run < layout.runs()) {
            nextBytes = Math.max(nextBytes, layout.beginBytes(run));
        }
    }

    /** It is its turn: as many parts as make a piece. What that throws ends the request, and the turn all the same. */
    void begin() {
        partsUnderWay = 1;
        isBroken = true;
        request.guard(whole -> {
            beginParts();
            isBroken = false;
        });
        partEnded(life.maySend() ? Errno.OK : Errno.ESHUTDOWN);
    }

    private void beginParts() {
        for (long left = PIECE_BYTES; left > 0 && !isAtEnd() && life.maySend(); ) {
            long boundary = (nextBytes / PIECE_BYTES + 1) * PIECE_BYTES;
            long end = Math.min(runEndBytes(), boundary);
            BlockRequest part = request.child(nextBytes, end - nextBytes);
            left = end == boundary ? 0 : left - (end - nextBytes); // what begins in the middle is a short piece
            advance(end);
            partsUnderWay++;
            part.push(whenPartDone);
            device.start(part);
        }
    }

    private void advance(long toBytes) {
        boolean runIsDone = toBytes == runEndBytes();
        nextBytes = toBytes;
        if (layout != null && runIsDone) {
            run++;
            skipHoles();
        }
    }

    private void partDone(BlockRequest part, int errno) {
        part.complete(errno);
        partEnded(errno);
    }

    private void partEnded(int errno) {
        failure = failure == Errno.OK ? errno : failure;
        if (--partsUnderWay == 0 && !Wakeup.call(request.loop(), nextStep) && !isBroken) {
            request.addPart();
            request.partDone(Errno.EIO);
            request.endSplit();
        }
    }

    private void pieceEnded() {
        try {
            turns.ended(request.loop());
        } finally {
            goOn();
        }
    }

    private void goOn() {
        if (isBroken) {
            return;
        }
        if (failure != Errno.OK || isAtEnd()) {
            request.endSplit();
        } else {
            turns.ready(this, request.loop());
        }
    }
}
