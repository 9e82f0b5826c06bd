package dev.gossamer.it.sim.world;

import dev.gossamer.daemon.cow.CowService;
import dev.gossamer.daemon.cow.VirtualCow;
import dev.gossamer.daemon.device.NamedDevices;
import dev.gossamer.daemon.remote.NbdClientDevice;
import dev.gossamer.daemon.remote.RemoteSettings;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.daemon.server.NbdServer;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.export.CombinedExports;
import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.VolumeExports;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.ChangeGate;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.posix.OpenOptions;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.NettyLoop;
import dev.gossamer.io.ring.VirtualLoops;
import dev.gossamer.nbd.client.NbdUri;
import dev.gossamer.thin.OriginOpener;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.pool.ThinPool;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A daemon from its start to its stop, or to the moment when it is gone: loops, pool and NBD server. */
@SuppressWarnings("FutureReturnValueIgnored") // what fails is told by the returned future
public final class Life implements World.Alive {
    private static final Logger LOG = LoggerFactory.getLogger(Life.class);

    /** Of the worker's waiting I/O. */
    private static final int INLINE_BUFFER_BYTES = 1 << 20;

    /** That of classic snapshots and then the pool's. */
    private static final int WORKERS = 2;

    private final World world;
    private final List<SimEventLoop> eventLoops = new ArrayList<>();
    private final SimEventLoop aside;
    // Apart from the other, whose loop the server ends when it stops.
    private final SimEventLoop waiter;
    private final Asides asides;
    private final IoLoops loops;
    private final int ioLoops;
    private final IoBufferPool inlineBuffers = new IoBufferPool(INLINE_BUFFER_BYTES);
    private CompletableFuture<ThinPool> opening;
    private ThinPool pool;
    private NamedDevices devices;
    private CowService classic;
    private NbdServer server;
    private SimServerChannel listener;
    private boolean alive = true;
    private boolean stopped;

    /**
     * @param bufferBytes of each loop
     * @param ring whether loops serve their sockets themselves, as with io_uring
     */
    public Life(World world, int number, int ioLoops, int bufferBytes, boolean ring) {
        this.world = world;
        this.ioLoops = ioLoops;
        SimServerChannel.forgetAll();
        for (int i = 0; i < ioLoops + WORKERS; i++) {
            eventLoops.add(new SimEventLoop(world, i));
        }
        aside = new SimEventLoop(world, ioLoops + WORKERS);
        aside.setForeign();
        waiter = new SimEventLoop(world, ioLoops + WORKERS + 1);
        waiter.setForeign();
        asides = new Asides(waiter);
        SimLoopGroup group =
                new SimLoopGroup(eventLoops.subList(0, ioLoops), world.streams().of("accept-" + number));
        IoLoops[] made = new IoLoops[1];
        world.waiting(() -> made[0] = VirtualLoops.over(
                group,
                eventLoops,
                ioLoops,
                bufferBytes,
                SimServerChannel.class,
                SimChannel.class,
                ring ? SimPort.PORTS : null));
        loops = made[0];
        for (int i = 0; i < ioLoops + WORKERS; i++) {
            NettyLoop loop = loops.loop(i);
            eventLoops.get(i).setBeforeTurn(() -> VirtualLoops.turn(loop));
            loop.faults().watch(world.faults()::add);
        }
    }

