package dev.gossamer.io.rate;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;

/**
 * One client's place at a {@link RateGate}: it has one command at a time that has not begun, and reads no further until
 * that may. Confined to its loop, but for what the gate does with it.
 */
public final class RateTurn {
    /** Where it is. */
    enum State {
        /** It wants nothing. */
        AWAY,
        /** It stands in the line. */
        WAITING,
        /** It was let go, and is on its way. */
        CALLED
    }

    private final RateGate gate;
    private final IoLoop loop;
    private final Runnable whenMayGo;

    // The gate's, under its lock; where it is may be read without.
    volatile State state = State.AWAY;
    boolean write;
    long bytes;
    long number;
    long sinceNanos;
    RateTurn before;
    RateTurn behind;
    // Where the command that went last, or is on its way, was paid; null: nowhere.
    RateBuckets paidAt;

    /**
     * One that wants nothing yet.
     *
     * @param loop of the client
     * @param whenMayGo run from that loop when it is worth while to ask again after {@link #mayGo} said no
     */
    public RateTurn(RateGate gate, IoLoop loop, Runnable whenMayGo) {
        this.gate = gate;
        this.loop = loop;
        this.whenMayGo = whenMayGo;
    }

    /** Whether there is any limit: one look, for whoever has none. */
    public boolean isLimited() {
        return gate.isLimited();
    }

    /**
     * Whether a command may begin now; if not it is in the line, and this is asked again with the same command.
     *
     * @param itWrites whether it counts as a write
     * @param itsBytes what it transfers, at most 2^32
     */
    public boolean mayGo(boolean itWrites, long itsBytes) {
        return gate.take(this, itWrites, itsBytes);
    }

    /** Whether a command is in the line: asking again is of no use yet. */
    public boolean isWaiting() {
        return state == State.WAITING;
    }

    /** The command that {@link #mayGo} let through has not begun, for another reason. It will be asked for again. */
    public void giveBack() {
        gate.giveBack(this);
    }

    /** The client wants nothing any more, whatever it waits for. */
    public void leave() {
        if (state != State.AWAY) {
            gate.leave(this);
        }
    }

    IoLoop loop() {
        return loop;
    }

    void call() {
        Wakeup.call(loop, whenMayGo);
    }
}
