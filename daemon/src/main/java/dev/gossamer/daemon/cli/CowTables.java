package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;

/** Origins and snapshots as tables. */
final class CowTables {
    private CowTables() {}

    /** All, one a line, snapshots below their origin. */
    static String list(JsonNode origins) {
        TextTable table =
                new TextTable("NAME", "STATE", ">SIZE", ">CHUNK", ">USED", ">STORE", "DEVICE", ">CONNECTIONS");
        for (JsonNode origin : origins) {
            table.row(
                    Output.text(origin, "name"),
                    state(origin),
                    Output.size(origin, "sizeBytes"),
                    "-",
                    "-",
                    "-",
                    Output.text(origin, "origin"),
                    Output.text(origin, "connections"));
            for (JsonNode snapshot : origin.path("snapshots")) {
                table.row(
                        Output.text(snapshot, "name"),
                        state(snapshot),
                        Output.size(snapshot, "sizeBytes"),
                        Output.size(snapshot, "chunkBytes"),
                        Output.size(snapshot, "storeUsedBytes"),
                        Output.size(snapshot, "storeBytes"),
                        store(snapshot),
                        Output.text(snapshot, "connections"));
            }
        }
        return table.render();
    }

    /** Everything about one, or about each of a list. */
    static String status(JsonNode answer) {
        if (!answer.isArray()) {
            return facts(answer);
        }
        StringBuilder all = new StringBuilder();
        answer.forEach(origin ->
                all.append(all.isEmpty() ? "" : System.lineSeparator()).append(facts(origin)));
        return all.toString();
    }

    private static String facts(JsonNode node) {
        if (node.has("type")) {
            return snapshot(node);
        }
        TextTable table = new TextTable("ORIGIN", Output.text(node, "name"));
        table.row("state", state(node));
        table.row("device", Output.text(node, "origin"));
        table.row("size", Output.size(node, "sizeBytes"));
        table.row("connections", Output.text(node, "connections"));
        StringBuilder all = new StringBuilder(table.render());
        node.path("snapshots")
                .forEach(snapshot -> all.append(System.lineSeparator()).append(snapshot(snapshot)));
        return all.toString();
    }

    private static String snapshot(JsonNode node) {
        TextTable table = new TextTable("SNAPSHOT", Output.text(node, "name"));
        table.row("state", state(node));
        table.row("store", store(node));
        table.row("type", Output.text(node, "type"));
        table.row("when full", Output.text(node, "onFull"));
        if (!node.has("kernelStatus")) {
            return table.render();
        }
        table.row("kernel", Output.text(node, "kernelStatus"));
        table.row("size", Output.size(node, "sizeBytes"));
        table.row("chunks", Output.text(node, "chunks") + " of " + Output.size(node, "chunkBytes"));
        table.row("used", Output.size(node, "storeUsedBytes") + " of " + Output.size(node, "storeBytes"));
        if (Output.text(node, "state").startsWith("merg")) {
            table.row(
                    "merged",
                    MergeProgress.share(
                            node.path("mergedChunks").asLong(),
                            node.path("chunks").asLong()));
        }
        table.row("connections", Output.text(node, "connections"));
        return table.render();
    }

    private static String state(JsonNode node) {
        String cause = node.path("cause").asText();
        return Output.text(node, "state") + (cause.isEmpty() ? "" : " (" + cause + ")");
    }

    private static String store(JsonNode node) {
        return node.has("storeVolume") ? "volume " + Output.text(node, "storeVolume") : Output.text(node, "store");
    }
}