    /** Connects to a server on which one of the devices lies. */
    public CompletableFuture<NbdClientDevice> connect(int port) {
        try {
            return NbdClientDevice.openOn(
                    NbdUri.parse("nbd://127.0.0.1:" + port + "/disk"),
                    OpenOptions.READ_WRITE,
                    loops,
                    ioLoops,
                    RemoteSettings.DEFAULT,
                    ChangeGate.OPEN);
        } catch (StorageException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Where such a client is closed. */
    public Executor home() {
        return loops.loop(0);
    }

    /** Opens the pool; the world goes on until it is open. */
    public CompletableFuture<ThinPool> open(
            BlockDevice metadata, BlockDevice data, PoolOptions options, OriginOpener origins) {
        List<IoLoop> io = clientLoops();
        io.add(loops.loop(ioLoops)); // of classic snapshots, for stores that are volumes
        InlineLoop inline = new InlineLoop(new NoFiles(), inlineBuffers);
        opening = ThinPool.openOn(metadata, data, inline, loops.loop(ioLoops + 1), io, options, origins);
        return opening.whenComplete((opened, failure) -> pool = opened);
    }

    private List<IoLoop> clientLoops() {
        List<IoLoop> io = new ArrayList<>();
        for (int i = 0; i < ioLoops; i++) {
            io.add(loops.loop(i));
        }
        return io;
    }

    /**
     * Opens what classic snapshots there are, once the pool is open.
     *
     * @param named the devices that there are besides
     */
    public CompletableFuture<CowService> openClassic(
            VirtualCow.KeptRecord record, VirtualCow.Directory directory, NamedDevices named) {
        devices = named;
        return waiting(() -> {
            classic =
                    VirtualCow.open(record, directory, named, pool, loops.loop(ioLoops), clientLoops(), waiter, asides);
            return classic;
        });
    }

    /** By which classic snapshots find theirs. */
    public NamedDevices devices() {
        return devices;
    }

    /** Runs code that waits in the middle. */
    public <T> CompletableFuture<T> waiting(Callable<T> code) {
        CompletableFuture<T> answer = new CompletableFuture<>();
        asides.execute(() -> {
            try {
                answer.complete(code.call());
            } catch (Exception | Error failure) {
                answer.completeExceptionally(failure);
            }
        });
        return answer;
    }

    /** Begins to serve, once the pool is open. */
    public void serve(ConnectionLimits limits, Function<ThinPool, Exports> exports) {
        world.waiting(() -> {
            try {
                server = new NbdServer(loops, exports.apply(pool), limits, TlsSettings.OFF, aside);
                server.listen(new ListenAddress.Tcp(SimServerChannel.ADDRESS));
                listener = SimServerChannel.listening(world);
            } catch (StorageException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    /** Volumes, and what else there is. */
    public Exports exports(int blockBytes) {
        VolumeExports volumes = new VolumeExports(pool, blockBytes);
        return classic == null ? volumes : new CombinedExports(volumes, classic.exports());
    }

    public ThinPool pool() {
        return pool;
    }

    /** Null before it serves. */
    public NbdServer server() {
        return server;
    }

    /** As an administrator's thread would do it: neither on a loop nor in the middle of anything. */
    public void aside(Runnable task) {
        aside.execute(task);
    }

    /** In good order: clients end, then the pool. */
    public CompletableFuture<Void> stop(long graceMillis) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        world.waiting(() -> server.beginStop(graceMillis)
                .thenCompose(gone -> closeClassic())
                .whenComplete((gone, left) -> {
                    if (left != null) {
                        LOG.warn("classic snapshots are closed with", left);
                    }
                    pool.close().whenComplete((closed, failure) -> {
                        stopped = true;
                        if (failure == null) {
                            end.complete(null);
                        } else {
                            end.completeExceptionally(failure);
                        }
                    });
                }));
        return end;
    }

    private CompletableFuture<Void> closeClassic() {
        if (classic == null) {
            return CompletableFuture.completedFuture(null);
        }
        return waiting(() -> {
            classic.close();
            return null;
        });
    }

    /** What is not given back; empty if nothing. For the end of a life that stopped. */
    public String leaks() {
        StringBuilder leaks = new StringBuilder();
        for (int i = 0; i < ioLoops + WORKERS; i++) {
            NettyLoop loop = loops.loop(i);
            leak(leaks, i, "requests", loop.requests().inUse());
            leak(leaks, i, "buffer bytes", loop.buffers().usedBytes());
        }
        leak(leaks, -1, "bytes of the network's buffers", listener == null ? 0 : listener.bufferBytes());
        leak(leaks, -1, "inline buffer bytes", inlineBuffers.usedBytes());
        return leaks.toString();
    }

    private static void leak(StringBuilder leaks, int loop, String what, long count) {
        if (count != 0) {
            leaks.append(" loop ")
                    .append(loop)
                    .append(": ")
                    .append(count)
                    .append(' ')
                    .append(what);
        }
    }

    /** The process is gone, in the middle of whatever it was doing. */
    public void end() {
        if (alive) {
            alive = false;
            if (pool != null && !stopped) {
                giveMemoryBack(pool);
            }
            eventLoops.forEach(SimEventLoop::die);
            aside.die();
            waiter.die();
            SimServerChannel.forgetAll();
            for (int i = 0; i < ioLoops + WORKERS; i++) {
                loops.loop(i).buffers().close();
            }
            inlineBuffers.close();
        }
    }

    /** As the kernel takes what a process that is gone had mapped: nobody else may. */
    private static void giveMemoryBack(ThinPool pool) {
        try {
            Object blocks = part(part(pool, "metadata"), "blocks");
            for (Object slab : (List<?>) part(blocks, "slabs")) {
                ((IoBufferPool) slab).close();
            }
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Object part(Object whole, String name) throws ReflectiveOperationException {
        Field field = whole.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(whole);
    }

    @Override
    public boolean isAlive() {
        return alive;
    }

    private static final class NoFiles implements FileEngine {
        @Override
        public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
            throw new UnsupportedOperationException("a simulated process has no files");
        }

        @Override
        public String name() {
            return "none";
        }
    }
}
