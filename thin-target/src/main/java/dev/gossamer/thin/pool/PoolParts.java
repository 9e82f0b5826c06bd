package dev.gossamer.thin.pool;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.worker.LongCommands;
import dev.gossamer.io.worker.PerLoop;
import dev.gossamer.io.worker.RequestsInFlight;
import dev.gossamer.io.worker.WorkerQueue;
import dev.gossamer.thin.DiscardMode;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolOptions;
import dev.gossamer.thin.cell.BlockWrites;
import dev.gossamer.thin.cell.CellIo;
import dev.gossamer.thin.cell.EndedSharing;
import dev.gossamer.thin.cell.Provisioner;
import dev.gossamer.thin.cell.Unmapper;
import dev.gossamer.thin.commit.Committer;
import dev.gossamer.thin.commit.MetadataChange;
import dev.gossamer.thin.device.Cells;
import dev.gossamer.thin.device.DeviceIds;
import dev.gossamer.thin.device.OriginExaminations;
import dev.gossamer.thin.device.PartialTrims;
import dev.gossamer.thin.device.PoolDevices;
import dev.gossamer.thin.device.PoolEvents;
import dev.gossamer.thin.device.PoolFaults;
import dev.gossamer.thin.device.PoolState;
import dev.gossamer.thin.job.Jobs;
import dev.gossamer.thin.job.MoveLimits;
import dev.gossamer.thin.job.MoveParts;
import dev.gossamer.thin.job.RangeLocks;
import dev.gossamer.thin.job.StepChange;
import dev.gossamer.thin.map.MapLookup;
import dev.gossamer.thin.map.MapPrefetch;
import dev.gossamer.thin.map.MapPublisher;
import dev.gossamer.thin.map.RegionLoads;
import dev.gossamer.thin.message.DmStatus;
import dev.gossamer.thin.message.VolumeMessages;
import dev.gossamer.thin.message.VolumeResize;
import dev.gossamer.thin.message.WriteBarrier;
import dev.gossamer.thin.metadata.PoolMetadata;
import dev.gossamer.thin.space.AfterCommit;
import dev.gossamer.thin.space.OwnCounter;
import dev.gossamer.thin.space.PoolResize;
import dev.gossamer.thin.space.PromiseChecks;
import dev.gossamer.thin.space.Quarantine;
import dev.gossamer.thin.space.Reclaimer;
import dev.gossamer.thin.space.RoomProbe;
import dev.gossamer.thin.space.SpaceGate;
import dev.gossamer.thin.space.SpaceMonitor;
import dev.gossamer.thin.space.SpaceQuotas;
import dev.gossamer.thin.space.SpaceWaiters;
import dev.gossamer.thin.space.WithheldLimit;
import dev.gossamer.thin.status.StatusReader;
import dev.gossamer.thin.worker.AllWhoWait;
import dev.gossamer.thin.worker.PoolWorker;
import dev.gossamer.thin.worker.TransactionAbort;
import java.util.List;
import java.util.function.Consumer;

/**
 * Puts the parts of a pool together, each with what it uses, and takes them apart. The only place that knows them all;
 * held by {@link ThinPool} and {@link PoolFacts} alone: whoever else is made here takes what it uses, and no more.
 *
 * <p>Where two parts need each other, one hears of the other after both are made: {@link #introduce}.
 */
