package dev.gossamer.daemon.server.connection;

import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;
import dev.gossamer.io.buffer.IoBuffer;

/**
 * The transfer memory that one connection holds: for writes until they are done, for reads until they are sent.
 * Bounded by the connection's limit and by its share of what the loop has; a connection that gets none waits, and
 * reads no more of its client meanwhile (T53, T54). Confined to the connection's event loop.
 *
 * <p>Those who take nothing of what they asked for, however many they are, cannot have all of it: a part of the loop's
 * memory is for clients that have taken more than sockets could have swallowed, and were moving a moment ago.
 */
final class HeldMemory {
    /** What a client must have taken: more than the buffers of two sockets hold. */
    private static final long PROOF_BYTES = 16L << 20;

    /** For so long a client that holds memory may stand still, and is still taken for one that moves. */
    private static final long MOVING_NANOS = 250_000_000;

    private final IoLoop loop;
    private final long limitBytes;
    private final Runnable whenWorthATry;
    private final LoopLoad load;
    private long heldBytes;
    // Of that, what it got before it had shown anything.
    private long unprovenBytes;
    private long takenBytes;
    private long takenNanos;
    private boolean wasProven;
    private boolean waiting;
    private int wantedBytes;
    private long triedAfter = -1;
    // It waits, and nothing of its own will end that.
    private boolean starved;

    /**
     * The memory of one connection.
     *
     * @param load of the loop, that is told when nothing but others' memory can help
     * @param whenWorthATry run from the loop some time after memory was refused
     */
    HeldMemory(IoLoop loop, LoopLoad load, long limitBytes, Runnable whenWorthATry) {
        this.loop = loop;
        this.load = load;
        this.limitBytes = limitBytes;
        this.whenWorthATry = whenWorthATry;
    }

    /** Null if there is no memory for so many bytes now. */
    IoBuffer tryAcquire(int lengthBytes) {
        if (heldBytes > 0 && heldBytes + lengthBytes > limitBytes) {
            return null; // what is sent or done next makes room, and the connection goes on by itself
        }
        wasProven = isProven();
        IoBuffer buffer = mayHave(lengthBytes) ? loop.buffers().tryAcquire(lengthBytes) : null;
        if (buffer == null) {
            wantedBytes = lengthBytes;
            if (!waiting) { // else what had arrived already asks again: it stands in the line
                load.memoryWaiters().add(this);
                waiting = true;
            }
            setStarved(heldBytes == 0);
            return null;
        }
        stopWaiting(); // perhaps it came before anybody was woken
        heldBytes += buffer.capacityBytes();
        if (!wasProven) {
            changeUnproven(buffer.capacityBytes());
        }
        return buffer;
    }

    private boolean mayHave(int lengthBytes) {
        boolean trusted =
                isProven() || load.mayTrust(lengthBytes, loop.buffers().capacityBytes(), heldBytes == 0);
        return trusted && hasShare(lengthBytes);
    }

    /**
     * Whether what it waits for may be there now. True once after each release: the memory that is free may be in
     * pieces.
     *
     * @param releases how many there were
     */
    boolean isHelpedBy(long releases) {
        boolean isHelped =
                triedAfter != releases && mayHave(wantedBytes) && loop.buffers().canAcquire(wantedBytes);
        triedAfter = isHelped ? releases : triedAfter;
        return isHelped;
    }

    /** Whether the client has taken what it asked for, and does so still. */
    private boolean isProven() {
        return takenBytes >= PROOF_BYTES && (heldBytes == 0 || loop.nanoTime() - takenNanos < MOVING_NANOS);
    }

    /** Whether it had, when memory was acquired last. */
    boolean wasProven() {
        return wasProven;
    }

    private void changeUnproven(long byBytes) {
        unprovenBytes += byBytes;
        load.changeUnproven(byBytes);
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
        if (unprovenBytes > 0) {
            changeUnproven(-Math.min(bytes, unprovenBytes));
        }
        takenBytes += bytes;
        takenNanos = loop.nanoTime();
        if (waiting) {
            // It moves, and may have what it was refused while it stood still.
            load.memoryWaiters().remove(this);
            wake();
        }
        Invariant.check(heldBytes >= 0, "connection gave back more memory than it held");
    }

    /** Whether memory was refused, and none has been released since. */
    boolean isWaiting() {
        return waiting;
    }

    /** Nothing will be done with memory any more. */
    void stopWaiting() {
        if (waiting) {
            waiting = false;
            load.memoryWaiters().remove(this);
        }
        setStarved(false);
    }

    boolean isHolding() {
        return heldBytes > 0;
    }

    private void setStarved(boolean now) {
        if (now != starved) {
            starved = now;
            load.changeStarved(now ? 1 : -1);
        }
    }

    /** Has it tried again, from a task of its own. */
    void wake() {
        waiting = false;
        setStarved(false);
        Wakeup.call(loop, whenWorthATry);
    }
}
