package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestStages;
import dev.gossamer.io.Wakeup;
import dev.gossamer.thin.ReadLayout;

/**
 * A READ that takes {@link ReadTurns turns}, one piece after the other: handing the kernel 32 MiB at once keeps the
 * loop, and the device, for longer than anybody else of the loop should have to wait. It ends where it is when nobody
 * can be answered any more. Confined to the loop.
 */
final class SteppedRead extends TurnRead {
    private final BlockRequest request;
    private final BlockDevice device;
    private final ReadTurns turns;
    private final LineQueue.Line line;
    private final ConnectionLife life;
    // Null: all of it is data.
    private final ReadLayout layout;
    private final BlockCompletion whenPartDone = this::partDone;
    private final Runnable nextStep = this::pieceEnded;
    private int run;
    private long nextBytes;
    private long pieceBytes;
    private int partsUnderWay;
    private int failure = Errno.OK;
    // The request was ended where it broke.
    private boolean isBroken;

    /**
     * One that has not begun.
     *
     * @param layout what of it is data; null: all
     * @param turns of the loop
     * @param line of the connection that asks, at these turns
     * @param life of that connection
     */
    SteppedRead(
            BlockRequest request,
            ReadLayout layout,
            BlockDevice device,
            ReadTurns turns,
            LineQueue.Line line,
            ConnectionLife life) {
        this.request = request;
        this.layout = layout;
        this.device = device;
        this.turns = turns;
        this.line = line;
        this.life = life;
        this.nextBytes = request.offsetBytes();
        skipHoles();
    }

    /** From now on it is ended here. Throws nothing. */
    void start() {
        request.beginSplit();
        request.taken();
        waitForTurn();
        turns.join(this, line);
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

    /** What that throws ends the request, and the turn all the same. */
    @Override
    long begin(int limitBytes) {
        request.stages().leave(request.loop().nanoTime());
        partsUnderWay = 1;
        pieceBytes = 0;
        isBroken = true;
        int seen = request.takings();
        try {
            beginParts(limitBytes);
            isBroken = false;
        } catch (Throwable fault) {
            request.loop().faults().caught(fault);
            request.endUnlessTaken(seen);
        }
        long begunBytes = pieceBytes;
        partEnded(life.maySend() ? Errno.OK : Errno.ESHUTDOWN);
        return begunBytes;
    }

    private void beginParts(int limitBytes) {
        // What begins in the middle of a piece, and is longer, is put right by a short one.
        boolean isLong = request.offsetBytes() + request.lengthBytes() - nextBytes > limitBytes;
        for (boolean isFull = false; !isFull && !isAtEnd() && life.maySend(); ) {
            long boundary = isLong ? (nextBytes / limitBytes + 1) * limitBytes : Long.MAX_VALUE;
            long end = Math.min(Math.min(runEndBytes(), boundary), nextBytes + limitBytes - pieceBytes);
            BlockRequest part = request.child(nextBytes, end - nextBytes);
            pieceBytes += end - nextBytes;
            isFull = end == boundary || pieceBytes == limitBytes;
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
        if (--partsUnderWay == 0 && !Wakeup.call(request.loop(), nextStep)) {
            if (!isBroken) {
                request.addPart();
                request.partDone(Errno.EIO);
            }
            end();
        }
    }

    /** From a task of its own, not inside the completion: there may be hundreds of pieces. */
    private void pieceEnded() {
        if (isBroken || failure != Errno.OK || isAtEnd()) {
            end();
        } else {
            waitForTurn();
            turns.again(this, pieceBytes, line);
        }
    }

    private void waitForTurn() {
        request.stages().enter(RequestStages.TURN, request.loop().nanoTime());
    }

    private void end() {
        turns.ended(this, pieceBytes);
        turns.leave(line);
        if (!isBroken) {
            request.endSplit();
        }
    }
}
