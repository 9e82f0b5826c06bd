package dev.gossamer.it.sim.faults;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import dev.gossamer.it.sim.world.World;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;

/** The daemon's client of a {@link RemoteServer}, as the pool's data device: whoever waits for it lets others go on. */
public final class RemoteDisk extends ForwardingDevice {
    private final World world;
    private final RemoteServer server;
    private final Executor home;
    private final Runnable flushFailed;
    private final BooleanSupplier mayFail;
    private boolean hasFailed;

    /**
     * As the daemon has it.
     *
     * @param home runs what belongs on the device's own loop
     * @param mayFail whether something explains errors that is not the server's
     */
    public RemoteDisk(
            BlockDevice client,
            World world,
            RemoteServer server,
            Executor home,
            Runnable flushFailed,
            BooleanSupplier mayFail) {
        super(client);
        this.world = world;
        this.server = server;
        this.home = home;
        this.flushFailed = flushFailed;
        this.mayFail = mayFail;
    }

    public boolean hasFailed() {
        return hasFailed;
    }

    @Override
    public DeviceHealth health() {
        return below.health();
    }

    @Override
    public void submit(BlockRequest request) {
        BlockOperation operation = request.operation();
        long offset = request.offsetBytes();
        if (!server.hasPower()) {
            request.complete(Errno.EIO); // nothing counts any more, and a thread that waits comes back
            return;
        }
        boolean[] ended = {false};
        world.note(16, offset, request.lengthBytes(), () -> "remote " + operation + " " + offset);
        request.push((done, errno) -> {
            ended[0] = true;
            ended(operation, errno);
            world.note(17, offset, errno, () -> "remote " + operation + " " + offset + " -> " + errno);
            done.complete(errno);
        });
        below.submit(request);
        if (request.loop() instanceof InlineLoop) {
            world.block(() -> ended[0] || !server.hasPower());
            if (!ended[0]) {
                request.complete(Errno.EIO); // the life is over, and this thread is to come back
            }
        }
    }

    private void ended(BlockOperation operation, int errno) {
        if (errno == Errno.OK || !server.hasPower()) {
            return;
        }
        hasFailed = true;
        if (!server.mayFail() && !mayFail.getAsBoolean()) {
            throw new Violation(
                    Oracle.REPLY,
                    "the remote device fails " + operation + " with " + errno + ", which nothing explains");
        }
        // A flush that came to nobody has lost nothing: what it should cover is kept.
        if (operation == BlockOperation.FLUSH && server.hasFailedFlush()) {
            flushFailed.run();
        }
    }

    @Override
    public void close() {
        home.execute(below::close);
    }

    /** In the texts of errors, which are part of the history. */
    @Override
    public String toString() {
        return "remote";
    }
}
