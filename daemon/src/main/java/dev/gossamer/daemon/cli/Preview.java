package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What a command would do, asked of the daemon by questions alone. */
final class Preview {
    private static final String VOLUMES = "/v1/volumes";

    private final PoolOption pool;

    Preview(PoolOption pool) {
        this.pool = pool;
    }

    /** What goes with a volume or snapshot, and what stays. */
    ObjectNode deletion(String name) throws CommandFailed {
        return deletion(List.of(name));
    }

    /** What goes with several of them together, which may be more than what each would free. */
    ObjectNode deletion(List<String> names) throws CommandFailed {
        ObjectNode node = begin("delete", String.join(", ", names));
        Set<Integer> ids = new HashSet<>();
        long sizeBytes = 0;
        for (String name : names) {
            JsonNode volume = volume(name);
            ids.add(volume.path("id").asInt());
            sizeBytes += volume.path("sizeBytes").asLong();
        }
        node.put("sizeBytes", sizeBytes);
        ObjectNode set = JsonNodeFactory.instance.objectNode();
        names.forEach(set.putArray("volumes")::add);
        node.setAll((ObjectNode) pool.parse(pool.ask("POST", "/v1/freed-if-deleted", set)));
        ArrayNode staying = node.putArray("snapshotsThatStay");
        for (JsonNode other : ask(VOLUMES)) {
            boolean goes = ids.contains(other.path("id").asInt());
            if (other.path("originId").isInt()
                    && ids.contains(other.path("originId").asInt())
                    && !goes) {
                staying.add(other.path("name").asText());
            }
        }
        return inUseBy(node, names);
    }

    /** What a volume holds now, and would hold. */
    ObjectNode rollback(String name, String snapshot) throws CommandFailed {
        JsonNode before = volume(name);
        JsonNode after = volume(snapshot);
        ObjectNode node = begin("roll back", name);
        node.put("to", snapshot);
        node.put("sizeBytes", before.path("sizeBytes").asLong());
        node.put("newSizeBytes", after.path("sizeBytes").asLong());
        node.put("snapshotTakenAt", after.path("createdAt").asText());
        return inUseBy(node, name);
    }

    /** What is behind the new end. */
    ObjectNode resize(String name, long newBytes) throws CommandFailed {
        long bytes = volume(name).path("sizeBytes").asLong();
        ObjectNode node = begin("resize", name);
        node.put("sizeBytes", bytes);
        node.put("newSizeBytes", newBytes);
        node.put("lostRangeBytes", Math.max(0, bytes - newBytes));
        return inUseBy(node, name);
    }

    /** What a classic snapshot or an origin is now, before it is deleted or merged. */
    ObjectNode classic(String what, String name) throws CommandFailed {
        JsonNode found = ask("/v1/cow/" + PoolOption.segment(name));
        ObjectNode node = begin(what, name);
        node.put("state", found.path("state").asText());
        node.put("storeUsedBytes", found.path("storeUsedBytes").asLong());
        return inUseBy(node, name);
    }

    private static ObjectNode begin(String what, String name) {
        return JsonNodeFactory.instance.objectNode().put("would", what).put("name", name);
    }

    private ObjectNode inUseBy(ObjectNode node, String export) throws CommandFailed {
        return inUseBy(node, List.of(export));
    }

    private ObjectNode inUseBy(ObjectNode node, List<String> exports) throws CommandFailed {
        ArrayNode peers = node.putArray("inUseBy");
        for (JsonNode connection : ask("/v1/connections")) {
            if (exports.contains(connection.path("export").asText())) {
                peers.add(connection.path("peer").asText());
            }
        }
        return node;
    }

    private JsonNode volume(String name) throws CommandFailed {
        return ask(path(name));
    }

    private JsonNode ask(String path) throws CommandFailed {
        return pool.parse(pool.ask("GET", path, null));
    }

    private static String path(String name) {
        return VOLUMES + "/" + PoolOption.segment(name);
    }

    /** One line for people. */
    static String line(ObjectNode node) {
        List<String> facts = new ArrayList<>();
        if (node.has("newSizeBytes")) {
            facts.add(Output.size(node, "sizeBytes") + " would become " + Output.size(node, "newSizeBytes"));
        }
        if (node.has("to")) {
            facts.add("contents of " + node.path("to").asText() + " as of "
                    + node.path("snapshotTakenAt").asText());
        }
        if (node.path("lostRangeBytes").asLong() > 0) {
            facts.add("what is in the last " + Output.size(node, "lostRangeBytes") + " would be lost");
        }
        if (node.has("freedBytes")) {
            String about = node.path("exact").asBoolean() ? "" : "about ";
            facts.add(about + Output.size(node, "freedBytes") + " would be freed"
                    + (node.path("heldBySnapshot").asBoolean() ? ", more when the metadata snapshot is released" : ""));
        }
        if (!node.path("sharedWith").isEmpty()) {
            facts.add("the rest is shared with " + words(node.path("sharedWith")));
        }
        if (node.has("state")) {
            facts.add("state " + node.path("state").asText() + ", " + Output.size(node, "storeUsedBytes")
                    + " in its store");
        }
        if (!node.path("snapshotsThatStay").isEmpty()) {
            facts.add("snapshots that stay: " + words(node.path("snapshotsThatStay")));
        }
        facts.add(
                node.path("inUseBy").isEmpty()
                        ? "nobody is connected"
                        : "in use by " + words(node.path("inUseBy")) + ", so it would be refused without --force");
        return "would " + node.path("would").asText() + " " + node.path("name").asText() + ": "
                + String.join("; ", facts);
    }

    private static String words(JsonNode array) {
        List<String> words = new ArrayList<>();
        array.forEach(word -> words.add(word.asText()));
        return String.join(", ", words);
    }
}
