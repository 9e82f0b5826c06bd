package dev.gossamer.io.worker;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.ServedDevice;
import dev.gossamer.io.Wakeup;
import java.util.function.Consumer;

/**
 * Commands for ranges without limit (DISCARD, WRITE_ZEROES), served one step after the other, so that what they need at
 * a time is bounded, however long they are. A few take large steps; beside them others take the smallest there are, and
 * nobody waits for anybody. For the commands of one loop and one kind of device; confined to the loop.
 */
public final class LongCommands {
    /** A large step is as long as this, or as one unit of the device. */
    private static final long STEP_BYTES = 4 << 20;

    private static final int LARGE_STEPS = 16;

    private int largeSteps;

    /**
     * Serves a command.
     *
     * @param unitBytes steps begin at multiples of this, so that no unit is cut in two; 0 = any
     * @param serve serves a part, or all of it if it is short or brings its data along
     * @param device whose user may have gone: then no further step is taken
     */
    public void serve(BlockRequest request, long unitBytes, Consumer<BlockRequest> serve, ServedDevice device) {
        long unit = Math.max(1, unitBytes);
        if (request.buffer() != null || request.lengthBytes() <= unit) {
            serve.accept(request);
        } else {
            request.beginSplit();
            new Command(request, unitBytes == 0 ? STEP_BYTES : unit, serve, device).step();
        }
    }

    private final class Command implements Consumer<BlockRequest> {
        private final BlockRequest request;
        private final long unitBytes;
        private final Consumer<BlockRequest> serve;
        private final ServedDevice device;
        private final long endBytes;
        // What a step throws is its command's, which ends.
        private final Runnable nextStep;
        private long nextBytes;

        Command(BlockRequest request, long unitBytes, Consumer<BlockRequest> serve, ServedDevice device) {
            this.request = request;
            this.unitBytes = unitBytes;
            this.serve = serve;
            this.device = device;
            this.nextStep = () -> request.guard(this);
            this.nextBytes = request.offsetBytes();
            this.endBytes = request.offsetBytes() + request.lengthBytes();
        }

        @Override
        public void accept(BlockRequest whole) {
            step();
        }

        private void step() {
            if (nextBytes == endBytes) {
                request.endSplit();
                return;
            }
            boolean large = largeSteps < LARGE_STEPS;
            long stepBytes = large ? Math.ceilDiv(STEP_BYTES, unitBytes) * unitBytes : unitBytes;
            long end = Math.min(endBytes, (nextBytes / stepBytes + 1) * stepBytes);
            BlockCompletion whenDone = (done, errno) -> stepDone(done, errno, large);
            BlockRequest part = request.child(nextBytes, end - nextBytes);
            part.push(whenDone);
            nextBytes = end;
            largeSteps += large ? 1 : 0;
            if (device.isAbandoned()) {
                part.complete(Errno.ESHUTDOWN);
            } else {
                // Ends the part alone: its end is what ends the command.
                part.guard(serve);
            }
        }

        private void stepDone(BlockRequest part, int errno, boolean large) {
            largeSteps -= large ? 1 : 0;
            part.complete(errno);
            if (errno != Errno.OK) {
                nextBytes = endBytes;
            }
            // A task of its own: steps that need no I/O would pile up on the stack.
            if (!Wakeup.call(request.loop(), nextStep)) {
                request.addPart();
                request.partDone(Errno.EIO);
                request.endSplit();
            }
        }
    }
}
