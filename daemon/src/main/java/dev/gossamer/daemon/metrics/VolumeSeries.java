package dev.gossamer.daemon.metrics;

import dev.gossamer.daemon.server.connection.ConnectionCounters;
import dev.gossamer.daemon.server.connection.NbdOperation;
import dev.gossamer.daemon.server.export.VolumeExports;
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
                gauge("reserve_bytes", "Mapped space that is guaranteed", v -> v.limits()
                        .reserveBytes()),
                gauge("connections", "NBD connections that have it open", VolumeInfo::openCount),
                counter("read_bytes", "Bytes read by clients", ConnectionCounters::bytesRead),
                counter("written_bytes", "Bytes written by clients", ConnectionCounters::bytesWritten),
                counter("discarded_bytes", "Bytes trimmed by clients", ConnectionCounters::bytesDiscarded),
                errors());
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

    private static CounterDataPointSnapshot point(Labels labels, double value) {
        return CounterDataPointSnapshot.builder().labels(labels).value(value).build();
    }
}
