package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code gossamer top}: who does what at the moment. */
@Command(
        name = "top",
        description = {
            "Shows the exports in use, busiest first, with their requests and bytes a second, until Ctrl-C.",
            "The first line says how full the pool is, how fast it fills, and what waits."
        },
        footer = {"", "Examples:", "  gossamer top -p DIR", "  gossamer top -p DIR --interval 5 --count 1"})
final class TopCommand implements Callable<Integer> {
    private static final String CLEAR = "\u001b[H\u001b[J";
    private static final int LINES = 30;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Option(
            names = "--interval",
            paramLabel = "SECONDS",
            defaultValue = "2",
            description = "Time between two looks; default ${DEFAULT-VALUE}.")
    private int intervalSeconds;

    @Option(
            names = "--count",
            paramLabel = "N",
            defaultValue = "0",
            description = "Print so many tables, one below the other, and end; 0 is for ever, in place.")
    private int count;

    /** What one export has done so far. */
    private record Done(long requests, long readBytes, long writtenBytes, long errors) {
        Done plus(JsonNode connection) {
            return new Done(
                    requests + connection.path("requests").asLong(),
                    readBytes + connection.path("readBytes").asLong(),
                    writtenBytes + connection.path("writtenBytes").asLong(),
                    errors + connection.path("errors").asLong());
        }

        /** Never negative: a connection that has ended takes its counts along. */
        Done since(Done before) {
            return new Done(
                    Math.max(0, requests - before.requests),
                    Math.max(0, readBytes - before.readBytes),
                    Math.max(0, writtenBytes - before.writtenBytes),
                    Math.max(0, errors - before.errors));
        }
    }

    private static final Done NOTHING = new Done(0, 0, 0, 0);

    @Override
    public Integer call() throws CommandFailed {
        if (intervalSeconds < 1) {
            throw new ParameterException(spec.commandLine(), "--interval must be at least 1 second");
        }
        PrintWriter out = spec.commandLine().getOut();
        Map<String, Done> before = totals(ask("/v1/connections"));
        long beforeNanos = System.nanoTime();
        for (int shown = 0; count == 0 || shown < count; shown++) {
            try {
                Thread.sleep(intervalSeconds * 1000L);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return 0;
            }
            JsonNode connections = ask("/v1/connections");
            Map<String, Done> now = totals(connections);
            double seconds = (System.nanoTime() - beforeNanos) / 1e9;
            beforeNanos = System.nanoTime();
            out.print(count == 0 ? CLEAR : "");
            out.println(headline(ask("/v1/status")));
            out.println(table(before, now, connections, seconds));
            out.flush();
            before = now;
        }
        return 0;
    }

    private JsonNode ask(String path) throws CommandFailed {
        return pool.parse(pool.ask("GET", path, null));
    }

    private static Map<String, Done> totals(JsonNode connections) {
        Map<String, Done> totals = new HashMap<>();
        for (JsonNode connection : connections) {
            totals.merge(connection.path("export").asText(), NOTHING.plus(connection), (a, b) -> a.plus(connection));
        }
        return totals;
    }

    static String headline(JsonNode status) {
        int waiting = status.path("requestsWaitingForSpace").asInt();
        return "mode " + status.path("mode").asText() + ", data " + Output.size(status, "dataUsedBytes") + " of "
                + Output.size(status, "dataBytes") + ", metadata " + Output.size(status, "metadataUsedBytes") + " of "
                + Output.size(status, "metadataBytes") + ", growth: " + SpaceCommand.growth(status)
                + (waiting > 0 ? ", " + waiting + " WRITES WAIT FOR SPACE" : "");
    }

    private static String table(Map<String, Done> before, Map<String, Done> now, JsonNode connections, double seconds) {
        Map<String, long[]> open = new HashMap<>();
        for (JsonNode connection : connections) {
            long[] counts = open.computeIfAbsent(connection.path("export").asText(), export -> new long[2]);
            counts[0]++;
            counts[1] += connection.path("inFlight").asLong();
        }
        List<String> exports = new ArrayList<>(now.keySet());
        Map<String, Done> rates = new HashMap<>();
        exports.forEach(export -> rates.put(export, now.get(export).since(before.getOrDefault(export, NOTHING))));
        exports.sort(
                Comparator.comparingLong((String export) -> -rates.get(export).requests())
                        .thenComparing(Comparator.naturalOrder()));
        TextTable table = new TextTable(
                "EXPORT", ">REQUESTS/S", ">READ/S", ">WRITTEN/S", ">IN-FLIGHT", ">ERRORS", ">CONNECTIONS");
        for (String export : exports.subList(0, Math.min(LINES, exports.size()))) {
            Done done = rates.get(export);
            table.row(
                    export,
                    Long.toString(Math.round(done.requests() / seconds)),
                    ByteSize.format(Math.round(done.readBytes() / seconds)),
                    ByteSize.format(Math.round(done.writtenBytes() / seconds)),
                    Long.toString(open.get(export)[1]),
                    Long.toString(done.errors()),
                    Long.toString(open.get(export)[0]));
        }
        return exports.isEmpty() ? "nobody is connected" : table.render();
    }
}
