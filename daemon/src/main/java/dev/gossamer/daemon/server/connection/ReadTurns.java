package dev.gossamer.daemon.server.connection;

import dev.gossamer.daemon.server.connection.LineQueue.Line;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Wakeup;

/**
 * READs that take turns at the device: long ones of clients that have shown that they take what they ask for, and, with
 * turns of their own, all of the others. A piece that the page cache has is copied by whoever submits it, which is the
 * loop, and a disk that has been given many is not there for anybody else.
 *
 * <p>A turn is a batch of pieces of different connections, first those whose connection has nothing else here. The next
 * one begins when one has ended or, if a device is slow, after a moment. Turns that give way are different while others
 * use the loop: they are short and one at a time, and READs that still wait then do so for twice as long as the turn
 * took. Others have two thirds of the time, if a turn takes less than 5 ms, and if what they use is of this loop: turns
 * of several loops know nothing of each other. Whose commands wait for long uses the loop as well.
 *
 * <p>Confined to the loop.
 */
final class ReadTurns {
    /** A turn when nobody else is there: a fraction of a millisecond of copying. */
    static final int LONG_TURN_BYTES = 1 << 20;

    /** When a turn beside others is full: a quarter of a millisecond at 1 GiB a second. Its last READ may be longer. */
    static final int SHORT_TURN_BYTES = 256 << 10;

    /** READs of one turn, however short they are. */
    static final int TURN_READS = 16;

    /** Beyond it no turn begins before one is overdue: 1.6 GB a second of a device that needs 5 ms. */
    static final long UNDER_WAY_BYTES = 8 << 20;

    /** Turns that wait for a disk do not wait for each other: beyond 1 GiB a second they would. */
    private static final long PATIENCE_NANOS = 1_000_000;

    private static final int PAUSE_TURNS = 2;

    /** If a disk is slower than that, others do not gain much any more by a longer one. */
    static final long LONGEST_PAUSE_NANOS = 10_000_000;

    /** A turn that takes longer is not waited for: its device may be stuck, and others' are not. */
    private static final long OVERDUE_NANOS = 10_000_000;

    /** Each turn that is overdue doubles the patience up to this, each other one halves it: disks may be as slow. */
    private static final long LAST_OVERDUE_NANOS = 640_000_000;

    private final IoLoop loop;
    private final CommandCount commands;
    private final boolean givesWay;
    private final Runnable turnEnded = this::turnEnded;
    private final LineQueue single = new LineQueue();
    private final LineQueue several = new LineQueue();
    private boolean severalAreNext;
    // Those that are here, and those that ever came: the loop's other commands are others'.
    private int members;
    private long joined;
    // Of this epoch, which ends when a turn is overdue.
    private int underWay;
    private long underWayBytes;
    private long epoch;
    private long overdueNanos = OVERDUE_NANOS;
    private long othersBefore;
    private long beganNanos;
    private boolean watched;
    private boolean ending;
    private boolean pausing;

    /**
     * Nobody is here.
     *
     * @param loop itself, not as one of its connections sees it
     * @param commands of the loop, those that take turns among them
     * @param givesWay to other commands
     */
    ReadTurns(IoLoop loop, CommandCount commands, boolean givesWay) {
        this.loop = loop;
        this.givesWay = givesWay;
        this.commands = commands;
    }

    /** A READ takes turns until it {@link #leave leaves}. Throws nothing. */
    void join(TurnRead read, Line line) {
        members++;
        joined++;
        line.changeMembers(1);
        line.add(read);
        (line.members() == 1 ? single : several).add(line);
        goOn();
    }

    /** Its command ends. */
    void leave(Line line) {
        members--;
        line.changeMembers(-1);
    }

    /** A piece was read, and another one is wanted. */
    void again(TurnRead read, long pieceBytes, Line line) {
        line.add(read);
        several.add(line);
        ended(read, pieceBytes);
        goOn();
    }

    private void goOn() {
        if (underWay == 0 && !ending && !pausing) {
            beginTurn();
        } else {
            watch();
        }
    }

    /** The last piece was read, or one has failed. */
    void ended(TurnRead read, long pieceBytes) {
        if (read.epoch != epoch) {
            return;
        }
        underWay--;
        underWayBytes -= pieceBytes;
        // More than one turn is for a device that is slow, which the timer sees. Not here, inside a completion.
        if (underWay == 0 && !isEmpty() && !ending) {
            ending = Wakeup.call(loop, turnEnded);
        }
    }

    private void turnEnded() {
        ending = false;
        overdueNanos = Math.max(overdueNanos / 2, OVERDUE_NANOS);
        if (underWay == 0 && !pausing && othersAreActive()) {
            pause(Math.min(PAUSE_TURNS * (loop.nanoTime() - beganNanos), LONGEST_PAUSE_NANOS));
        } else {
            goOn();
        }
    }

    private boolean isEmpty() {
        return single.isEmpty() && several.isEmpty();
    }

    private long othersBegun() {
        return commands.begun() - joined;
    }

    /** Whether commands that take no turns are under way, or have been since the turn began. */
    private boolean othersAreActive() {
        return givesWay && (commands.underWay() > members || othersBegun() != othersBefore);
    }

    private void beginTurn() {
        if (isEmpty()) {
            return; // The clock of what is under way goes on.
        }
        int turnBytes = othersAreActive() ? SHORT_TURN_BYTES : LONG_TURN_BYTES;
        beganNanos = loop.nanoTime();
        othersBefore = othersBegun();
        long leftBytes = turnBytes;
        for (int i = 0; i < TURN_READS && leftBytes > 0 && !isEmpty(); i++) {
            leftBytes -= beginNext(turnBytes);
        }
        watch();
    }

    /** Who has one READ does not wait for all who have many, nor they for all who have one. */
    private long beginNext(int turnBytes) {
        boolean isSeveral = single.isEmpty() || (severalAreNext && !several.isEmpty());
        severalAreNext = !isSeveral && !several.isEmpty();
        Line line = (isSeveral ? several : single).remove();
        TurnRead next = line.remove();
        if (!line.isEmpty()) {
            several.add(line);
        }
        next.epoch = epoch;
        underWay++;
        long begunBytes = next.begin(turnBytes);
        underWayBytes += begunBytes;
        return begunBytes;
    }

    private void pause(long nanos) {
        try {
            loop.schedule(
                    () -> {
                        pausing = false;
                        goOn();
                    },
                    nanos);
            pausing = true;
        } catch (Throwable fault) {
            loop.faults().caught(fault);
            beginTurn();
        }
    }

    private void watch() {
        if (!watched && !isEmpty()) {
            try {
                loop.schedule(this::lookAgain, PATIENCE_NANOS);
                watched = true;
            } catch (Throwable fault) {
                loop.faults().caught(fault); // It only helps: what ends goes on.
            }
        }
    }

    private void lookAgain() {
        watched = false;
        if (underWay > 0 && loop.nanoTime() - beganNanos >= overdueNanos) {
            epoch++;
            underWay = 0;
            underWayBytes = 0;
            overdueNanos = Math.min(2 * overdueNanos, LAST_OVERDUE_NANOS);
        }
        boolean hasRoom = underWayBytes + LONG_TURN_BYTES <= UNDER_WAY_BYTES;
        if (hasRoom && !othersAreActive() && !ending && !pausing) {
            beginTurn();
        } else {
            goOn();
        }
    }
}
