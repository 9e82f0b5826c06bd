package dev.gossamer.it.sim.world;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelPromise;
import io.netty.channel.DefaultChannelPromise;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.AbstractScheduledEventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Ticker;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;

/** A Netty event loop whose turns the {@link World} gives: tasks first in, first out, timers by simulated time. */
@SuppressWarnings({"deprecation", "UnnecessaryLambda", "InlineMeSuggester"}) // Netty's interfaces still ask for these
public final class SimEventLoop extends AbstractScheduledEventExecutor implements IoEventLoop, World.Alive {
    private static final Runnable NOTHING = () -> {};

    private final World world;
    private final int number;
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private final Runnable turn = this::takeTurn;
    private Runnable beforeTurn = NOTHING;
    private boolean dead;
    private boolean blocked;
    private boolean own = true;

    /** @param number names it in the history */
    public SimEventLoop(World world, int number) {
        this.world = world;
        this.number = number;
        world.enlist(this);
    }

    int number() {
        return number;
    }

    /** Administrators run on it, who are no part of the daemon. */
    void setForeign() {
        own = false;
    }

    boolean isOwn() {
        return own;
    }

    /** What makes the thread this loop's before a turn. */
    public void setBeforeTurn(Runnable action) {
        beforeTurn = action;
    }

    void beforeTurn() {
        beforeTurn.run();
    }

    /** Nothing of it runs any more, and what waits is forgotten. */
    public void die() {
        dead = true;
        tasks.clear();
        world.dismiss(this);
    }

    @Override
    public boolean isAlive() {
        return !dead;
    }

    /** Whether its thread waits in the middle of a turn. */
    void setBlocked(boolean nowBlocked) {
        blocked = nowBlocked;
    }

    boolean isReady() {
        return !blocked && !dead && (!tasks.isEmpty() || hasDueTimer());
    }

    private boolean hasDueTimer() {
        long deadline = nextScheduledTaskDeadlineNanos();
        return deadline >= 0 && deadline <= world.nowNanos();
    }

    long nextTimerNanos() {
        long deadline = nextScheduledTaskDeadlineNanos();
        return deadline < 0 || blocked ? Long.MAX_VALUE : deadline;
    }

    /** Tasks that wait: 0 when idle. */
    public int waitingTasks() {
        return tasks.size();
    }

    /** Its turn: one task. */
    void runOne() {
        world.enter(this, turn);
    }

    private void takeTurn() {
        for (Runnable due = pollScheduledTask(world.nowNanos());
                due != null;
                due = pollScheduledTask(world.nowNanos())) {
            tasks.add(due);
        }
        Runnable task = tasks.poll();
        if (task != null) {
            world.note(1, number, tasks.size(), () -> "loop " + number + " " + name(task));
            task.run();
        }
    }

    /** Without what differs from one Java to the next. */
    private static String name(Runnable task) {
        return task.toString().replaceAll("@[0-9a-f]+|/?0x[0-9a-f]+", "");
    }

    @Override
    public void execute(Runnable task) {
        if (dead) {
            return;
        }
        if (world.isInline()) {
            world.enter(this, task);
        } else {
            tasks.add(task);
        }
    }

    @Override
    public boolean inEventLoop(Thread thread) {
        return this == world.currentLoop();
    }

    @Override
    public Ticker ticker() {
        return world.ticker();
    }

    @Override
    public IoEventLoopGroup parent() {
        return this;
    }

    @Override
    public IoEventLoop next() {
        return this;
    }

    @Override
    public ChannelFuture register(Channel channel) {
        return register(new DefaultChannelPromise(channel, this));
    }

    @Override
    public ChannelFuture register(ChannelPromise promise) {
        promise.channel().unsafe().register(this, promise);
        return promise;
    }

    @Override
    @Deprecated
    public ChannelFuture register(Channel channel, ChannelPromise promise) {
        channel.unsafe().register(this, promise);
        return promise;
    }

    @Override
    public Future<IoRegistration> register(IoHandle handle) {
        throw new UnsupportedOperationException("simulated channels need no handle");
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> type) {
        return false;
    }

    @Override
    public boolean isIoType(Class<? extends IoHandler> type) {
        return false;
    }

    @Override
    public boolean isShuttingDown() {
        return dead;
    }

    @Override
    public Future<?> shutdownGracefully(long quietPeriod, long timeout, TimeUnit unit) {
        die();
        return terminationFuture();
    }

    @Override
    public Future<?> terminationFuture() {
        return io.netty.util.concurrent.GlobalEventExecutor.INSTANCE.newSucceededFuture(null);
    }

    @Override
    @Deprecated
    public void shutdown() {
        die();
    }

    @Override
    public boolean isShutdown() {
        return dead;
    }

    @Override
    public boolean isTerminated() {
        return dead;
    }

    @Override
    public boolean awaitTermination(long timeout, TimeUnit unit) {
        return dead;
    }
}
