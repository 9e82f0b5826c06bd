package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.util.HashMap;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** {@code --json}, and the tables that are printed without it. */
final class Output {
    private static final String NONE = "-";

    @Option(names = "--json", description = "Print JSON: sizes in bytes, times in ISO 8601.")
    private boolean asJson;

    boolean isJson() {
        return asJson;
    }

    /** Prints what a command has to say, without a line end of its own too many. */
    static void print(CommandSpec spec, String text) {
        PrintWriter out = spec.commandLine().getOut();
        out.println(text.stripTrailing());
        out.flush();
    }

    /** Prints that something was done: a line for people, or the same as JSON. */
    void done(CommandSpec spec, String what, String name) {
        print(
                spec,
                asJson
                        ? JsonNodeFactory.instance
                                .objectNode()
                                .put("done", what)
                                .put("name", name)
                                .toString()
                        : what + (name.isEmpty() ? "" : " " + name));
    }

    /** Prints what would be done. */
    void preview(CommandSpec spec, ObjectNode preview) {
        print(spec, asJson ? preview.toPrettyString() : Preview.line(preview));
    }

    /** Volumes as a table; origins by name where they still exist. */
    static String volumeTable(JsonNode volumes, JsonNode allVolumes) {
        Map<Integer, String> names = new HashMap<>();
        allVolumes.forEach(volume ->
                names.put(volume.path("id").asInt(), volume.path("name").asText()));
        TextTable table = new TextTable(
                "NAME", ">ID", ">SIZE", ">MAPPED", ">OWN", ">PROMISED", "ACCESS", "ORIGIN", "CREATED", ">CONNECTIONS");
        for (JsonNode volume : volumes) {
            JsonNode origin = volume.path("originId");
            table.row(
                    volume.path("name").asText(),
                    volume.path("id").asText(),
                    size(volume, "sizeBytes"),
                    size(volume, "mappedBytes"),
                    own(volume),
                    volume.path("promisedBytes").asLong() == 0 ? NONE : size(volume, "promisedBytes"),
                    access(volume),
                    origin.isInt() ? names.getOrDefault(origin.asInt(), "#" + origin.asInt() + " (deleted)") : NONE,
                    text(volume, "createdAt"),
                    volume.path("connections").asText());
        }
        return table.render();
    }

    private static String access(JsonNode volume) {
        if (volume.hasNonNull("damage")) {
            return "damaged";
        }
        return volume.path("readOnly").asBoolean() ? "ro" : "rw";
    }

    /** What a volume has mapped since its last snapshot, which is counted after the start. */
    static String own(JsonNode volume) {
        return volume.hasNonNull("ownBytes") ? size(volume, "ownBytes") : "?";
    }

    static String size(JsonNode node, String field) {
        return ByteSize.format(node.path(field).asLong());
    }

    static String text(JsonNode node, String field) {
        JsonNode value = node.path(field);
        return value.isNull() || value.asText().isEmpty() ? NONE : value.asText();
    }
}
