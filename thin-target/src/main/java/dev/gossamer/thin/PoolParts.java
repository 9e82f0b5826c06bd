package dev.gossamer.thin;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.IoLoop;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.List;

/**
 * Puts the parts of a pool together, each with what it uses, and takes them apart. The only place that knows them all; held by
 * {@link ThinPool} and by nobody else.
 *
 * <p>Where two parts need each other, one hears of the other after both are made: that is the last part of the constructor.
 */
final class PoolParts {
    final IoLoop loop;
    final PoolMetadata metadata;
    final PoolLoops loops;
    final DiscardMode discardMode;
    final PoolEvents events = new PoolEvents();
    final PoolState state = new PoolState(events);
    final PoolFaults faults = new PoolFaults();
    final Cells cells = new Cells();
    final PoolDevices devices = new PoolDevices();
    final DeviceIds deviceIds;
    final MapPublisher maps;
    final MapPrefetch mapPrefetch;
    final StatusReader statusReader;
    final Committer committer;
    final SpaceQuotas quotas;
    final SpaceMonitor monitor;
    final SpaceWaiters spaceWaiters;
    final PoolResize resize;
    final Reclaimer reclaimer;
    final PoolWorker worker;
    private final RegionLoads regionLoads;
    private final Quarantine quarantine;

    PoolParts(
            IoLoop loop,
            List<? extends IoLoop> ioLoops,
            BlockDevice data,
            PoolMetadata metadata,
            PoolCounters counters,
            PoolOptions options) {
        this.loop = loop;
        this.metadata = metadata;
        loops = new PoolLoops(loop, ioLoops);
        discardMode = options.discard().effective(data.geometry().discardBytes(), metadata.blockBytes());
        deviceIds = new DeviceIds(metadata);
        PartialTrims partialTrims = new PartialTrims();
        maps = new MapPublisher(metadata, partialTrims, options.caches().regionWords(), counters);
        regionLoads = new RegionLoads(state, loops, faults, loop, metadata, maps);
        mapPrefetch = new MapPrefetch(loop, regionLoads);
        statusReader = new StatusReader(state, faults, loop, metadata);
        committer = new Committer(loop, metadata, data, loops, state, faults, counters);

        quotas = new SpaceQuotas(metadata, devices);
        monitor = new SpaceMonitor(metadata, state, events, options.lowWaterPercent());
        spaceWaiters = new SpaceWaiters(
                loops, cells, loop, metadata, state, events, committer, quotas, monitor, options);
        resize = new PoolResize(loop, metadata, state, events, faults, committer, monitor, spaceWaiters, options);
        reclaimer = new Reclaimer(loop, metadata, state, faults, committer, spaceWaiters, deviceIds);
        quarantine = new Quarantine(
                spaceWaiters, loop, data, metadata, counters, discardMode == DiscardMode.PASSDOWN);

        CellIo io = new CellIo(loop, data, metadata.blockBytes());
        SpaceGate space = new SpaceGate(metadata, loops, state, quotas, spaceWaiters, resize, monitor);
        Provisioner provisioner = new Provisioner(
                metadata, loops, cells, io, space, committer, maps, state, faults, counters);
        InPlaceClaims claims = new InPlaceClaims(cells, state, loops, faults, metadata, maps, counters);
        BlockWrites writes = new BlockWrites(loops, cells, io, maps, partialTrims, provisioner, claims, faults);
        Unmapper unmapper = new Unmapper(loops, state, committer, metadata, maps, partialTrims, counters);
        worker = new PoolWorker(
                loop,
                metadata,
                loops,
                cells,
                regionLoads,
                writes,
                unmapper,
                spaceWaiters,
                committer,
                state,
                faults,
                counters);

        cells.startLast(claims::start);
        spaceWaiters.waitFor(resize, reclaimer);
        committer.tell(
                new AfterCommit(metadata, loops, faults, spaceWaiters, monitor, resize, reclaimer, quarantine));
        faults.handledBy(new TransactionAbort(
                metadata,
                devices,
                deviceIds,
                partialTrims,
                maps,
                committer,
                reclaimer,
                quarantine,
                spaceWaiters,
                state,
                faults));
        if (metadata.needsCheck()) {
            state.degrade(
                    PoolMode.READ_ONLY, "needs_check is set; run thin_check --clear-needs-check-flag on the metadata");
        }
    }

    /**
     * The last commit is done. Calls back when what it has freed is discarded as well, and no request of the worker's is under
     * way.
     */
    void close(Runnable whenClosed) {
        reclaimer.close();
        committer.close();
        loops.drain(() -> quarantine.close(() -> regionLoads.close(() -> committer.whenQuiet(() -> {
            loops.close();
            whenClosed.run();
        }))));
    }
}
