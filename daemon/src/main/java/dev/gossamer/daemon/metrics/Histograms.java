package dev.gossamer.daemon.metrics;

import dev.gossamer.daemon.server.connection.NbdOperation;
import dev.gossamer.io.DurationHistogram;
import io.prometheus.metrics.model.registry.Collector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import java.util.List;
import java.util.function.Function;

/** Histograms that others count, as Prometheus has them. */
final class Histograms {
    private Histograms() {}

    static Collector one(String name, String help, DurationHistogram histogram) {
        return () -> HistogramSnapshot.builder()
                .name(name)
                .help(help)
                .dataPoint(point(Labels.EMPTY, List.of(histogram)))
                .build();
    }

    /** One series an operation; several histograms of one are added. */
    static Collector byOperation(String name, String help, Function<NbdOperation, List<DurationHistogram>> source) {
        return () -> {
            HistogramSnapshot.Builder family =
                    HistogramSnapshot.builder().name(name).help(help);
            for (NbdOperation operation : NbdOperation.values()) {
                if (operation != NbdOperation.UNKNOWN) {
                    family.dataPoint(point(Labels.of("operation", operation.label()), source.apply(operation)));
                }
            }
            return family.build();
        };
    }

    private static HistogramDataPointSnapshot point(Labels labels, List<DurationHistogram> histograms) {
        ClassicHistogramBuckets.Builder buckets = ClassicHistogramBuckets.builder();
        double sum = 0;
        for (DurationHistogram histogram : histograms) {
            sum += histogram.sumSeconds();
        }
        for (int i = 0; i < DurationHistogram.buckets(); i++) {
            long count = 0;
            for (DurationHistogram histogram : histograms) {
                count += histogram.count(i);
            }
            buckets.bucket(DurationHistogram.boundSeconds(i), count);
        }
        return HistogramDataPointSnapshot.builder()
                .labels(labels)
                .classicHistogramBuckets(buckets.build())
                .sum(sum)
                .build();
    }
}
