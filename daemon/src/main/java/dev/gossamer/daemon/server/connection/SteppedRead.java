package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Wakeup;

/**
 * A long READ, one piece after the other: handing the kernel 32 MiB at once keeps the loop, and the device, for longer
 * than anybody else of the loop should have to wait. Confined to the loop.
 */
final class SteppedRead {
    /** A fraction of a millisecond of copying. */
    static final int PIECE_BYTES = 1 << 20;

    private final BlockRequest request;
    private final BlockDevice device;
    private final long endBytes;
    // What a step throws ends the request.
    private final Runnable nextStep;
    private final BlockCompletion whenDone = this::stepDone;
    private long nextBytes;

    private SteppedRead(BlockRequest request, BlockDevice device) {
        this.request = request;
        this.device = device;
        this.nextStep = () -> request.guard(whole -> step());
        this.nextBytes = request.offsetBytes();
        this.endBytes = request.offsetBytes() + request.lengthBytes();
    }

    /** Whether a request is a READ that goes in pieces. */
    static boolean isFor(BlockRequest request) {
        return request.lengthBytes() > PIECE_BYTES && request.operation() == BlockOperation.READ;
    }

    /** Starts one that does. */
    static void start(BlockRequest request, BlockDevice device) {
        request.beginSplit();
        new SteppedRead(request, device).step();
    }

    private void step() {
        if (nextBytes == endBytes) {
            request.endSplit();
            return;
        }
        long end = Math.min(endBytes, (nextBytes / PIECE_BYTES + 1) * PIECE_BYTES);
        BlockRequest piece = request.child(nextBytes, end - nextBytes);
        nextBytes = end;
        piece.push(whenDone);
        device.start(piece);
    }

    private void stepDone(BlockRequest piece, int errno) {
        piece.complete(errno);
        if (errno != Errno.OK) {
            nextBytes = endBytes;
        }
        if (!Wakeup.call(request.loop(), nextStep)) {
            request.addPart();
            request.partDone(Errno.EIO);
            request.endSplit();
        }
    }
}
