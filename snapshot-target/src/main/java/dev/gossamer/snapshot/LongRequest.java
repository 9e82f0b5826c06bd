package dev.gossamer.snapshot;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import java.util.function.Consumer;

/**
 * A request for a range without limit (DISCARD, WRITE_ZEROES), served one step after the other, so that what it needs
 * at a time is bounded. On the request's loop.
 */
final class LongRequest {
    /** A step is as long as this, or as one unit of the device. */
    private static final long STEP_BYTES = 4 << 20;

    private final BlockRequest request;
    private final long stepBytes;
    private final Consumer<BlockRequest> serve;
    private final long endBytes;
    private long nextBytes;

    private LongRequest(BlockRequest request, long stepBytes, Consumer<BlockRequest> serve) {
        this.request = request;
        this.stepBytes = stepBytes;
        this.serve = serve;
        this.nextBytes = request.offsetBytes();
        this.endBytes = request.offsetBytes() + request.lengthBytes();
    }

    /** @param unitBytes steps begin at multiples of this, so that no unit is cut in two; 0 = any */
    static void serve(BlockRequest request, long unitBytes, Consumer<BlockRequest> serve) {
        long unit = Math.max(1, unitBytes);
        long step = Math.ceilDiv(STEP_BYTES, unit) * unit;
        if (request.buffer() != null || request.lengthBytes() <= step) {
            serve.accept(request);
        } else {
            request.beginSplit();
            new LongRequest(request, step, serve).step();
        }
    }

    private void step() {
        if (nextBytes == endBytes) {
            request.endSplit();
            return;
        }
        long end = Math.min(endBytes, (nextBytes / stepBytes + 1) * stepBytes);
        BlockRequest part = request.child(nextBytes, end - nextBytes);
        nextBytes = end;
        part.push((done, errno) -> {
            done.complete(errno);
            if (errno != Errno.OK) {
                nextBytes = endBytes;
            }
            // A task of its own: steps that need no I/O would pile up on the stack.
            request.loop().execute(this::step);
        });
        serve.accept(part);
    }
}
