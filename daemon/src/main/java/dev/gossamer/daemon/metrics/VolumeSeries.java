package dev.gossamer.daemon.metrics;

import dev.gossamer.daemon.server.connection.ConnectionCounters;
import dev.gossamer.daemon.server.connection.NbdOperation;
import dev.gossamer.daemon.server.export.VolumeExports;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.rate.RateWaits;
import dev.gossamer.thin.VolumeInfo;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * Series of single volumes (OP-31): of those that have most mapped, up to a limit, since each is ten series in whatever
 * collects them. Snapshots have none.
 */
final class VolumeSeries implements MultiCollector {
    private static final ConnectionCounters NOTHING = new ConnectionCounters();

    private final int limit;
    private List<VolumeInfo> volumes = List.of();
    private Map<String, ConnectionCounters> exports = Map.of();

    VolumeSeries(int limit) {
        this.limit = limit;
    }

    /** What the next {@link #collect} tells. */
    void show(List<VolumeInfo> all, Map<String, ConnectionCounters> itsExports) {
        volumes = all.stream()
                .filter(volume -> !volume.isSnapshot())
                .sorted(Comparator.comparingLong(VolumeInfo::mappedBytes)
                        .reversed()
                        .thenComparing(VolumeInfo::name))
                .limit(limit)
                .toList();
        exports = itsExports;
    }

    @Override
    public MetricSnapshots collect() {
        if (volumes.isEmpty()) {
            return MetricSnapshots.of();
        }
        return MetricSnapshots.of(
                gauge("size_bytes", "Virtual size", VolumeInfo::sizeBytes),
                gauge("mapped_bytes", "Space mapped, shared blocks included", VolumeInfo::mappedBytes),
                gauge("limit_bytes", "Most that may be mapped; 0 is no limit", v -> v.limits()
                        .limitBytes()),
                gauge(
                        "own_bytes",
                        "Mapped since the last snapshot; -1 while it is being counted",
                        VolumeInfo::ownBytes),
                gauge("promised_bytes", "Space that is promised, mapped or not", VolumeInfo::promisedBytes),
                gauge("reserve_bytes", "Mapped space that is guaranteed", v -> v.limits()
                        .reserveBytes()),
                gauge("connections", "NBD connections that have it open", VolumeInfo::openCount),
                counter("read_bytes", "Bytes read by clients", ConnectionCounters::bytesRead),
                counter("written_bytes", "Bytes written by clients", ConnectionCounters::bytesWritten),
                counter("discarded_bytes", "Bytes trimmed by clients", ConnectionCounters::bytesDiscarded),
                errors(),
                rates(),
                rateWaits("rate_waits", "Commands that waited for their turn at a rate", RateWaits::commands, 1),
                rateWaits("rate_wait_seconds", "How long, all together", RateWaits::nanos, 1e9));
    }

    private static Labels labels(VolumeInfo volume) {
        return Labels.of("volume", volume.name(), "uuid", VolumeExports.key(volume));
    }

    private ConnectionCounters counters(VolumeInfo volume) {
        return exports.getOrDefault(VolumeExports.key(volume), NOTHING);
    }

    private MetricSnapshot gauge(String name, String help, ToLongFunction<VolumeInfo> value) {
        GaugeSnapshot.Builder family =
                GaugeSnapshot.builder().name("gossamer_volume_" + name).help(help);
        for (VolumeInfo volume : volumes) {
            family.dataPoint(GaugeDataPointSnapshot.builder()
                    .labels(labels(volume))
                    .value((double) value.applyAsLong(volume))
                    .build());
        }
        return family.build();
    }

    private MetricSnapshot counter(String name, String help, ToLongFunction<ConnectionCounters> value) {
        CounterSnapshot.Builder family =
                CounterSnapshot.builder().name("gossamer_volume_" + name).help(help);
        for (VolumeInfo volume : volumes) {
            family.dataPoint(point(labels(volume), (double) value.applyAsLong(counters(volume))));
        }
        return family.build();
    }

    /** Of operations that have failed at all: the others would be eight series of zeros for each volume. */
    private MetricSnapshot errors() {
        CounterSnapshot.Builder family =
                CounterSnapshot.builder().name("gossamer_volume_errors").help("Commands refused or failed");
        for (VolumeInfo volume : volumes) {
            ConnectionCounters counters = counters(volume);
            for (NbdOperation operation : NbdOperation.values()) {
                long errors = counters.errors(operation);
                if (errors > 0 || operation == NbdOperation.READ) {
                    family.dataPoint(point(labels(volume).add("operation", operation.label()), (double) errors));
                }
            }
        }
        return family.build();
    }

    /** Of volumes that have any, those that they have. */
    private MetricSnapshot rates() {
        GaugeSnapshot.Builder family = GaugeSnapshot.builder()
                .name("gossamer_volume_rate_limit")
                .help("Most that all clients together may do in a second, of operations or bytes");
        for (VolumeInfo volume : volumes) {
            IoRates rates = volume.rates();
            rate(family, volume, "iops", rates.iops());
            rate(family, volume, "read_iops", rates.readIops());
            rate(family, volume, "write_iops", rates.writeIops());
            rate(family, volume, "bandwidth", rates.bandwidth());
            rate(family, volume, "read_bandwidth", rates.readBandwidth());
            rate(family, volume, "write_bandwidth", rates.writeBandwidth());
        }
        return family.build();
    }

    private static void rate(GaugeSnapshot.Builder family, VolumeInfo volume, String kind, long perSecond) {
        if (perSecond > 0) {
            family.dataPoint(GaugeDataPointSnapshot.builder()
                    .labels(labels(volume).add("kind", kind))
                    .value((double) perSecond)
                    .build());
        }
    }

    /** Of volumes that have rates, or had. */
    private MetricSnapshot rateWaits(String name, String help, ToLongFunction<RateWaits> value, double unit) {
        CounterSnapshot.Builder family =
                CounterSnapshot.builder().name("gossamer_volume_" + name).help(help);
        for (VolumeInfo volume : volumes) {
            RateWaits waits = volume.rateWaits();
            if (volume.rates().isLimited() || waits.commands() > 0) {
                family.dataPoint(point(labels(volume), value.applyAsLong(waits) / unit));
            }
        }
        return family.build();
    }

    private static CounterDataPointSnapshot point(Labels labels, double value) {
        return CounterDataPointSnapshot.builder().labels(labels).value(value).build();
    }
}
