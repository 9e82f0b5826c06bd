package dev.gossamer.daemon.metrics;

import com.sun.management.ThreadMXBean;
import dev.gossamer.daemon.admin.Capacity;
import dev.gossamer.daemon.device.DeviceHealth;
import dev.gossamer.daemon.server.NbdServer;
import dev.gossamer.daemon.server.access.AdmissionCounters;
import dev.gossamer.daemon.server.connection.ConnectionCounters;
import dev.gossamer.daemon.server.connection.ConnectionRegistry;
import dev.gossamer.daemon.server.connection.NbdOperation;
import dev.gossamer.io.IoLoop;
import dev.gossamer.io.ring.StalledFiles;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.PoolCounters;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolMode;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.pool.PoolJobs;
import dev.gossamer.thin.pool.ThinPool;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/** Publishes the numbers that the pool, the loops and the connections keep; it only reads them, when it is asked. */
public final class DaemonMetrics {
    private static final int METADATA_BLOCK_BYTES = 4096;

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final VolumeSeries volumes;
    private final DeviceSeries devices = new DeviceSeries();
    // Of the scrape under way; gauges read it while that scrape holds this object's lock.
    private Scrape now;

    /**
     * What is read anew for each scrape.
     *
     * @param exports what clients have done, by {@link dev.gossamer.daemon.server.export.OpenExport#key}
     */
    public record Scrape(
            PoolStatus status,
            ConnectionCounters totals,
            List<DeviceHealth> remoteDevices,
            List<StalledFiles.Stalled> stalled,
            List<VolumeInfo> volumes,
            Map<String, ConnectionCounters> exports,
            Capacity capacity) {}

    /** What does not change: the program's version, the pool's directory and the size of its data blocks. */
    public record About(String version, Path directory, int blockBytes) {}

    /**
     * Reads from these, and from nothing else.
     *
     * @param about what the series of names say
     * @param threads of the loops and of the pool's worker
     * @param volumeLimit how many volumes have series of their own
     */
    public DaemonMetrics(
            About about,
            ThinPool pool,
            NbdServer nbd,
            List<? extends IoLoop> loops,
            List<Thread> threads,
            int volumeLimit) {
        volumes = new VolumeSeries(volumeLimit);
        registerInfo(about);
        registerPool(pool.counters());
        registerEvents(pool);
        registerJobs(pool.jobs());
        registerStatus();
        registerConnections(nbd);
        registerAdmissions(nbd.admissions());
        registerAllocation(threads);
        registry.getPrometheusRegistry().register(volumes);
        registry.getPrometheusRegistry().register(devices);
        ProcessSeries.register(registry);
        registerLoops(loops);
    }

    private void registerLoops(List<? extends IoLoop> loops) {
        for (IoLoop loop : loops) {
            String index = Integer.toString(loop.index());
            Gauge.builder("gossamer.loop.buffer.used.bytes", loop, l -> l.buffers()
                            .usedBytes())
                    .description("Transfer memory in use")
                    .tag("loop", index)
                    .register(registry);
            FunctionCounter.builder(
                            "gossamer.loop.faults", loop, l -> l.faults().count())
                    .description("Internal errors, each of which has ended one request")
                    .tag("loop", index)
                    .register(registry);
            Gauge.builder("gossamer.loop.requests", loop, l -> l.requests().inUse())
                    .description("Block requests in use")
                    .tag("loop", index)
                    .register(registry);
        }
    }

    /** What each thread has put on the heap so far: near nothing per mapped request, else a collection comes early. */
    private void registerAllocation(List<Thread> threads) {
        if (!(ManagementFactory.getThreadMXBean() instanceof ThreadMXBean runtime)) {
            return; // a Java runtime that does not count
        }
        for (Thread thread : threads) {
            FunctionCounter.builder(
                            "gossamer.thread.allocated.bytes",
                            thread,
                            t -> Math.max(0, runtime.getThreadAllocatedBytes(t.threadId())))
                    .description("Heap memory that a thread has allocated")
                    .tag("thread", thread.getName())
                    .register(registry);
        }
    }

    /** Everything in Prometheus' text format. Takes milliseconds where there are many volumes. */
    public synchronized String scrape(Scrape scrape) {
        now = scrape;
        volumes.show(scrape.volumes(), scrape.exports());
        devices.show(scrape.remoteDevices(), scrape.stalled());
        return registry.scrape();
    }

    private void registerInfo(About about) {
        Gauge.builder("gossamer.build.info", () -> 1)
                .description("The program, and the Java runtime that it runs on")
                .tag("version", about.version())
                .tag("jdk", Runtime.version().toString())
                .register(registry);
        Gauge.builder("gossamer.pool.info", () -> 1)
                .description("The pool's directory, and the unit of its space")
                .tag("pool", about.directory().toString())
                .tag("block_bytes", Integer.toString(about.blockBytes()))
                .register(registry);
    }

