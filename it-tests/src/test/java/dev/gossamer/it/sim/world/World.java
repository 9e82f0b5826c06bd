package dev.gossamer.it.sim.world;

import dev.gossamer.it.sim.judge.Violation;
import dev.gossamer.it.sim.judge.Violation.Oracle;
import io.netty.util.concurrent.Ticker;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Simulated time, and who runs when. Parties are the event loops of all lives and what lies outside of them (devices,
 * network, clients); a step is one task of one party, drawn from the seed among those that have something to do. Time
 * passes a little with each step, and jumps to the next event when all are idle.
 */
public final class World {
    /** What a step costs, so that whoever works in slices of time comes to their end. */
    private static final int STEP_NANOS_MIN = 200;

    private static final int STEP_NANOS_MAX = 5_000;

    /** Longer than any device's patience. */
    private static final long BLOCKED_NANOS_MAX = 200_000_000_000L;

    private static final ThreadLocal<World> CURRENT = new ThreadLocal<>();

    /** How the next party is chosen. */
    private enum Mood {
        UNIFORM,
        ONE_SLOW,
        BURSTS
    }

    private record Event(long atNanos, long number, Alive owner, Runnable task) {}

    /** Whose event it is: it does not happen any more when its owner is gone. */
    public interface Alive {
        /** Never gone. */
        Alive ALWAYS = () -> true;

        boolean isAlive();
    }

    /** Something that is so in turns of a process's own code, and neither in the network nor in clients. */
    public interface OwnCode {
        OwnCode NOTHING = new OwnCode() {
            @Override
            public void entered() {}

            @Override
            public void left() {}
        };

        void entered();

        /** It ends, or waits and lets others go on; called more often than the other. */
        void left();
    }

    private final Streams streams;
    private final Trace trace;
    private final SplittableRandom schedule;
    private final Mood mood;
    private final int slowParty;
    private final PriorityQueue<Event> events =
            new PriorityQueue<>(Comparator.comparingLong(Event::atNanos).thenComparingLong(Event::number));
    private final List<SimEventLoop> loops = new ArrayList<>();
    private final List<Throwable> faults = new ArrayList<>();
    private long nowNanos;
    private long leaptNanos;
    private long eventsMade;
    private long steps;
    private SimEventLoop current;
    private boolean inline;
    private SimEventLoop burst;
    private final Map<Integer, Listener> listeners = new HashMap<>();
    private long dialled;
    private OwnCode ownCode = OwnCode.NOTHING;
    private int burstLeft;

    public World(long seed, Trace trace) {
        this.streams = new Streams(seed);
        this.trace = trace;
        schedule = streams.of("schedule");
        mood = Mood.values()[schedule.nextInt(Mood.values().length)];
        slowParty = schedule.nextInt(4);
        CURRENT.set(this);
    }

    /** Of this thread: for what Netty makes by reflection. */
    public static World current() {
        return CURRENT.get();
    }

    public Streams streams() {
        return streams;
    }

    public Trace trace() {
        return trace;
    }

    public long nowNanos() {
        return nowNanos;
    }

    public long steps() {
        return steps;
    }

    /** Time goes by, and nobody notices before he looks at the clock. */
    public void leap(long nanos) {
        nowNanos += nanos;
        leaptNanos += nanos;
    }

    /** What is told of turns. */
    public void watch(OwnCode watcher) {
        ownCode = watcher;
    }

    /** What was thrown where nothing may throw. */
    public List<Throwable> faults() {
        return faults;
    }

    public void note(int kind, long a, long b, Supplier<String> text) {
        trace.note(nowNanos, kind, a, b, text);
    }

    /** Happens outside of all loops after the delay, if the owner lives then. */
    public void after(long delayNanos, Alive owner, Runnable task) {
        events.add(new Event(nowNanos + Math.max(0, delayNanos), eventsMade++, owner, task));
    }

    /** Takes connections that a daemon makes. */
    public interface Listener {
        /** Whether anybody listens there now. */
        boolean isUp();

        void accepted(SimSocket end);
    }

    /** Who is found at a port that a daemon connects to. */
    public void listen(int port, Listener newListener) {
        listeners.put(port, newListener);
    }

    /** A daemon's end of a new connection; null: nobody listens. */
    SimSocket dial(int port, NetMood mood) {
        Listener listener = listeners.get(port);
        if (listener == null || !listener.isUp()) {
            return null;
        }
        SimSocket[] ends = SimSocket.pair(this, mood, "dialled-" + ++dialled);
        listener.accepted(ends[1]);
        return ends[0];
    }