final class PoolParts {
    final IoLoop loop;
    final PoolMetadata metadata;
    final PerLoop<IoBufferPool> bounceBuffers;
    final PerLoop<MapLookup> lookups;
    final PerLoop<LongCommands> longCommands;
    final RequestsInFlight inFlight;
    final DiscardMode discardMode;
    final PoolEvents events = new PoolEvents();
    final PoolState state = new PoolState(events);
    final PoolFaults faults;
    final Cells cells;
    final PoolDevices devices;
    final DeviceIds deviceIds;
    final MapPublisher maps;
    final MapPrefetch mapPrefetch;
    final StatusReader statusReader;
    final Committer committer;
    final SpaceQuotas quotas;
    final PromiseChecks promises;
    final OwnCounter ownCounter;
    final SpaceMonitor monitor;
    final SpaceWaiters spaceWaiters;
    final PoolResize resize;
    final Reclaimer reclaimer;
    final Unmapper unmapper;
    final PoolWorker worker;
    final RangeLocks rangeLocks;
    final Jobs jobs;
    final StepChange stepChange;
    final MoveParts moveParts;
    final OriginExaminations examinations;
    private final RegionLoads regionLoads;
    private final Quarantine quarantine;
    final WorkerQueue queue;
    private final BlockDevice data;
    private final CellIo io;
    private final RoomProbe roomProbe;
    // What is thrown on the worker's loop outside any request of it: nobody knows what it has left half done.
    private final Consumer<Throwable> bug = this::failed;
    private final Consumer<String> dataLost;

    /** @param data with a {@link BlockDevice#health} */
    PoolParts(
            IoLoop loop,
            List<? extends IoLoop> ioLoops,
            BlockDevice data,
            PoolMetadata metadata,
            PoolCounters counters,
            PoolOptions options) {
        this.loop = loop;
        this.data = data;
        this.metadata = metadata;
        devices = new PoolDevices(metadata.own());
        lookups = new PerLoop<>(ioLoops, each -> new MapLookup());
        longCommands = new PerLoop<>(ioLoops, each -> new LongCommands());
        bounceBuffers = new PerLoop<>(ioLoops, each -> new IoBufferPool(UnalignedReads.BOUNCE_BYTES));
        inFlight = new RequestsInFlight(loop, ioLoops);
        queue = new WorkerQueue(loop, ioLoops);
        discardMode = options.discard().effective(data.geometry().discardBytes(), metadata.blockBytes());
        faults = new PoolFaults(metadata);
        cells = new Cells(faults, queue);
        examinations = new OriginExaminations(loop);
        deviceIds = new DeviceIds(metadata, options.idsFromTop());
        PartialTrims partialTrims = new PartialTrims();
        maps = new MapPublisher(metadata, partialTrims, options.caches().regionWords(), counters);
        regionLoads = new RegionLoads(state, queue, faults, loop, metadata, maps);
        mapPrefetch = new MapPrefetch(loop, regionLoads);
        statusReader = new StatusReader(state, faults, loop, metadata);
        committer = new Committer(loop, metadata, data, queue, state, faults, counters);
        quotas = new SpaceQuotas(metadata, devices, options.emergencyBytes());
        monitor = new SpaceMonitor(metadata, state, events, options.lowWaterPercent());
        spaceWaiters =
                new SpaceWaiters(queue, cells, loop, metadata, state, events, committer, quotas, monitor, options);
        resize = new PoolResize(loop, metadata, state, events, faults, committer, monitor, spaceWaiters, options);
        WithheldLimit withheld = new WithheldLimit(metadata, options.caches().withheldBytes());
        reclaimer = new Reclaimer(loop, metadata, state, faults, committer, spaceWaiters, deviceIds, withheld);
        promises = new PromiseChecks(metadata, quotas, reclaimer);
        ownCounter = new OwnCounter(loop, metadata, devices, state, faults, reclaimer, quotas, spaceWaiters);
        roomProbe = new RoomProbe(loop, data, metadata, faults);
        quarantine = new Quarantine(spaceWaiters, loop, data, metadata, counters, discardMode == DiscardMode.PASSDOWN);

        io = new CellIo(loop, data, metadata.blockBytes());
        SpaceGate space = gate(withheld);
        Provisioner provisioner = provisioner(space, counters);
        EndedSharing claims = new EndedSharing(cells, state, inFlight, faults, metadata, maps, counters);
        BlockWrites writes = writes(partialTrims, provisioner, claims);
        unmapper = new Unmapper(queue, state, space, committer, metadata, maps, partialTrims, counters);
        worker = new PoolWorker(queue, cells, regionLoads, writes, unmapper, state, faults, counters);

        rangeLocks = new RangeLocks(loop, cells, maps, inFlight);
        jobs = new Jobs(loop, state, faults, committer, rangeLocks);
        stepChange = new StepChange(metadata, state, faults, committer, partialTrims);
        moveParts = moving();

        TransactionAbort aborting = aborting(partialTrims);
        dataLost = why -> loop.execute(() -> aborting.dataLost(why));
        introduce(claims, aborting);
    }

