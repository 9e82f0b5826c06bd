package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;

/** A READ that is done in one {@link ReadTurns turn}, as it is. Confined to the loop. */
final class ShortRead extends TurnRead {
    private final BlockRequest request;
    private final BlockDevice device;
    private final ReadTurns turns;
    private final LineQueue.Line line;
    private final ConnectionLife life;

    private ShortRead(
            BlockRequest request, BlockDevice device, ReadTurns turns, LineQueue.Line line, ConnectionLife life) {
        this.request = request;
        this.device = device;
        this.turns = turns;
        this.line = line;
        this.life = life;
    }

    /**
     * Starts one.
     *
     * @param turns of the loop
     * @param line of the connection that asks
     * @param life of that connection
     */
    static void start(
            BlockRequest request, BlockDevice device, ReadTurns turns, LineQueue.Line line, ConnectionLife life) {
        request.guard(whole -> {
            ShortRead read = new ShortRead(whole, device, turns, line, life);
            whole.push(read::done);
            whole.taken();
            turns.join(read, line);
        });
    }

    @Override
    long begin(int limitBytes) {
        long lengthBytes = request.lengthBytes();
        if (life.maySend()) {
            device.start(request);
        } else {
            request.complete(Errno.ESHUTDOWN); // nobody can be answered any more
        }
        return lengthBytes;
    }

    private void done(BlockRequest whole, int errno) {
        turns.ended(this, whole.lengthBytes());
        whole.complete(errno);
        turns.leave(line);
    }
}
