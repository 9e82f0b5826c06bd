package dev.gossamer.io.ring;

import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.posix.FileThreads;
import dev.gossamer.io.posix.ThreadFileEngine;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoRegistration;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The process's event loops: I/O loops with indexes from 0, and worker loops after them.
 *
 * <p>Life: {@link #start}, any number of {@link #startWorker}, then {@link #close} once all I/O has ended. Started and
 * closed by one thread, none of the loops.
 */
public final class IoLoops implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(IoLoops.class);

    /** Netty checks for new tasks this long before a loop ends; none come any more, so: not at all. */
    private static final long QUIET_MILLIS = 0;

    private static final long CLOSE_TIMEOUT_MILLIS = 5000;

    private final Transport transport;
    // All of the I/O, or what io_uring cannot do: then made when it is first needed. Guarded by this object's monitor.
    private FileThreads threads;
    private final IoEventLoopGroup group;
    private final List<IoEventLoopGroup> workerGroups = new ArrayList<>();
    // Netty makes the thread of a loop when the loop gets its first task, which is in begin().
    private final List<Thread> loopThreads = new ArrayList<>();
    private final List<NettyLoop> loops = new ArrayList<>();
    private final int ioLoops;
    // Set by the owner before there is anything to lose; called by a loop. The loop has logged why.
    private volatile Consumer<Throwable> whenLost = why -> {};

    private IoLoops(Transport transport, int count) {
        this.transport = transport;
        AtomicInteger started = new AtomicInteger();
        group = newGroup(count, task -> newThread(task, "gossamer-io-" + started.getAndIncrement()));
        ioLoops = count;
    }

    private IoLoops(Transport transport, IoEventLoopGroup group, int count) {
        this.transport = transport;
        this.group = group;
        ioLoops = count;
    }

    /**
     * Loops over event loops that the caller runs itself, in turns, with a way to files of its own: whoever simulates a
     * process. The first of them are the I/O loops, which {@code group} hands out; nobody closes these.
     */
    static IoLoops over(
            Transport transport,
            IoEventLoopGroup group,
            List<? extends IoEventLoop> eventLoops,
            int ioLoops,
            int bufferBytes,
            FileEngine files,
            RingPorts ports) {
        IoLoops loops = new IoLoops(transport, group, ioLoops);
        eventLoops.forEach(eventLoop -> loops.begin(eventLoop, bufferBytes, files, ports));
        return loops;
    }

    /**
     * Starts the I/O loops.
     *
     * @param bufferBytesPerLoop limit of each loop's {@link IoBufferPool}, a power of two
     * @throws StorageException if io_uring was asked for and cannot be had, or the system lacks something: then none
     *     runs
     */
    public static IoLoops start(int count, IoEngineChoice choice, int bufferBytesPerLoop) throws StorageException {
        Transport transport = Transport.choose(choice);
        IoLoops loops = null;
        try {
            loops = new IoLoops(transport, count);
            for (EventExecutor executor : loops.group) {
                loops.begin((IoEventLoop) executor, bufferBytesPerLoop);
            }
            return loops;
        } catch (RuntimeException | Error fault) {
            if (loops != null) {
                loops.close();
            }
            throw refusal(count, fault);
        }
    }

    /** Netty wraps what the system says. */
    private static StorageException refusal(int count, Throwable fault) {
        if (fault instanceof IllegalArgumentException mistake) {
            throw mistake;
        }
        return new StorageException(
                Errno.ENOMEM,
                "cannot start " + count + " I/O loops: " + Reason.of(fault)
                        + "; they need memory, threads and descriptors: see ulimit -a, and LimitNOFILE, LimitMEMLOCK,"
                        + " TasksMax in the unit",
                fault);
    }

    /** Starts one more loop with a thread of this name, for a pool's worker. It is not part of {@link #nettyGroup}. */
    public NettyLoop startWorker(String name, int bufferBytes) {
        IoEventLoopGroup workerGroup = newGroup(1, task -> newThread(task, name));
        workerGroups.add(workerGroup);
        return begin(workerGroup.next(), bufferBytes);
    }

    /**
     * What happens if a loop can do no I/O any more, called there: its requests cannot be answered, because the kernel
     * may still have their memory. For a process that serves somebody there is only its end.
     */
    public void whenLost(Consumer<Throwable> action) {
        whenLost = action;
    }

    private IoEventLoopGroup newGroup(int count, ThreadFactory names) {
        return new MultiThreadIoEventLoopGroup(
                count, names, GuardedIoHandler.guard(transport.handlers(), why -> whenLost.accept(why)));
    }

    // A daemon thread, so that a start that fails halfway does not keep the process alive.
    private Thread newThread(Runnable task, String name) {
        Thread thread = new FastThreadLocalThread(task, name);
        thread.setDaemon(true);
        loopThreads.add(thread);
        return thread;
    }

    private NettyLoop begin(IoEventLoop eventLoop, int bufferBytes) {
        return begin(
                eventLoop,
                bufferBytes,
                transport.ring() ? startRing(eventLoop) : new ThreadFileEngine(fileThreads()),
                transport.ring() ? UringPort.PORTS : null);
    }

    private NettyLoop begin(IoEventLoop eventLoop, int bufferBytes, FileEngine files, RingPorts ports) {
        IoBufferPool buffers = new IoBufferPool(bufferBytes);
        try {
            NettyLoop loop = new NettyLoop(loops.size(), eventLoop, buffers, files, ports);
            eventLoop.submit(loop::begin).syncUninterruptibly();
            loops.add(loop);
            return loop;
        } catch (RuntimeException | Error fault) {
            buffers.close();
            throw fault;
        }
    }

    private synchronized FileThreads fileThreads() {
        if (threads == null) {
            threads = new FileThreads(transport.ring() ? FileThreads.FOR_RARE_CALLS : FileThreads.FOR_ALL_IO);
        }
        return threads;
    }

    private RingFileEngine startRing(IoEventLoop eventLoop) {
        RingFileEngine engine = new RingFileEngine(this::fileThreads);
        IoRegistration registration =
                eventLoop.register(engine).syncUninterruptibly().getNow();
        eventLoop.submit(() -> engine.start(registration, eventLoop)).syncUninterruptibly();
        return engine;
    }

    /** Number of I/O loops. */
    public int count() {
        return ioLoops;
    }

    /** An I/O loop by its index, or a worker's loop. */
    public NettyLoop loop(int index) {
        return loops.get(index);
    }

    /** The I/O loops, then the workers' that have been started. */
    List<NettyLoop> all() {
        return List.copyOf(loops);
    }

    /** The threads of all loops, workers included; for counters of the Java runtime. */
    public List<Thread> threads() {
        return List.copyOf(loopThreads);
    }

    /** The I/O loops as Netty wants them for a server bootstrap. */
    public IoEventLoopGroup nettyGroup() {
        return group;
    }

    /** The channel type for listening on a Unix socket. */
    public Class<? extends ServerChannel> unixServerChannel() {
        return transport.unixServer();
    }

    /** The channel type for connecting to a Unix socket, on any of the loops. */
    public Class<? extends Channel> unixChannel() {
        return transport.unixClient();
    }

    /** The channel type for connecting over TCP, on any of the loops. */
    public Class<? extends Channel> tcpChannel() {
        return transport.tcpClient();
    }

    /** The address to bind {@link #unixServerChannel} to, or to connect {@link #unixChannel} to. */
    public SocketAddress unixAddress(Path path) {
        return transport.unixAddress(path);
    }

    /** The channel type for listening on TCP. */
    public Class<? extends ServerChannel> tcpServerChannel() {
        return transport.tcpServer();
    }

    /**
     * Accepts connections on a socket that was passed to this process. The bootstrap has {@link #nettyGroup}, no
     * channel type and no address.
     *
     * @throws StorageException if the system refuses
     */
    public Channel listen(ServerBootstrap bootstrap, PassedSocket socket) throws StorageException {
        return socket.listen(bootstrap, transport);
    }

    /** How files are reached, one word: {@code io_uring} or {@code threads}. */
    public String engineName() {
        return loops.getFirst().files().name();
    }

    /** Why it is not io_uring; empty if it is. */
    public String engineReason() {
        return transport.reason();
    }

    /** Ends all loops and frees their buffers. Whoever had I/O under way has waited for it. */
    @Override
    public void close() {
        for (NettyLoop loop : loops) {
            try {
                loop.eventLoop().submit(() -> release(loop)).syncUninterruptibly();
            } catch (RuntimeException | Error fault) {
                LOG.warn("{} does not end in order: {}", loop, Reason.of(fault)); // the others do
            }
        }
        workerGroups.forEach(IoLoops::shutDown);
        shutDown(group);
        // Netty's futures tell of the end a little before it comes.
        loopThreads.forEach(IoLoops::join);
        synchronized (this) {
            if (threads != null) {
                threads.close();
            }
        }
    }

    @SuppressWarnings("FutureReturnValueIgnored") // the threads are waited for instead
    private static void shutDown(IoEventLoopGroup group) {
        group.shutdownGracefully(QUIET_MILLIS, CLOSE_TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    private static void join(Thread thread) {
        try {
            thread.join(CLOSE_TIMEOUT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // whoever wants us gone gets a daemon thread to finish by itself
        }
    }

    private static void release(NettyLoop loop) {
        if (loop.files() instanceof RingFileEngine ring) {
            ring.stop();
        }
        if (loop.buffers().usedBytes() == 0) {
            loop.buffers().close();
        } else {
            // The kernel may still write there. Keeping memory of a process that ends does no harm; freeing it could.
            LOG.warn(
                    "{} closed with {} bytes of buffers in use",
                    loop,
                    loop.buffers().usedBytes());
        }
    }
}
