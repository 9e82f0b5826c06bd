package dev.gossamer.daemon;

import dev.gossamer.daemon.admin.AdminGate;
import dev.gossamer.daemon.admin.AdminServer;
import dev.gossamer.daemon.admin.PoolAdmin;
import dev.gossamer.daemon.config.ClientsConfig;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.cow.CowService;
import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.daemon.device.OpenerThreads;
import dev.gossamer.daemon.device.OriginDevices;
import dev.gossamer.daemon.server.ListenAddress;
import dev.gossamer.daemon.server.NbdServer;
import dev.gossamer.daemon.server.access.MemoryBudget;
import dev.gossamer.daemon.server.connection.ConnectionLimits;
import dev.gossamer.daemon.server.connection.NbdOperation;
import dev.gossamer.daemon.server.export.CombinedExports;
import dev.gossamer.daemon.server.export.Exports;
import dev.gossamer.daemon.server.export.VolumeExports;
import dev.gossamer.io.Errno;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.InlineFileEngine;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.PassedSocket;
import dev.gossamer.io.ring.StalledFiles;
import dev.gossamer.nbd.handshake.TlsOffer;
import dev.gossamer.thin.ClientLatency;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.owner.ForeignOwner;
import dev.gossamer.thin.pool.ThinPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A pool being served: the devices, the loops, the pool on them, the NBD server and the admin API before it.
 *
 * <p>Started and stopped by one thread. Killed at any moment it leaves the pool as of its last commit, which opens
 * again without repair, and two socket files, which the next start replaces.
 */
