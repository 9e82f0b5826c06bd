package dev.gossamer.daemon.remote;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;

/**
 * A block request while its commands are with a {@link RemoteLink}, on whose loop it is confined; the request itself
 * goes back to its own loop.
 */
final class RemoteRequest {
    private final BlockRequest request;
    private boolean flushAfter;
    private int pendingPieces;
    private int firstError = Errno.OK;

    /** @param flushAfter the request is stable only once a FLUSH has followed its last command */
    RemoteRequest(BlockRequest request, boolean flushAfter) {
        this.request = request;
        this.flushAfter = flushAfter;
    }

    BlockRequest request() {
        return request;
    }

    void addPiece() {
        pendingPieces++;
    }

    /** A command has ended. True if now a FLUSH has to follow, as one more piece. */
    boolean pieceDone(int errno) {
        if (errno != Errno.OK && firstError == Errno.OK) {
            firstError = errno;
        }
        if (--pendingPieces > 0) {
            return false;
        }
        if (flushAfter && firstError == Errno.OK) {
            flushAfter = false;
            return true;
        }
        IoLoop loop = request.loop();
        int outcome = firstError;
        if (loop.inLoop()) {
            request.complete(outcome);
        } else {
            loop.execute(() -> request.complete(outcome));
        }
        return false;
    }
}
