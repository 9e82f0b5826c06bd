package dev.gossamer.io.rate;

import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;
import dev.gossamer.io.rate.RateTurn.State;
import java.util.ArrayList;
import java.util.List;

/**
 * Keeps the rates of one device, for all its clients on all loops. Whoever comes when there is nothing left stands in
 * line, one command of each client, reads and writes in lines of their own so that neither waits for what limits the
 * other. Who is first goes first; where both lines take from one bucket, whoever came first. So a line is as long as
 * there are clients, and what a client sends behind its command stays in its socket.
 *
 * <p>Whoever is let go is called, and comes by way of its loop. Until then nobody overtakes: else those who happen to
 * run would use up all that a busy machine has let accumulate, and the others would get one command each.
 *
 * <p>Any thread, under a lock that is held for a few dozen instructions, and only where there is a limit: shares of
 * several loops that each loop counts for itself would be exact for none of them. Commands are called from one timer,
 * on the loop of who came last; if that has no memory for a timer, it is asked again.
 */
public final class RateGate {
    /** A timer cannot be taken back, and keeps its loop's client in memory. */
    private static final long LONGEST_TIMER_NANOS = 1_000_000_000L;

    private static final long NOT_ARMED = Long.MAX_VALUE;

    private static final class Line {
        RateTurn first;
        RateTurn last;
        // Called, and not come yet.
        int onTheirWay;

        boolean isBusy() {
            return first != null || onTheirWay > 0;
        }
    }

    private final Line reads = new Line();
    private final Line writes = new Line();
    private IoRates rates = IoRates.NONE;
    private long numbers;
    private long armedForNanos = NOT_ARMED;
    private int waiting;
    private long waits;
    private long waitedNanos;
    // Null: no limit.
    private volatile RateBuckets buckets;

    /** Whether there is any limit. Any thread. */
    public boolean isLimited() {
        return buckets != null;
    }

    /** Other rates hold from now on, for those in line as well. Beginning anew, all buckets are full. Any thread. */
    public void set(IoRates newRates) {
        List<RateTurn> told = new ArrayList<>();
        synchronized (this) {
            if (newRates.equals(rates)) {
                return;
            }
            rates = newRates;
            buckets = newRates.isLimited() ? new RateBuckets(newRates) : null;
            for (RateTurn turn = oldest(reads.first, writes.first); turn != null; ) {
                remove(turn);
                turn.state = State.AWAY;
                told.add(turn);
                turn = oldest(reads.first, writes.first);
            }
            reads.onTheirWay = 0;
            writes.onTheirWay = 0;
        }
        told.forEach(RateTurn::call);
    }

    /** Who waits, and what has waited. Any thread. */
    public synchronized RateWaits waits() {
        return waiting == 0 && waits == 0 ? RateWaits.NONE : new RateWaits(waiting, waits, waitedNanos);
    }

    boolean take(RateTurn turn, boolean write, long bytes) {
        IoLoop loop = turn.loop();
        long now = loop.nanoTime();
        synchronized (this) {
            RateBuckets present = buckets;
            if (turn.state == State.CALLED) {
                turn.state = State.AWAY;
                if (turn.paidAt == present && present != null) {
                    lineOf(turn.write).onTheirWay--;
                    return true;
                }
            }
            if (present == null || !present.limits(write)) {
                turn.paidAt = null;
                return true;
            }
            if (turn.state == State.WAITING) {
                return false;
            }
            turn.write = write;
            turn.bytes = bytes;
            if (!mustQueue(present, write) && present.readyAt(write, bytes) <= now) {
                pay(turn, present, now);
                return true;
            }
            add(turn, now);
        }
        callThoseWhoMay(loop, now);
        return false;
    }

    private boolean mustQueue(RateBuckets present, boolean write) {
        return lineOf(write).isBusy() || (present.isShared() && lineOf(!write).isBusy());
    }

    void giveBack(RateTurn turn) {
        synchronized (this) {
            refund(turn);
        }
        callThoseWhoMay(turn.loop(), turn.loop().nanoTime());
    }

