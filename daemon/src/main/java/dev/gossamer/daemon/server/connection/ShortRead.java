package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.stream.ConnectionLife;
import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.RequestStages;

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
    private long begunBytes;

    /**
     * One that has no request yet.
     *
     * @param turns of the loop
     * @param line of the connection that asks, at these turns
     * @param life of that connection
     */
    ShortRead(BlockDevice device, ReadTurns turns, LineQueue.Line line, ConnectionLife life) {
        this.device = device;
        this.turns = turns;
        this.line = line;
        this.life = life;
    }

    /** From now on the request is ended here. */
    void start(BlockRequest its) {
        its.push(whenDone);
        its.taken();
        request = its;
        its.stages().enter(RequestStages.TURN, its.loop().nanoTime());
        turns.join(this, line);
    }

    @Override
    long begin(int limitBytes) {
        request.stages().leave(request.loop().nanoTime());
        long lengthBytes = life.maySend() ? request.lengthBytes() : 0;
        begunBytes = lengthBytes;
        if (lengthBytes > 0) {
            device.start(request);
        } else {
            request.complete(Errno.ESHUTDOWN); // nobody can be answered any more
        }
        return lengthBytes;
    }

    private void done(BlockRequest whole, int errno) {
        turns.ended(this, begunBytes);
        turns.leave(line);
        request = null;
        line.giveSpare(this);
        whole.complete(errno);
    }
}