    private SpaceGate gate(WithheldLimit withheld) {
        return new SpaceGate(metadata, queue, state, quotas, spaceWaiters, resize, monitor, withheld, promises);
    }

    private Provisioner provisioner(SpaceGate space, PoolCounters counters) {
        return new Provisioner(
                loop, metadata, queue, cells, io, space, spaceWaiters, committer, maps, state, faults, counters);
    }

    private BlockWrites writes(PartialTrims partialTrims, Provisioner provisioner, EndedSharing claims) {
        return new BlockWrites(
                queue, inFlight, cells, io, maps, partialTrims, provisioner, claims, spaceWaiters, faults);
    }

    private MoveParts moving() {
        return new MoveParts(
                metadata,
                devices,
                quotas,
                stepChange,
                rangeLocks,
                faults,
                loop,
                io,
                committer,
                spaceWaiters,
                MoveLimits.NORMAL);
    }

    private void failed(Throwable fault) {
        faults.failed(fault);
    }

    private TransactionAbort aborting(PartialTrims partialTrims) {
        return new TransactionAbort(
                metadata,
                devices,
                deviceIds,
                partialTrims,
                maps,
                committer,
                reclaimer,
                quarantine,
                new AllWhoWait(queue, devices, cells, spaceWaiters),
                state,
                events,
                faults);
    }

    /** What gives volumes another size. */
    VolumeResize resizing(MetadataChange change, VolumeMessages messages, WriteBarrier barrier, HiddenTails tails) {
        return new VolumeResize(loop, change, metadata, committer, faults, maps, unmapper, messages, barrier, tails);
    }

    /** What tells the kernel's status lines. */
    DmStatus dmStatus() {
        return new DmStatus(loop, faults, metadata, devices, state, committer, spaceWaiters, discardMode);
    }

    /** Tells parts of those that were made after them. */
    private void introduce(EndedSharing claims, TransactionAbort aborting) {
        queue.begin(worker);
        cells.startLast(claims::start);
        spaceWaiters.waitFor(resize, reclaimer, roomProbe);
        committer.tell(new AfterCommit(
                metadata, inFlight, faults, quotas, spaceWaiters, monitor, resize, reclaimer, quarantine));
        faults.handledBy(aborting);
        metadata.own().whenForgotten(() -> loop.execute(ownCounter::begin));
        loop.faults().watch(bug);
        data.health().watch(dataLost);
        if (metadata.needsCheck()) {
            state.degrade(
                    PoolMode.READ_ONLY, "needs_check is set; run thin_check --clear-needs-check-flag on the metadata");
        }
    }

    /** Adds the stages that come before the last commit: nobody waits any more, and no block is held. */
    void addRest(PoolClosing closing) {
        closing.now(examinations::stop)
                .when(jobs::close)
                .when(cells::whenIdle)
                .when(io::close)
                .when(committer::whenQuiet);
    }

    /** Adds those after it: what it has freed is discarded as well, and no request of the worker's is under way. */
    void addEnd(PoolClosing closing) {
        closing.now(reclaimer::close)
                .now(ownCounter::close)
                .now(committer::close)
                .when(inFlight::drain)
                .when(quarantine::close)
                .when(roomProbe::close)
                .when(regionLoads::close)
                .when(examinations::close)
                .when(committer::whenQuiet)
                .now(this::unwatch);
    }

    private void unwatch() {
        loop.faults().unwatch(bug);
        data.health().unwatch(dataLost);
        bounceBuffers.forEach(IoBufferPool::close);
    }
}
