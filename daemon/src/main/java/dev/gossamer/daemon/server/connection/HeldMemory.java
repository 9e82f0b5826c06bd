package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBuffer;

/**
 * The transfer memory that one connection holds: for writes until they are done, for reads until they are sent.
 * Bounded by the connection's limit and by its share of what the loop has; a connection that gets none waits, and
 * reads no more of its client meanwhile (T53, T54). Confined to the connection's event loop.
 */
final class HeldMemory {
    private final IoLoop loop;
    private final long limitBytes;
    private final Runnable whenWorthATry;
    private final Runnable tryTask = this::tryAgain;
    private final Runnable released = this::onReleased;
    private long heldBytes;
    private boolean waiting;

    /** @param whenWorthATry run from the loop some time after memory was refused */
    HeldMemory(IoLoop loop, long limitBytes, Runnable whenWorthATry) {
        this.loop = loop;
        this.limitBytes = limitBytes;
        this.whenWorthATry = whenWorthATry;
    }

    /** Null if there is no memory for so many bytes now. */
    IoBuffer tryAcquire(int lengthBytes) {
        if (heldBytes > 0 && heldBytes + lengthBytes > limitBytes) {
            return null; // what is sent or done next makes room, and the connection goes on by itself
        }
        IoBuffer buffer = hasShare(lengthBytes) ? loop.buffers().tryAcquire(lengthBytes) : null;
        if (buffer == null) {
            waiting = true;
            loop.buffers().whenReleased(released);
            return null;
        }
        heldBytes += buffer.capacityBytes();
        return buffer;
    }

    /**
     * Whether the connection would not hold more than it leaves free. So n connections that take all they can have
     * get the (n+1)th part of the loop's memory each, and one part stays for whoever comes next (T53, T54). The first
     * request of a connection that holds nothing needs no share.
     */
    private boolean hasShare(int lengthBytes) {
        long freeBytes = loop.buffers().capacityBytes() - loop.buffers().usedBytes();
        return heldBytes == 0 || heldBytes + lengthBytes <= freeBytes - lengthBytes;
    }

    /** Releases a buffer that was acquired here; null is none. */
    void giveBack(IoBuffer buffer) {
        if (buffer != null) {
            wasGivenBack(buffer.capacityBytes());
            buffer.release();
        }
    }

    /** Somebody else has released what was acquired here. */
    void wasGivenBack(int bytes) {
        heldBytes -= bytes;
        Invariant.check(heldBytes >= 0, "connection gave back more memory than it held");
    }

    /** Whether memory was refused, and none has been released since. */
    boolean isWaiting() {
        return waiting;
    }

    /** Nothing will be done with memory any more. */
    void stopWaiting() {
        waiting = false;
    }

    // Runs inside a release, maybe deep in another connection's completion: goes on from the event loop instead.
    private void onReleased() {
        loop.execute(tryTask);
    }

    private void tryAgain() {
        waiting = false;
        whenWorthATry.run();
    }
}
