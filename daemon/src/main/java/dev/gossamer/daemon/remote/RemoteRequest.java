package dev.gossamer.daemon.remote;

import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Wakeup;

/**
 * A block request while its commands are with a {@link RemoteLink}, on whose loop it is confined; the request itself
 * goes back to its own loop.
 */
final class RemoteRequest {
    private final BlockRequest request;
    private boolean flushAfter;
    private int pendingPieces;
    private int firstError = Errno.OK;
    // Null if the request's loop is this one. Made before it is needed: the answer must not fail for want of memory.
    private Wakeup elsewhere;

    /** @param flushAfter the request is stable only once a FLUSH has followed its last command */
    RemoteRequest(BlockRequest request, boolean flushAfter) {
        this.request = request;
        this.flushAfter = flushAfter;
        here();
    }

    /** From now on it is with the link of this loop. */
    void here() {
        elsewhere = request.loop().inLoop() ? null : new Wakeup(request.loop(), this::complete);
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
        if (elsewhere == null || !elsewhere.call()) {
            complete();
        }
        return false;
    }

    /** Ends a request of which no command exists, on its loop. */
    static void refuse(BlockRequest request) {
        if (request.loop().inLoop() || !Wakeup.call(request.loop(), request, its -> () -> its.complete(Errno.EIO))) {
            request.complete(Errno.EIO);
        }
    }

    private void complete() {
        request.complete(firstError);
    }
}
