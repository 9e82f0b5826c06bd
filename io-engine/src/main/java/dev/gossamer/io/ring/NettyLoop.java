package dev.gossamer.io.ring;

import dev.gossamer.io.Faults;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.RequestPool;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import io.netty.channel.Channel;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.util.concurrent.AbstractScheduledEventExecutor;
import io.netty.util.concurrent.FastThreadLocal;
import io.netty.util.concurrent.Ticker;
import java.util.concurrent.TimeUnit;

/** A Netty event loop with requests, buffers and a way to files of its own. Made by {@link IoLoops}. */
public final class NettyLoop implements IoLoop {
    private static final FastThreadLocal<NettyLoop> OF_THREAD = new FastThreadLocal<>();

    private final int index;
    private final IoEventLoop eventLoop;
    // The clock of the event loop's own timers.
    private final Ticker ticker;
    private final Faults faults;
    private final RequestPool requests = new RequestPool(this);
    private final IoBufferPool buffers;
    private final FileEngine files;
    private final RingPorts ports;

    /** @param ports null: sockets stay with their channels */
    NettyLoop(int index, IoEventLoop eventLoop, IoBufferPool buffers, FileEngine files, RingPorts ports) {
        this.index = index;
        this.eventLoop = eventLoop;
        this.ticker =
                eventLoop instanceof AbstractScheduledEventExecutor timed ? timed.ticker() : Ticker.systemTicker();
        this.buffers = buffers;
        this.files = files;
        this.ports = ports;
        this.faults = new Faults(toString());
        buffers.tellFaultsTo(faults::caught);
    }

    /** On the loop's thread, before anything else of ours runs there. */
    void begin() {
        OF_THREAD.set(this);
    }

    /** The loop around an event loop, for code that runs on it (a channel's initializer and handlers do). */
    public static NettyLoop of(EventLoop eventLoop) {
        NettyLoop loop = OF_THREAD.get();
        Invariant.check(loop != null && loop.eventLoop.equals(eventLoop), "not on this event loop's thread");
        return loop;
    }

    /** For binding channels to this loop. */
    public IoEventLoop eventLoop() {
        return eventLoop;
    }

    /** Whether sockets and files of this loop share an io_uring. */
    public boolean hasRing() {
        return files instanceof RingFileEngine;
    }

    /** Whether the loop serves the sockets of channels like this one itself, such as on its ring. */
    public boolean takesSocketOf(Channel channel) {
        return ports != null && ports.canTake(channel);
    }

    /** Takes the socket of a channel, if {@linkplain #takesSocketOf that can be done}. On the loop. */
    public RingPort takeSocketOf(Channel channel) throws StorageException {
        return ports.take(this, channel);
    }

    @Override
    public int index() {
        return index;
    }

    @Override
    public boolean inLoop() {
        return eventLoop.inEventLoop();
    }

    @Override
    public void execute(Runnable task) {
        eventLoop.execute(faults.guarded(task));
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // by contract a scheduled task cannot be taken back
    public void schedule(Runnable task, long delayNanos) {
        eventLoop.schedule(faults.guarded(task), delayNanos, TimeUnit.NANOSECONDS);
    }

    @Override
    public Faults faults() {
        return faults;
    }

    /** The event loop's time counts from the start of the process; this is the one that everybody else has. */
    @Override
    public long nanoTime() {
        return ticker.initialNanoTime() + ticker.nanoTime();
    }

    @Override
    public RequestPool requests() {
        return requests;
    }

    @Override
    public IoBufferPool buffers() {
        return buffers;
    }

    @Override
    public FileEngine files() {
        return files;
    }

    @Override
    public String toString() {
        return "I/O loop " + index;
    }
}
