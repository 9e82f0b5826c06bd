package dev.gossamer.daemon.metrics;

import dev.gossamer.daemon.device.DeviceHealth;
import dev.gossamer.io.ring.StalledFiles;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshot;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * Series of the devices below the pool: of remote ones always, of others while they do not answer. Without such devices
 * there are none.
 */
final class DeviceSeries implements MultiCollector {
    private List<DeviceHealth> devices = List.of();
    private List<StalledFiles.Stalled> stalled = List.of();

    /** What the next {@link #collect} tells. */
    void show(List<DeviceHealth> remote, List<StalledFiles.Stalled> stalledFiles) {
        devices = remote;
        stalled = stalledFiles;
    }

    @Override
    public MetricSnapshots collect() {
        if (devices.isEmpty()) {
            return stalled.isEmpty() ? MetricSnapshots.of() : MetricSnapshots.of(stalledSeconds());
        }
        return MetricSnapshots.of(
                gauge("connected", "1 while its server is connected", d -> d.connected() ? 1 : 0),
                stalledSeconds(),
                gauge("kept_bytes", "Answered writes that are kept until a flush covers them", DeviceHealth::keptBytes),
                counter("reconnects", "Connections made again after one was lost", DeviceHealth::reconnects),
                counter("repeated_writes", "Kept writes sent again on a new connection", DeviceHealth::repeatedWrites));
    }

    private MetricSnapshot stalledSeconds() {
        GaugeSnapshot.Builder family = GaugeSnapshot.builder()
                .name("gossamer_device_stalled_seconds")
                .help("How long its oldest request has waited, if that is more than 5 s");
        Map<String, Double> byName = new TreeMap<>();
        devices.forEach(device -> byName.put(device.name(), device.stalledSeconds()));
        stalled.forEach(file -> byName.merge(file.name(), (double) file.seconds(), Math::max));
        byName.forEach((name, seconds) -> family.dataPoint(GaugeDataPointSnapshot.builder()
                .labels(Labels.of("device", name))
                .value(seconds)
                .build()));
        return family.build();
    }

    private MetricSnapshot gauge(String name, String help, ToDoubleFunction<DeviceHealth> value) {
        GaugeSnapshot.Builder family =
                GaugeSnapshot.builder().name("gossamer_device_" + name).help(help);
        for (DeviceHealth device : devices) {
            family.dataPoint(GaugeDataPointSnapshot.builder()
                    .labels(Labels.of("device", device.name()))
                    .value(value.applyAsDouble(device))
                    .build());
        }
        return family.build();
    }

    private MetricSnapshot counter(String name, String help, ToLongFunction<DeviceHealth> value) {
        CounterSnapshot.Builder family =
                CounterSnapshot.builder().name("gossamer_device_" + name).help(help);
        for (DeviceHealth device : devices) {
            family.dataPoint(CounterDataPointSnapshot.builder()
                    .labels(Labels.of("device", device.name()))
                    .value((double) value.applyAsLong(device))
                    .build());
        }
        return family.build();
    }
}
