package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;

/**
 * A READ that is done in one {@link ReadTurns turn}, as it is; used again for others of its connection. Confined to the
 * loop.
 */
final class ShortRead extends TurnRead {
    private final BlockDevice device;
    private final ReadTurns turns;
    private final LineQueue.Line line;
    private final ConnectionLife life;
    private final BlockCompletion whenDone = this::done;
    private BlockRequest request;

    private ShortRead(BlockDevice device, ReadTurns turns, LineQueue.Line line, ConnectionLife life) {
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
            ShortRead read = line.takeSpare();
            if (read == null) {
                read = new ShortRead(device, turns, line, life);
            }
            read.request = whole;
            whole.push(read.whenDone);
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
        request = null;
        whole.complete(errno);
        turns.leave(line);
        line.giveSpare(this);
    }
}
