package dev.gossamer.daemon.metrics;

import dev.gossamer.daemon.server.access.MemoryBudget;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** The process and its Java runtime, under the names that other programs have for the same. */
final class ProcessSeries {
    private static final int PAGE_BYTES = 4096;

    private ProcessSeries() {}

    static void register(PrometheusMeterRegistry registry) {
        new JvmMemoryMetrics().bindTo(registry);
        new FileDescriptorMetrics().bindTo(registry);
        Gauge.builder("gossamer.direct.memory.used.bytes", MemoryBudget::directUsedBytes)
                .description("Direct memory in use; the loops' transfer memory is no part of it")
                .register(registry);
        Gauge.builder("gossamer.direct.memory.limit.bytes", MemoryBudget::directLimitBytes)
                .description("Direct memory that there may be")
                .register(registry);
        Gauge.builder(
                        "process.start.time.seconds",
                        () -> ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3)
                .description("When the process began, since 1970")
                .register(registry);
        Gauge.builder("process.resident.memory.bytes", ProcessSeries::residentBytes)
                .description("Memory that the process has in use")
                .register(registry);
        if (ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system) {
            FunctionCounter.builder("process.cpu.seconds", system, s -> s.getProcessCpuTime() / 1e9)
                    .description("Processor time used")
                    .register(registry);
        }
        for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
            FunctionCounter.builder("jvm.gc.collections", collector, GarbageCollectorMXBean::getCollectionCount)
                    .description("Collections")
                    .tag("gc", collector.getName())
                    .register(registry);
            FunctionCounter.builder("jvm.gc.pause.seconds", collector, gc -> gc.getCollectionTime() / 1e3)
                    .description("Time that collections have taken")
                    .tag("gc", collector.getName())
                    .register(registry);
        }
    }

    /** The second number of /proc/self/statm, proc(5). */
    private static double residentBytes() {
        try {
            return Double.parseDouble(
                            Files.readString(Path.of("/proc/self/statm")).split(" ", -1)[1])
                    * PAGE_BYTES;
        } catch (IOException e) {
            return Double.NaN;
        }
    }
}
