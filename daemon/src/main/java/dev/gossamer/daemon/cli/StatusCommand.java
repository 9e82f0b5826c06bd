package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gossamer status}: the pool and its daemon at a glance. */
@Command(
        name = "status",
        description = "Shows what a running pool can do, how full it is and who is connected.",
        footer = {
            "",
            "Examples:",
            "  gossamer status -p DIR",
            "  gossamer status --json | jq .dataUsedBytes",
            "  gossamer status -p DIR --check"
        })
final class StatusCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Option(names = "--dm", description = "Print the kernel's status lines, as dmsetup status does, and nothing else.")
    private boolean dm;

    @Option(
            names = "--check",
            description =
                    "One line for monitoring programs, and their exit codes: 0 fine, 1 warning, 2 critical, 3 not "
                            + "known.")
    private boolean check;

    @Override
    public Integer call() throws CommandFailed {
        if (check) {
            return check();
        }
        if (dm) {
            Output.print(spec, pool.ask("GET", "/v1/dm-status", null));
            return 0;
        }
        String answer = pool.ask("GET", "/v1/status", null);
        Output.print(
                spec,
                output.isJson()
                        ? answer
                        : render(pool.parse(answer), pool.parse(pool.ask("GET", "/v1/connections", null))));
        return 0;
    }

    private int check() {
        StatusCheck found;
        try {
            found = StatusCheck.of(pool.parse(pool.ask("GET", "/v1/status", null)));
        } catch (CommandFailed e) {
            found = StatusCheck.of(e);
        }
        Output.print(spec, found.line());
        return found.exitCode();
    }

    private static String render(JsonNode status, JsonNode connections) {
        TextTable facts = new TextTable("POOL", status.path("pool").asText());
        String cause = status.path("modeCause").asText();
        facts.row("mode", status.path("mode").asText() + (cause.isEmpty() ? "" : " (" + cause + ")"));
        if (status.path("needsCheck").asBoolean()) {
            facts.row("needs check", "yes: metadata failed once and should be checked");
        }
        if (!status.path("poolAnswers").asBoolean(true)) {
            facts.row("attention", "the pool waits and does not answer: what follows is what was known before");
        }
        for (JsonNode device : status.path("remoteDevices")) {
            long seconds = Math.round(device.path("stalledSeconds").asDouble());
            if (seconds > 0) {
                facts.row(
                        "stalled",
                        device.path("name").asText() + " has not answered for " + seconds
                                + " s; bring its server back, requests wait");
            }
        }
        for (JsonNode device : status.path("stalledDevices")) {
            facts.row(
                    "stalled",
                    device.path("name").asText() + " has not answered for "
                            + device.path("stalledSeconds").asText()
                            + " s; see to the disk (journalctl -k), requests wait");
        }
        facts.row("data", usage(status, "dataUsedBytes", "dataBytes"));
        facts.row("metadata", usage(status, "metadataUsedBytes", "metadataBytes"));
        if (status.path("dataLow").asBoolean() || status.path("metadataLow").asBoolean()) {
            facts.row("low on", status.path("dataLow").asBoolean() ? "data space" : "metadata space");
        }
        facts.row("growth", SpaceCommand.growth(status));
        facts.row("when full", whenFull(status));
        facts.row("block size", Output.size(status, "blockBytes"));
        facts.row("volumes", status.path("volumes").asText());
        facts.row("discards", status.path("discard").asText());
        if (status.path("reclaimVolumes").asInt() > 0) {
            facts.row(
                    "reclaiming",
                    Output.size(status, "reclaimBytes") + " of "
                            + status.path("reclaimVolumes").asText() + " deleted volume(s)");
        }
        status.path("listen").forEach(uri -> facts.row("listens on", uri.asText()));
        facts.row("engine", status.path("engine").asText());
        facts.row("version", status.path("version").asText());
        facts.row("started", status.path("startedAt").asText());
        return facts.render() + (connections.isEmpty() ? "" : System.lineSeparator() + peers(connections));
    }

    private static String peers(JsonNode connections) {
        TextTable peers =
                new TextTable("EXPORT", "PEER", ">REQUESTS", ">IN-FLIGHT", ">READ", ">WRITTEN", ">ERRORS", "SINCE");
        for (JsonNode connection : connections) {
            peers.row(
                    connection.path("export").asText(),
                    connection.path("peer").asText(),
                    connection.path("requests").asText(),
                    connection.path("inFlight").asText(),
                    Output.size(connection, "readBytes"),
                    Output.size(connection, "writtenBytes"),
                    connection.path("errors").asText(),
                    connection.path("openedAt").asText());
        }
        return peers.render();
    }

    private static String whenFull(JsonNode status) {
        String wanted = status.path("onFull").asText();
        String effective = status.path("onFullEffective").asText();
        int waiting = status.path("requestsWaitingForSpace").asInt();
        return wanted
                + (wanted.equals(effective) ? "" : " (now " + effective + ": the time-out has passed)")
                + (waiting == 0
                        ? ""
                        : ", " + waiting + " waiting for "
                                + status.path("waitingForSpaceSeconds").asText() + " s");
    }

    private static String usage(JsonNode status, String usedField, String totalField) {
        long total = status.path(totalField).asLong();
        double percent = total == 0 ? 0 : 100.0 * status.path(usedField).asLong() / total;
        return String.format(
                Locale.ROOT,
                "%s of %s used (%.1f%%)",
                Output.size(status, usedField),
                Output.size(status, totalField),
                percent);
    }
}
