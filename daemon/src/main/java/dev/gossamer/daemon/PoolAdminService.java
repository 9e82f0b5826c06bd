package dev.gossamer.daemon;

import dev.gossamer.daemon.admin.Capacity;
import dev.gossamer.daemon.admin.DaemonStatus;
import dev.gossamer.daemon.admin.PoolAdmin;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.config.ServiceConfig;
import dev.gossamer.daemon.cow.CowNames;
import dev.gossamer.daemon.cow.CowService;
import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.daemon.device.OpenerThreads;
import dev.gossamer.daemon.device.OriginDevices;
import dev.gossamer.daemon.metrics.DaemonMetrics;
import dev.gossamer.daemon.server.NbdServer;
import dev.gossamer.daemon.server.access.Mapped;
import dev.gossamer.daemon.server.connection.ConnectionInfo;
import dev.gossamer.daemon.server.export.VolumeExports;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.ring.StalledFiles;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.SetSpace;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpace;
import dev.gossamer.thin.VolumeSpec;
import dev.gossamer.thin.pool.PoolJobs;
import dev.gossamer.thin.pool.ThinPool;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/** The running daemon as its admin API sees it. */
final class PoolAdminService implements PoolAdmin {
    private final PoolDirectory directory;
    private final ServiceConfig service;
    private final ThinPool pool;
    private final NbdServer nbd;
    private final IoLoops loops;
    private final OriginDevices origins;
    private final DeviceOpener devices;
    private final OpenerThreads threads;
    private final StalledFiles stalled;
    private final LatestStatus latest;
    private final CowService cow;
    private final ClientReload reload;
    private final Instant startedAt = Instant.now();
    // Made by the first scrape: who does not collect metrics does not pay for their start.
    private DaemonMetrics metrics;

    PoolAdminService(
            DaemonConfig config,
            ThinPool pool,
            NbdServer nbd,
            IoLoops loops,
            OriginDevices origins,
            DeviceOpener devices,
            OpenerThreads threads,
            StalledFiles stalled,
            LatestStatus latest,
            CowService cow,
            ClientReload reload) {
        this.directory = config.directory();
        this.service = config.pool().service();
        this.pool = pool;
        this.nbd = nbd;
        this.loops = loops;
        this.origins = origins;
        this.devices = devices;
        this.threads = threads;
        this.stalled = stalled;
        this.latest = latest;
        this.cow = cow;
        this.reload = reload;
    }

    @Override
    public List<VolumeInfo> volumes() {
        return pool.volumes();
    }

    @Override
    public Iterable<String> volumeNames() {
        return () -> new Mapped<>(pool.eachVolume(), VolumeInfo::name);
    }

    @Override
    public VolumeInfo volume(String name) {
        return pool.volume(name);
    }

    @Override
    public CompletableFuture<VolumeInfo> createVolume(VolumeSpec spec) {
        return naming(List.of(spec.name()), () -> {}, () -> pool.createVolume(spec));
    }

    /** An origin may take long to answer, so that is waited for on a thread for that. */
    @Override
    public CompletableFuture<VolumeInfo> createVolumeOver(VolumeSpec spec, String origin, boolean anyPath) {
        String location = origins.absolute(origin);
        OriginDevices.Asking asking = new OriginDevices.Asking(anyPath, nbd.addresses());
        return naming(List.of(spec.name()), () -> {}, () -> threads.run(() -> origins.open(location, asking))
                .thenCompose(device -> pool.createVolumeOver(spec, location, device)));
    }

    @Override
    public CompletableFuture<List<VolumeInfo>> createSnapshots(List<SnapshotSpec> snapshots) {
        return naming(
                snapshots.stream().map(SnapshotSpec::name).toList(),
                () -> {
                    for (SnapshotSpec snapshot : snapshots) {
                        cow.names().requireNoStore(snapshot.origin());
                    }
                },
                () -> pool.createSnapshots(snapshots));
    }

    @Override
    public CompletableFuture<VolumeInfo> rollBack(String name, String source, String keepAs, boolean force) {
        return naming(
                keepAs == null ? List.of() : List.of(keepAs),
                () -> {
                    cow.names().requireNoStore(name);
                    cow.names().requireNoStore(source);
                },
                () -> {
                    UUID seen = uuidOf(name);
                    return force
                            ? nbd.disconnectAll(name, () -> pool.rollBack(name, seen, source, keepAs))
                            : pool.rollBack(name, seen, source, keepAs);
                });
    }

    @Override
    public CompletableFuture<VolumeInfo> resizeVolume(String name, long sizeBytes, boolean force) {
        return checked(() -> cow.names().requireNoStore(name), () -> pool.resizeVolume(name, sizeBytes, force));
    }

    @Override
    public CompletableFuture<VolumeInfo> renameVolume(String name, String newName) {
        return naming(List.of(newName), () -> cow.names().requireNoStore(name), () -> pool.renameVolume(name, newName));
    }

    @Override
    public CompletableFuture<Void> deleteVolume(String name, UUID only, boolean force) {
        return checked(() -> cow.names().requireNoStore(name), () -> {
            UUID seen = only == null ? uuidOf(name) : only;
            return force ? nbd.disconnectAll(name, () -> pool.deleteVolume(name, seen)) : pool.deleteVolume(name, seen);
        });
    }

    /** Of the volume that is meant: clients are waited for, and another may have its name afterwards. */
    private UUID uuidOf(String name) {
        VolumeInfo volume = pool.volume(name);
        return volume == null ? null : volume.uuid();
    }

