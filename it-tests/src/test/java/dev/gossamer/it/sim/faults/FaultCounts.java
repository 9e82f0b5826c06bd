package dev.gossamer.it.sim.faults;

import dev.gossamer.io.BlockOperation;
import java.util.Map;
import java.util.TreeMap;

/** Which fault met which operation under way, over all seeds: the coverage table. */
public final class FaultCounts {
    private final Map<String, Map<String, Long>> counts = new TreeMap<>();

    public void count(String fault, String underWay) {
        counts.computeIfAbsent(fault, f -> new TreeMap<>()).merge(underWay, 1L, Long::sum);
    }

    public void count(String fault, BlockOperation operation) {
        count(fault, operation.name());
    }

    /** How often a fault has happened, whatever was under way. */
    public long total(String fault) {
        return counts.getOrDefault(fault, Map.of()).values().stream()
                .mapToLong(Long::longValue)
                .sum();
    }

    public void addAll(FaultCounts other) {
        other.counts.forEach((fault, row) -> row.forEach((operation, n) ->
                counts.computeIfAbsent(fault, f -> new TreeMap<>()).merge(operation, n, Long::sum)));
    }

    public Map<String, Map<String, Long>> table() {
        return counts;
    }
}
