package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gossamer space}: what holds the pool's space, and what frees it. */
@Command(
        name = "space",
        description = {
            "Says where a running pool's space is, what grows, and which command frees how much.",
            "Counts what each volume has for itself, which takes time for large ones: --top limits it."
        },
        footer = {"", "Examples:", "  gossamer space -p DIR", "  gossamer space -p DIR --top 100 --json"})
final class SpaceCommand implements Callable<Integer> {
    /** Sizes that come to more times the data than this are worth a word. */
    private static final double MUCH_PROMISED = 10;

    private static final int HOUR = 3600;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Option(
            names = "--top",
            paramLabel = "N",
            defaultValue = "20",
            description = "How many volumes, those with most mapped first; default ${DEFAULT-VALUE}.")
    private int top;

    @Override
    public Integer call() throws CommandFailed {
        JsonNode status = ask("/v1/status");
        List<ObjectNode> volumes = new ArrayList<>();
        ask("/v1/volumes").forEach(volume -> volumes.add((ObjectNode) volume));
        volumes.sort(
                Comparator.comparingLong(volume -> -volume.path("mappedBytes").asLong()));
        List<ObjectNode> shown = volumes.subList(0, Math.min(Math.max(1, top), volumes.size()));
        for (ObjectNode volume : shown) {
            JsonNode space = pool.askIfThere(
                    "/v1/volumes/" + PoolOption.segment(volume.path("name").asText()) + "/space");
            // Null: deleted since.
            volume.put(
                    "freedIfDeletedBytes",
                    space == null ? 0 : space.path("freedIfDeletedBytes").asLong());
            volume.put("frees", command(volume));
        }
        shown.sort(Comparator.comparingLong(
                volume -> -volume.path("freedIfDeletedBytes").asLong()));
        Output.print(spec, output.isJson() ? json(status, shown) : text(status, shown));
        return 0;
    }

    private JsonNode ask(String path) throws CommandFailed {
        return pool.parse(pool.ask("GET", path, null));
    }

    private static String command(JsonNode volume) {
        return "gossamer " + (volume.path("originId").isInt() ? "snapshot" : "volume") + " delete "
                + volume.path("name").asText();
    }

    private static String json(JsonNode status, List<ObjectNode> volumes) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        for (String field : new String[] {
            "dataBytes",
            "dataUsedBytes",
            "dataFreeBytes",
            "dataReservedBytes",
            "dataEmergencyBytes",
            "dataMissingBytes",
            "countingSpace",
            "overCommit",
            "reclaimBytes",
            "metadataSnapshotBlock",
            "dataGrowthBytesPerHour",
            "dataFullInSeconds"
        }) {
            node.set(field, status.path(field).isMissingNode() ? null : status.path(field));
        }
        node.putArray("volumes").addAll(volumes);
        return node.toPrettyString();
    }

    private static String overCommit(JsonNode status) {
        double ratio = status.path("overCommit").asDouble();
        return ratio + " times the data" + (ratio > MUCH_PROMISED ? ", which is much; grow the pool in time" : "");
    }

    private static String text(JsonNode status, List<ObjectNode> volumes) {
        TextTable facts = new TextTable("SPACE", "");
        facts.row("used", Output.size(status, "dataUsedBytes") + " of " + Output.size(status, "dataBytes"));
        facts.row("growth", growth(status));
        if (status.path("reclaimBytes").asLong() > 0) {
            facts.row("coming back", Output.size(status, "reclaimBytes") + " of deleted volumes, by itself");
        }
        if (status.path("dataReservedBytes").asLong() > 0) {
            facts.row(
                    "reserved", Output.size(status, "dataReservedBytes") + "; volume set NAME --reserve 0 gives it up");
        }
        if (status.path("dataMissingBytes").asLong() > 0) {
            facts.row(
                    "short by",
                    Output.size(status, "dataMissingBytes") + " of what is promised; grow the pool or delete volumes");
        }
        if (status.path("dataEmergencyBytes").asLong() > 0) {
            facts.row("emergency", Output.size(status, "dataEmergencyBytes") + ", for critical volumes only");
        }
        facts.row("over-commit", overCommit(status));
        if (status.path("metadataSnapshotBlock").asLong() > 0) {
            facts.row("held", "by a metadata snapshot; gossamer pool metadata-snapshot release");
        }
        TextTable table = new TextTable("VOLUME", ">MAPPED", ">FREED IF DELETED", "BY");
        for (ObjectNode volume : volumes) {
            table.row(
                    volume.path("name").asText(),
                    Output.size(volume, "mappedBytes"),
                    Output.size(volume, "freedIfDeletedBytes"),
                    volume.path("frees").asText());
        }
        return facts.render() + System.lineSeparator() + table.render();
    }

    /** How fast the pool fills, in words. */
    static String growth(JsonNode status) {
        if (!status.path("dataGrowthBytesPerHour").isIntegralNumber()) {
            return "not known yet: it takes a few minutes";
        }
        long perHour = status.path("dataGrowthBytesPerHour").asLong();
        long full = status.path("dataFullInSeconds").asLong(-1);
        if (perHour <= 0) {
            return "none in the last hour";
        }
        return ByteSize.format(perHour) + " an hour" + (full < 0 ? "" : ", full in " + time(full));
    }

    private static String time(long seconds) {
        if (seconds < 2 * HOUR) {
            return seconds / 60 + " min";
        }
        return seconds < 48 * HOUR ? seconds / HOUR + " h" : seconds / (24 * HOUR) + " days";
    }
}