public final class Daemon {
    /** The exit code of a pool that has failed: for a supervisor the two are one. */
    private static final int LOOP_LOST = 4;

    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);

    /** Time for clients to take their last replies (T65). */
    private static final long STOP_GRACE_MILLIS = 10_000;

    /** For devices that do not answer; after that what was not committed is lost, as in a crash. */
    public static final Duration STOP_PATIENCE = Duration.ofSeconds(30);

    /**
     * Four connections may each have two requests of the largest size (32 MiB) in memory; small requests never reach
     * this. The system provides the memory as it is first used.
     */
    private static final int LOOP_BUFFER_BYTES = 256 << 20;

    /** Copies of chunks, 1 MiB at a time and 64 at most for each origin; those that find no memory wait for some. */
    private static final int COW_BUFFER_BYTES = 64 << 20;

    private final PoolLock lock;
    private final IoLoops loops;
    private final DeviceOpener opener;
    private final ThinPool pool;
    private final CowService cow;
    private final NbdServer nbd;
    private final AdminServer admin;
    private final ClientReload reload;
    private final JobFile jobFile;
    private final CompletableFuture<ForeignOwner> lost;

    private Daemon(
            PoolLock lock,
            IoLoops loops,
            DeviceOpener opener,
            ThinPool pool,
            CowService cow,
            NbdServer nbd,
            AdminServer admin,
            ClientReload reload,
            JobFile jobFile,
            CompletableFuture<ForeignOwner> lost) {
        this.lock = lock;
        this.loops = loops;
        this.opener = opener;
        this.pool = pool;
        this.cow = cow;
        this.nbd = nbd;
        this.admin = admin;
        this.reload = reload;
        this.jobFile = jobFile;
        this.lost = lost;
    }

    /** As {@link #start(DaemonConfig, PassedSockets, Starting)}, without passed sockets. */
    public static Daemon start(DaemonConfig config) throws StorageException {
        return start(config, PassedSockets.NONE, new Starting());
    }

    /**
     * Opens the pool and serves it. If that fails, nothing is left running or locked; a {@link PoolInUse} if another
     * process has the directory.
     *
     * @param passed to serve as well; one at the directory's own path takes its place
     * @param starting may end it meanwhile
     */
    public static Daemon start(DaemonConfig config, PassedSockets passed, Starting starting) throws StorageException {
        PoolLock lock = PoolLock.take(config.directory());
        try {
            return start(config, passed, starting, lock);
        } catch (StorageException | RuntimeException | Error e) {
            lock.close();
            throw e;
        }
    }

    private static List<IoLoop> all(IoLoops loops) {
        List<IoLoop> all = new ArrayList<>();
        for (int i = 0; i < loops.count(); i++) {
            all.add(loops.loop(i));
        }
        return all;
    }

    private static Daemon start(DaemonConfig config, PassedSockets passed, Starting starting, PoolLock lock)
            throws StorageException {
        IoLoops loops = IoLoops.start(config.ioLoops(), config.engine(), LOOP_BUFFER_BYTES);
        DeviceOpener opener = null;
        PoolOpening opening = null;
        ThinPool pool = null;
        CowService cow = null;
        NbdServer nbd = null;
        AdminServer admin = null;
        ClientReload reload = null;
        JobFile jobFile = null;
        try {
            watch(loops);
            List<PassedSocket> sockets = judged(passed);
            MemoryBudget memory = memoryOf(config, passed, loops);
            opener = DeviceOpener.on(loops, config.directory(), config.pool().devicePatience(), memory);
            starting.opensWith(opener);
            InlineFileEngine inlineFiles = new InlineFileEngine();
            opening = new PoolOpening(config.pool(), loops, inlineFiles);
            OriginDevices origins = new OriginDevices(opener, config.directory(), config.pool());
            List<IoLoop> ioLoops = all(loops);
            // Started before the pool's worker: the pool takes its requests too, for stores that are volumes.
            IoLoop cowWorker = loops.startWorker("gossamer-cow", COW_BUFFER_BYTES);
            List<IoLoop> poolLoops = new ArrayList<>(ioLoops);
            poolLoops.add(cowWorker);
            pool = opening.open(opener, poolLoops, origins, config.forceOwner());
            boolean buffered = config.pool().buffered();
            cow = CowService.open(config.directory().cow(), opener, buffered, pool, cowWorker, ioLoops);
            LatestStatus status = LatestStatus.of(pool);
            VolumeExports volumes = new VolumeExports(pool, status.latest().blockBytes());
            nbd = newServer(loops, new CombinedExports(volumes, cow.exports(), defaultExport(config)), config);
            jobFile = JobFile.open(config.directory().jobs());
            pool.jobs().watch(clientsOf(nbd)).join();
            AdminGate gate = new AdminGate();
            reload = new ClientReload(new ClientsConfig(config.directory().clients()), memory, nbd, gate);
            reload.run();
            StalledFiles stalled = StalledFiles.watch(loops, inlineFiles);
            OpenerThreads threads = new OpenerThreads();
            PoolAdmin poolAdmin = new PoolAdminService(
                    config, pool, nbd, loops, origins, opener, threads, stalled, status, cow, reload);
            new JobRestart(jobFile, pool, poolAdmin).run();
            admin = new AdminServer(poolAdmin, new CowAdminService(cow, nbd, origins, threads), gate, nbd.log());
            listen(admin, loops, config);
            listen(nbd, config, sockets);
        } catch (StorageException | RuntimeException | Error e) {
            new Daemon(lock, loops, opener, pool, cow, nbd, admin, reload, jobFile, null).stopWhatRuns();
            throw e;
        }
        return new Daemon(lock, loops, opener, pool, cow, nbd, admin, reload, jobFile, opening.lost());
    }

    /**
     * What jobs look at to keep out of clients' way: their reads and writes, and not flushes, which wait for commits.
     */
    private static ClientLatency clientsOf(NbdServer nbd) {
        return () -> Stream.of(NbdOperation.READ, NbdOperation.WRITE)
                .flatMap(operation -> nbd.durations(operation).stream())
                .toList();
    }

    private static void listen(AdminServer admin, IoLoops loops, DaemonConfig config) throws StorageException {
        ListenAddress.Tcp metrics = config.pool().service().metrics();
        admin.listen(loops, config.directory().adminSocket(), metrics);
    }

    private static String defaultExport(DaemonConfig config) {
        return config.pool().service().defaultExport();
    }

    private static NbdServer newServer(IoLoops loops, Exports exports, DaemonConfig config) throws StorageException {
        NbdServer nbd = new NbdServer(loops, exports, ConnectionLimits.DEFAULT, config.tls());
        nbd.logSlowerThan(config.pool().service().slowRequest());
        return nbd;
    }

    /** All are looked at before anything is opened: of sockets of which one is none, nothing is served. */
    private static List<PassedSocket> judged(PassedSockets passed) throws StorageException {
        List<PassedSocket> sockets = new ArrayList<>();
        for (int descriptor : passed.descriptors()) {
            PassedSocket socket = PassedSocket.of(descriptor);
            requireAllowed(addressOf(socket), passed);
            sockets.add(socket);
        }
        return sockets;
    }

    private static ListenAddress addressOf(PassedSocket socket) throws StorageException {
        try {
            return ListenAddress.of(socket);
        } catch (IllegalArgumentException e) {
            throw new StorageException(
                    Errno.EINVAL,
                    "passed descriptor " + socket.fd() + " listens where no path leads: " + Reason.of(e)
                            + "; pass one with another name",
                    e);
        }
    }

    private static void listen(NbdServer nbd, DaemonConfig config, List<PassedSocket> passed) throws StorageException {
        ListenAddress own = new ListenAddress.Unix(config.directory().nbdSocket());
        boolean ownPassed = false;
        for (PassedSocket socket : passed) {
            ownPassed |= nbd.listen(socket).equals(own);
        }
        if (!ownPassed) {
            nbd.listen(own);
        }
        for (ListenAddress address : config.listen()) {
            nbd.listen(address);
        }
    }

    private static MemoryBudget memoryOf(DaemonConfig config, PassedSockets passed, IoLoops loops) {
        // The directory's own socket, those on the command line, and those that were passed.
        int listeners = 1 + config.listen().size() + passed.descriptors().size();
        boolean tls = config.tls().mode() != TlsOffer.Mode.NONE;
        return MemoryBudget.ofThisProcess(listeners, loops.loop(0).hasRing(), tls);
    }

    private static void watch(IoLoops loops) {
        loops.whenLost(why -> endNow());
        if (!loops.engineReason().isEmpty()) {
            LOG.info("engine={} reason={}", loops.engineName(), loops.engineReason());
        }
    }

    /**
     * The kernel may still write to what the loop's requests have lent it, so they can neither be answered nor waited
     * for: this is an end like a power cut's, after which nothing needs repair.
     */
    private static void endNow() {
        LOG.error("an I/O loop can do no I/O any more: this process ends, so that the pool is opened again");
        Runtime.getRuntime().halt(LOOP_LOST);
    }

    /**
     * Reads again who may connect, and the certificates. Connections stay; if anything is wrong, everything stays as it
     * was. Not on an event loop: it reads files.
     */
    public void reload() throws StorageException {
        reload.run();
    }

    private static void requireAllowed(ListenAddress address, PassedSockets passed) throws StorageException {
        if (!address.isLocal() && !passed.allowRemote()) {
            throw new StorageException(
                    Errno.EACCES,
                    "other machines reach the passed socket " + address
                            + "; pass a loopback address, or add --allow-remote (and --tls require)");
        }
    }

    /** Where NBD is served; the pool directory's own socket comes first. */
    public List<ListenAddress> addresses() {
        return nbd.addresses();
    }

    /** Where metrics are answered over TCP; null if nowhere. */
    public ListenAddress.Tcp metricsAddress() {
        return admin.metricsAddress();
    }

    /** Whether clients must encrypt. */
    public boolean requiresTls() {
        return nbd.requiresTls();
    }

    /** Whether nothing works any more until the pool is opened again (M-5). Any thread. */
    public boolean hasFailed() {
        return pool.mode() == PoolMode.FAIL;
    }

    /** Whether no NBD client is connected. Any thread. */
    public boolean isIdle() {
        return nbd.connections().size() == 0;
    }

    /**
     * Completes, on a loop, when another daemon has used the pool (OP-10). Requests fail from then on; all that is left
     * to do is to end the process, which need not be stopped in order.
     */
    public CompletableFuture<ForeignOwner> lost() {
        return lost;
    }

    /** How data reaches the disks, one word. */
    public String engine() {
        return loops.engineName();
    }

    /** Makes a volume in a pool that has none. */
    public void createVolumeIfNone(VolumeSpec volume) throws StorageException {
        if (pool.volumes().isEmpty()) {
            ThinPool.join(pool.createVolume(volume));
        }
    }

    /**
     * Stops in order: clients, snapshots, then the pool, whose last changes are committed, then the threads.
     *
     * @throws StorageException if the last commit failed: what clients had not flushed may be lost
     */
    public void stop() throws StorageException {
        LOG.info("stopping");
        Ending ending = new Ending();
        ending.then(() -> opener.limitPatience(STOP_PATIENCE));
        ending.then(() -> admin.stop());
        ending.then(() -> pool.stopWaitingForSpace());
        ending.then(() -> nbd.stop(STOP_GRACE_MILLIS));
        // Stores may be volumes of the pool.
        ending.then(() -> cow.close());
        ending.then(() -> {
            ThinPool.join(pool.close());
            jobFile.close();
        });
        ending.then(() -> loops.close());
        ending.then(() -> lock.close());
        ending.end();
        LOG.info("stopped");
    }

    /** Of a start that has failed. Does not throw: what one part throws is no reason to leave the others open. */
    private void stopWhatRuns() {
        Ending ending = new Ending();
        ending.then(opener, () -> opener.limitPatience(STOP_PATIENCE));
        ending.then(admin, () -> admin.stop());
        ending.then(nbd, () -> nbd.stop(0));
        ending.then(cow, () -> cow.close());
        ending.then(pool, () -> ThinPool.join(pool.close()));
        ending.then(jobFile, () -> jobFile.close());
        ending.then(loops, () -> loops.close());
        ending.tell();
    }
}