    private void registerPool(PoolCounters pool) {
        counter("gossamer.pool.deferred.requests", "Requests that needed the pool's worker", pool.deferredRequests);
        Gauge.builder("gossamer.pool.extent.map.bytes", pool, p -> p.extentMapBytes.sum())
                .description("Heap memory that the mappings known to the I/O loops take")
                .register(registry);
        counter("gossamer.pool.provisioned.blocks", "Data blocks allocated for unmapped space", pool.provisionedBlocks);
        counter(
                "gossamer.pool.broken.sharings",
                "Data blocks copied because a snapshot shares them",
                pool.brokenSharings);
        counter(
                "gossamer.pool.ended.sharings",
                "Data blocks written in place again because nobody shares them any more",
                pool.endedSharings);
        registry.getPrometheusRegistry()
                .register(Histograms.one(
                        "gossamer_pool_snapshot_pause_seconds",
                        "How long snapshots and rollbacks have held writes back",
                        pool.barrierDurations));
        counter("gossamer.pool.unmapped.blocks", "Mappings removed by trims and zeroes", pool.unmappedBlocks);
        counter("gossamer.pool.discarded.blocks", "Freed data blocks discarded on the device", pool.discardedBlocks);
        counter(
                "gossamer.pool.undiscarded.blocks",
                "Freed data blocks reused without a discard",
                pool.undiscardedBlocks);
        counter("gossamer.pool.discard.errors", "Discards that the data device failed", pool.failedDiscards);
        counter(
                "gossamer.pool.zeroing.saved.blocks",
                "Data blocks that were known to be zero when they were allocated",
                pool.zeroedForFree);
        counter("gossamer.pool.commits", "Metadata transactions committed", pool.commits);
        Gauge.builder("gossamer.last.commit.timestamp.seconds", pool, DaemonMetrics::lastCommit)
                .description("When a transaction was committed last; 0 before the first")
                .register(registry);
        counter("gossamer.pool.commit.waiters", "Flushes answered by commits", pool.commitWaiters);
        registry.getPrometheusRegistry()
                .register(Histograms.one(
                        "gossamer_pool_commit_duration_seconds",
                        "How long commits took; the pool goes on meanwhile",
                        pool.commitDurations));
        counter(
                "gossamer.pool.commit.overlapping.blocks",
                "Data blocks mapped while the transaction before was being written",
                pool.mappedDuringCommit);
    }

    private static double lastCommit(PoolCounters pool) {
        long nanos = pool.lastCommitNanos();
        return nanos == 0 ? 0 : (System.currentTimeMillis() - (System.nanoTime() - nanos) / 1_000_000) / 1e3;
    }