    void leave(RateTurn turn) {
        synchronized (this) {
            if (turn.state == State.WAITING) {
                remove(turn);
            } else if (turn.state == State.CALLED && turn.paidAt != null && turn.paidAt == buckets) {
                lineOf(turn.write).onTheirWay--;
                refund(turn);
            }
            turn.state = State.AWAY;
        }
        callThoseWhoMay(turn.loop(), turn.loop().nanoTime());
    }

    /** From the loop, which will have the timer for those that may not go yet. */
    private void callThoseWhoMay(IoLoop loop, long now) {
        for (RateTurn turn = letOneGo(now); turn != null; turn = letOneGo(now)) {
            turn.call(); // not under the lock: it may take its time
        }
        if (!arm(loop, now)) {
            Wakeup.call(loop, () -> timeHasCome(loop)); // that asks again
        }
    }

    private synchronized RateTurn letOneGo(long now) {
        RateTurn turn = oldest(readyFirst(reads, now), readyFirst(writes, now));
        if (turn != null) {
            remove(turn);
            waits++;
            waitedNanos += now - turn.sinceNanos;
            pay(turn, buckets, now);
            turn.state = State.CALLED;
            lineOf(turn.write).onTheirWay++;
        }
        return turn;
    }

    private RateTurn readyFirst(Line line, long now) {
        RateTurn first = line.first;
        return first != null && buckets.readyAt(first.write, first.bytes) <= now ? first : null;
    }

    private static RateTurn oldest(RateTurn one, RateTurn other) {
        if (one == null || other == null) {
            return one == null ? other : one;
        }
        return one.number < other.number ? one : other;
    }

    /** Asks for a timer, unless there is one that comes soon enough. False if there is no memory for it. */
    private synchronized boolean arm(IoLoop loop, long now) {
        long at = Math.min(Math.min(readyAt(reads), readyAt(writes)), armedForNanos);
        if (at == armedForNanos) {
            return true;
        }
        long delay = Math.min(Math.max(0, at - now), LONGEST_TIMER_NANOS);
        try {
            loop.schedule(() -> timeHasCome(loop), delay);
            armedForNanos = now + delay;
            return true;
        } catch (Throwable fault) {
            loop.faults().caught(fault);
            return false;
        }
    }

    private long readyAt(Line line) {
        return line.first == null ? NOT_ARMED : buckets.readyAt(line.first.write, line.first.bytes);
    }

    private void timeHasCome(IoLoop loop) {
        long now = loop.nanoTime();
        synchronized (this) {
            if (armedForNanos <= now) {
                armedForNanos = NOT_ARMED; // else this is an older timer, and another one is under way
            }
        }
        callThoseWhoMay(loop, now);
    }

    private static void pay(RateTurn turn, RateBuckets present, long now) {
        present.charge(turn.write, turn.bytes, now);
        turn.paidAt = present;
    }

    private void refund(RateTurn turn) {
        if (turn.paidAt != null && turn.paidAt == buckets) {
            turn.paidAt.refund(turn.write, turn.bytes);
        }
        turn.paidAt = null;
    }

    private Line lineOf(boolean write) {
        return write ? writes : reads;
    }

    private void add(RateTurn turn, long now) {
        Line line = lineOf(turn.write);
        turn.number = numbers++;
        turn.sinceNanos = now;
        turn.state = State.WAITING;
        turn.before = line.last;
        turn.behind = null;
        if (line.last == null) {
            line.first = turn;
        } else {
            line.last.behind = turn;
        }
        line.last = turn;
        waiting++;
    }

    private void remove(RateTurn turn) {
        Line line = lineOf(turn.write);
        if (turn.before == null) {
            line.first = turn.behind;
        } else {
            turn.before.behind = turn.behind;
        }
        if (turn.behind == null) {
            line.last = turn.before;
        } else {
            turn.behind.before = turn.before;
        }
        turn.before = null;
        turn.behind = null;
        waiting--;
    }
}