    @Override
    public CompletableFuture<VolumeInfo> limitVolume(String name, VolumeLimits limits) {
        return checked(() -> cow.names().requireNoStore(name), () -> pool.limitVolume(name, limits));
    }

    @Override
    public CompletableFuture<VolumeInfo> rateVolume(String name, IoRates rates) {
        return pool.rateVolume(name, rates);
    }

    @Override
    public CompletableFuture<VolumeSpace> spaceOf(String name) {
        return pool.space().of(name);
    }

    @Override
    public CompletableFuture<SetSpace> spaceIfDeleted(Set<String> names) {
        return pool.space().ifDeleted(names);
    }

    @Override
    public CompletableFuture<Void> grow(long dataBytes, long metadataBytes) {
        return pool.grow(dataBytes, metadataBytes);
    }

    @Override
    public PoolJobs jobs() {
        return pool.jobs();
    }

    @Override
    public CompletableFuture<JobInfo> cloneRange(CloneSpec spec) {
        return checked(
                () -> {
                    cow.names().requireNoStore(spec.source());
                    cow.names().requireNoStore(spec.destination());
                },
                () -> pool.jobs().cloneRange(spec));
    }

    /** A store's space is held for its tables, so its blocks are shared with nobody. */
    @Override
    public CompletableFuture<JobInfo> dedupe(DedupeSpec spec) {
        return checked(
                () -> {
                    for (String volume : spec.volumes()) {
                        cow.names().requireNoStore(volume);
                    }
                },
                () -> pool.jobs().dedupe(spec.sparing(cow.names()::isStore)));
    }

    @Override
    public CompletableFuture<Void> setTransactionId(long expected, long value) {
        return pool.setTransactionId(expected, value);
    }

    @Override
    public CompletableFuture<Long> reserveMetadataSnapshot() {
        return pool.reserveMetadataSnapshot();
    }

    @Override
    public CompletableFuture<Void> releaseMetadataSnapshot() {
        return pool.releaseMetadataSnapshot();
    }

    @Override
    public CompletableFuture<List<String>> dmStatus() {
        return pool.dmStatus();
    }

    /** Throws if a change is not allowed. */
    private interface Check {
        void run() throws StorageException;
    }

    private static <T> CompletableFuture<T> checked(Check check, Supplier<CompletableFuture<T>> change) {
        try {
            check.run();
        } catch (StorageException e) {
            return CompletableFuture.failedFuture(e);
        }
        return change.get();
    }

    /** A change by which volumes get names: those are kept for them until it is made, or refused. */
    private <T> CompletableFuture<T> naming(List<String> names, Check check, Supplier<CompletableFuture<T>> change) {
        CowNames.Claim claim;
        try {
            claim = cow.names().claim(names);
        } catch (StorageException e) {
            return CompletableFuture.failedFuture(e);
        }
        boolean begun = false;
        try {
            CompletableFuture<T> made = checked(check, change).whenComplete((is, failure) -> claim.close());
            begun = true;
            return made;
        } finally {
            if (!begun) {
                claim.close();
            }
        }
    }

    @Override
    public CompletableFuture<DaemonStatus> status() {
        return latest.ask()
                .thenApply(known -> new DaemonStatus(
                        directory.path(),
                        Version.current(),
                        loops.engineName(),
                        nbd.uris(),
                        startedAt,
                        nbd.connections().size(),
                        known.status(),
                        known.fresh(),
                        latest.trend(),
                        pool.events(),
                        devices.remoteDevices(),
                        stalled.list()));
    }

    @Override
    public List<ConnectionInfo> connections() {
        return nbd.connections().list();
    }

    @Override
    public List<String> peersOf(String volume) {
        return nbd.connections().peersOf(volume);
    }

    @Override
    public CompletableFuture<Void> reload() {
        // Reads files, so not on the caller's event loop; rare enough for a thread of its own.
        return CompletableFuture.runAsync(
                () -> {
                    try {
                        reload.run();
                    } catch (StorageException e) {
                        throw new CompletionException(e);
                    }
                },
                task -> Thread.ofPlatform().name("gossamer-reload").start(task));
    }

    @Override
    public CompletableFuture<String> metrics() {
        // Not on the pool's worker, nor on a loop: with many volumes it takes milliseconds.
        return latest.ask().thenApplyAsync(known -> scrape(known.status()));
    }

    @Override
    public boolean isHealthy() {
        return pool.mode() != PoolMode.FAIL;
    }

    @Override
    public CompletableFuture<Capacity> capacity() {
        return latest.ask().thenApplyAsync(known -> capacity(known.status(), pool.volumes()));
    }

    private Capacity capacity(PoolStatus status, List<VolumeInfo> volumes) {
        return Capacity.of(status, volumes, service.overCommit());
    }

    private synchronized String scrape(PoolStatus status) {
        if (metrics == null) {
            List<IoLoop> ioLoops = new ArrayList<>();
            for (int i = 0; i < loops.count(); i++) {
                ioLoops.add(loops.loop(i));
            }
            metrics = new DaemonMetrics(
                    new DaemonMetrics.About(Version.current(), directory.path(), status.blockBytes()),
                    pool,
                    nbd,
                    ioLoops,
                    loops.threads(),
                    service.volumeMetrics());
        }
        List<VolumeInfo> volumes = pool.volumes();
        Set<String> keys = volumes.stream().map(VolumeExports::key).collect(Collectors.toSet());
        return metrics.scrape(new DaemonMetrics.Scrape(
                status,
                nbd.connections().totals(),
                devices.remoteDevices(),
                stalled.list(),
                volumes,
                nbd.connections().totalsByExport(keys),
                capacity(status, volumes)));
    }
}