    private void registerEvents(ThinPool pool) {
        Gauge.builder("gossamer.pool.data.lost", pool, p -> p.dataHealth().isFailed() ? 1 : 0)
                .description("1 if a flush of the data device has failed: none succeeds until the pool is opened again")
                .register(registry);
        for (PoolEvent.Kind kind : PoolEvent.Kind.values()) {
            FunctionCounter.builder("gossamer.pool.events", pool, p -> p.eventCount(kind))
                    .description("Changes of mode, low space, time-outs, growth")
                    .tag("kind", kind.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
    }

    private void registerJobs(PoolJobs jobs) {
        Gauge.builder("gossamer.jobs.active", jobs, PoolJobs::activeCount)
                .description("Jobs under way, paused ones included; reclaiming is not counted")
                .register(registry);
        Gauge.builder("gossamer.jobs.rest.factor", jobs, PoolJobs::restFactor)
                .description("How many times as long as they work jobs rest, for clients' sake; 1 is the least")
                .register(registry);
        for (JobInfo.State state : List.of(JobInfo.State.DONE, JobInfo.State.FAILED, JobInfo.State.CANCELLED)) {
            FunctionCounter.builder("gossamer.jobs.ended", jobs, j -> j.endedCount(state))
                    .description("Jobs that are over, by what came of them")
                    .tag("state", state.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
    }

    private void counter(String name, String description, LongAdder adder) {
        FunctionCounter.builder(name, adder, LongAdder::sum)
                .description(description)
                .register(registry);
    }

    private void registerStatus() {
        status("gossamer.pool.data.bytes", "Size of the data device", s -> bytes(s, s.dataBlocks()));
        status("gossamer.pool.data.used.bytes", "Data blocks in use", s -> bytes(s, s.dataBlocksUsed()));
        status(
                "gossamer.pool.metadata.bytes",
                "Size of the metadata device",
                s -> (double) s.metadataBlocks() * METADATA_BLOCK_BYTES);
        status(
                "gossamer.pool.metadata.used.bytes",
                "Metadata blocks in use",
                s -> (double) s.metadataBlocksUsed() * METADATA_BLOCK_BYTES);
        status(
                "gossamer.pool.reclaim.bytes",
                "Mapped by deleted volumes and still to be reclaimed",
                s -> bytes(s, s.reclaimBlocks()));
        status(
                "gossamer.pool.data.low",
                "1 if free data space is at the low-water mark",
                s -> s.space().dataLow() ? 1 : 0);
        status(
                "gossamer.pool.metadata.low",
                "1 if free metadata is at the low-water mark",
                s -> s.space().metadataLow() ? 1 : 0);
        status("gossamer.pool.space.waiters", "Writes waiting for space", s -> s.space()
                .waitingRequests());
        capacity(
                "gossamer.pool.provisioned.bytes",
                "Sizes of all volumes that can be written",
                Capacity::provisionedBytes);
        capacity("gossamer.pool.reserved.bytes", "Space that volumes have reserved", Capacity::reservedBytes);
        capacity(
                "gossamer.pool.available.bytes",
                "What may still be promised to volumes: over-commit x data - provisioned - reserved",
                Capacity::availableBytes);
        status("gossamer.pool.volumes", "Volumes, snapshots included", PoolStatus::volumes);
        status("gossamer.pool.needs.check", "1 if the metadata should be checked", s -> s.needsCheck() ? 1 : 0);
        for (PoolMode mode : PoolMode.values()) {
            Gauge.builder(
                            "gossamer.pool.mode",
                            this,
                            metrics -> metrics.now.status().mode() == mode ? 1 : 0)
                    .description("1 for the mode the pool is in")
                    .tag("mode", mode.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
    }

    private void capacity(String name, String description, ToLongFunction<Capacity> value) {
        Gauge.builder(name, this, metrics -> value.applyAsLong(metrics.now.capacity()))
                .description(description)
                .register(registry);
    }

    private static double bytes(PoolStatus status, long blocks) {
        return (double) blocks * status.blockBytes();
    }

    private void status(String name, String description, ToDoubleFunction<PoolStatus> value) {
        Gauge.builder(name, this, metrics -> value.applyAsDouble(metrics.now.status()))
                .description(description)
                .register(registry);
    }

    private void registerConnections(NbdServer nbd) {
        Gauge.builder("gossamer.nbd.connections", nbd.connections(), ConnectionRegistry::size)
                .description("NBD connections in transmission")
                .register(registry);
        for (NbdOperation operation : NbdOperation.values()) {
            if (operation != NbdOperation.UNKNOWN) {
                FunctionCounter.builder("gossamer.nbd.requests", this, metrics -> metrics.now
                                .totals()
                                .requests(operation))
                        .description("NBD commands answered")
                        .tag("operation", operation.label())
                        .register(registry);
            }
            FunctionCounter.builder("gossamer.nbd.errors", this, metrics -> metrics.now
                            .totals()
                            .errors(operation))
                    .description("NBD commands refused or failed")
                    .tag("operation", operation.label())
                    .register(registry);
        }
        registry.getPrometheusRegistry()
                .register(Histograms.byOperation(
                        "gossamer_nbd_request_duration_seconds",
                        "From a command's arrival to its answer",
                        nbd::durations));
        total("gossamer.nbd.read.bytes", "Bytes read by clients", ConnectionCounters::bytesRead);
        total("gossamer.nbd.written.bytes", "Bytes written by clients", ConnectionCounters::bytesWritten);
        total("gossamer.nbd.discarded.bytes", "Bytes trimmed by clients", ConnectionCounters::bytesDiscarded);
    }

    private void registerAdmissions(AdmissionCounters admissions) {
        Gauge.builder("gossamer.nbd.handshakes", admissions, AdmissionCounters::handshakes)
                .description("NBD handshakes under way")
                .register(registry);
        FunctionCounter.builder("gossamer.nbd.accepted", admissions, AdmissionCounters::accepted)
                .description("NBD connections accepted, refused ones included")
                .register(registry);
        for (AdmissionCounters.Refusal reason : AdmissionCounters.Refusal.values()) {
            FunctionCounter.builder("gossamer.nbd.refused", admissions, counters -> counters.refused(reason))
                    .description("NBD connections that the server ended before they had an export")
                    .tag("reason", reason.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
        FunctionCounter.builder("gossamer.nbd.access.denied", admissions, AdmissionCounters::accessDenied)
                .description("Times that a client asked for an export that is not for it")
                .register(registry);
    }

    private void total(String name, String description, ToDoubleFunction<ConnectionCounters> value) {
        FunctionCounter.builder(name, this, metrics -> value.applyAsDouble(metrics.now.totals()))
                .description(description)
                .register(registry);
    }
}