    long nextDialled() {
        return ++dialled;
    }

    /**
     * The current loop waits in the middle of its turn, as a thread does, and the others go on.
     *
     * @return false if that takes too long: a finding, which the daemon's code in between might take for a fault
     */
    public boolean block(BooleanSupplier done) {
        SimEventLoop waiting = current;
        boolean wasInline = inline;
        long begunNanos = nowNanos - leaptNanos;
        ownCode.left();
        current = null;
        inline = false;
        if (waiting != null) {
            waiting.setBlocked(true);
        }
        boolean inVain = false;
        while (!inVain && !done.getAsBoolean()) {
            inVain = !step() || nowNanos - leaptNanos - begunNanos > BLOCKED_NANOS_MAX;
        }
        if (inVain) {
            faults.add(new Violation(Oracle.LIVENESS, "a thread waits for ever"));
        }
        inline = wasInline;
        current = waiting;
        if (waiting != null) {
            waiting.setBlocked(false);
            waiting.beforeTurn();
        }
        return !inVain;
    }

    SimEventLoop currentLoop() {
        return current;
    }

    /** Whether what is executed on a loop runs at once: somebody waits for it without letting time pass. */
    boolean isInline() {
        return inline && current == null;
    }

    void enlist(SimEventLoop loop) {
        loops.add(loop);
    }

    void dismiss(SimEventLoop loop) {
        loops.remove(loop);
    }

    /** Runs code that waits for tasks of loops, such as to bind a listener: each runs where it is executed. */
    public void waiting(Runnable code) {
        inline = true;
        try {
            code.run();
        } finally {
            inline = false;
        }
    }

    void enter(SimEventLoop loop, Runnable task) {
        SimEventLoop before = current;
        current = loop;
        loop.beforeTurn();
        try {
            task.run();
        } catch (Throwable fault) {
            faults.add(fault);
        } finally {
            current = before;
            if (before != null) {
                before.beforeTurn();
            }
        }
    }

    /** One task of one party. False if nothing will ever happen any more. */
    public boolean step() {
        steps++;
        nowNanos += STEP_NANOS_MIN + schedule.nextInt(STEP_NANOS_MAX - STEP_NANOS_MIN);
        while (true) {
            dropDead();
            SimEventLoop chosen = choose();
            if (chosen != null) {
                turn(chosen);
                return true;
            }
            Event due = events.peek();
            if (due != null && due.atNanos <= nowNanos) {
                events.poll();
                due.task.run();
                return true;
            }
            long next = due == null ? Long.MAX_VALUE : due.atNanos;
            for (SimEventLoop loop : loops) {
                next = Math.min(next, loop.nextTimerNanos());
            }
            if (next == Long.MAX_VALUE) {
                return false;
            }
            nowNanos = Math.max(nowNanos, next);
        }
    }

    private void turn(SimEventLoop chosen) {
        if (chosen.isOwn()) {
            ownCode.entered();
        }
        try {
            chosen.runOne();
        } finally {
            ownCode.left();
        }
    }

    private void dropDead() {
        while (!events.isEmpty() && !events.peek().owner.isAlive()) {
            events.poll();
        }
    }

    /** Null: an event's turn, if one is due. */
    private SimEventLoop choose() {
        Event due = events.peek();
        int ready = due != null && due.atNanos <= nowNanos ? 1 : 0;
        SimEventLoop chosen = null;
        if (burstLeft > 0 && burst.isReady()) {
            burstLeft--;
            return burst;
        }
        SimEventLoop slow = null;
        for (SimEventLoop loop : loops) {
            if (!loop.isReady()) {
                continue;
            }
            if (mood == Mood.ONE_SLOW && loop.number() == slowParty && schedule.nextInt(50) != 0) {
                slow = loop;
                continue;
            }
            if (schedule.nextInt(++ready) == 0) {
                chosen = loop;
            }
        }
        if (chosen != null && mood == Mood.BURSTS && schedule.nextInt(8) == 0) {
            burst = chosen;
            burstLeft = schedule.nextInt(30);
        }
        return ready == 0 ? slow : chosen;
    }

    /** The clock of loops and of Netty's timers. */
    Ticker ticker() {
        return ticker;
    }

    private final Ticker ticker = new Ticker() {
        @Override
        public long initialNanoTime() {
            return 0;
        }

        @Override
        public long nanoTime() {
            return nowNanos;
        }

        @Override
        public void sleep(long delay, TimeUnit unit) {
            throw new UnsupportedOperationException("nobody sleeps on the only thread");
        }
    };
}
