package dev.gossamer.daemon.cow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.gossamer.daemon.config.ConfigFile;
import dev.gossamer.daemon.config.ConfigKeys;
import dev.gossamer.daemon.config.YamlFile;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * {@code cow.yaml} in the pool's directory: the daemon's own record, because a snapshot's store tells neither its
 * origin nor that it is being merged, nor that it was away when it was lost. Always replaced as a whole.
 *
 * <pre>
 *  origins:
 *  - name: disk
 *    device: /dev/sdb
 *    identity: block device, serial S4EWNX0R, 500107862016 bytes
 *    snapshots:
 *    - {name: monday, volume: cow.disk@monday, type: persistent, on-full: invalidate, state: active, id: 0f8f...}
 *    - {name: sunday, store: /srv/s.img, type: persistent, on-full: invalidate, state: merging, id: 7c11...,
 *       identity: "file, inode 12, born 2026-11-30T08:33:46.123Z, 8388608 bytes"}
 *    - {name: friday, store: /dev/sdd, type: persistent, on-full: invalidate, state: lost, cause: its store is full}
 * </pre>
 *
 * <p>Blocks; not on a loop.
 */
final class CowConfigFile {
    /** As much as a YAML text may have; {@link StoreRequestCheck#MAX_RECORDED} of all there is are less. */
    private static final int LIMIT_BYTES = 3 << 20;

    private static final String HEAD = "# Origins and classic snapshots that this pool's daemon serves. Written by the "
            + "daemon; change it with 'gossamer cow'.\n";

    private CowConfigFile() {}

    /** No file means no origins. A message names the file, the place and the rule. */
    static CowConfig read(Path file) throws StorageException {
        CowConfig config = YamlFile.read(file, LIMIT_BYTES, root -> new CowConfig(origins(root)));
        return config == null ? CowConfig.EMPTY : config;
    }

    static void write(Path file, CowConfig config) throws StorageException {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        ArrayNode origins = root.putArray("origins");
        for (CowConfig.Origin origin : config.origins()) {
            ObjectNode node = origins.addObject().put("name", origin.name()).put("device", origin.device());
            putUnlessEmpty(node, "identity", origin.identity());
            ArrayNode snapshots = node.putArray("snapshots");
            for (RecordedSnapshot snapshot : origin.snapshots()) {
                write(snapshots.addObject(), snapshot);
            }
        }
        try {
            ConfigFile.replace(file, HEAD + new ObjectMapper(new YAMLFactory()).writeValueAsString(root));
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot write " + file + ": " + Reason.of(e), e);
        }
    }

    private static void write(ObjectNode node, RecordedSnapshot snapshot) {
        node.put("name", snapshot.name())
                .put(snapshot.inPool() ? "volume" : "store", snapshot.store())
                .put("type", CowWords.of(snapshot.type()))
                .put("on-full", CowWords.of(snapshot.fullAction()))
                .put("state", CowWords.of(snapshot.state()));
        putUnlessEmpty(node, "id", snapshot.id() == null ? "" : snapshot.id().toString());
        putUnlessEmpty(node, "identity", snapshot.identity());
        if (snapshot.sizeBytes() > 0) {
            node.put("size", snapshot.sizeBytes());
        }
        putUnlessEmpty(node, "cause", snapshot.cause());
    }

    private static void putUnlessEmpty(ObjectNode node, String key, String value) {
        if (!value.isEmpty()) {
            node.put(key, value);
        }
    }

    private static List<CowConfig.Origin> origins(JsonNode root) {
        List<CowConfig.Origin> all = new ArrayList<>();
        Set<String> names = new HashSet<>();
        ConfigKeys.requireKnown(root, "", List.of("origins"));
        for (JsonNode node : list(root, "origins")) {
            ConfigKeys.requireKnown(node, "origins: ", List.of("name", "device", "identity", "snapshots"));
            String name = unique(names, text(node, "name", "origins: "));
            List<RecordedSnapshot> snapshots = new ArrayList<>();
            Set<String> snapshotNames = new HashSet<>();
            for (JsonNode each : list(node, "snapshots")) {
                snapshots.add(snapshot(each, name + ": ", snapshotNames));
            }
            String device = text(node, "device", name + ": ");
            all.add(new CowConfig.Origin(name, device, node.path("identity").asText(), snapshots));
        }
        return all;
    }

    private static RecordedSnapshot snapshot(JsonNode node, String place, Set<String> names) {
        ConfigKeys.requireKnown(
                node,
                place,
                List.of("name", "store", "volume", "type", "on-full", "state", "id", "identity", "size", "cause"));
        boolean inPool = node.has("volume");
        return new RecordedSnapshot(
                unique(names, text(node, "name", place)),
                text(node, inPool ? "volume" : "store", place),
                inPool,
                CowWords.storeType(text(node, "type", place)),
                CowWords.fullAction(text(node, "on-full", place)),
                CowWords.state(text(node, "state", place)),
                node.has("id") ? id(text(node, "id", place), place) : null,
                node.path("identity").asText(),
                size(node, place),
                node.path("cause").asText());
    }

    private static long size(JsonNode node, String place) {
        long size = node.path("size").asLong(-1);
        if (node.has("size") && (!node.path("size").isIntegralNumber() || size <= 0)) {
            throw new IllegalArgumentException(place + "'size' must be a number of bytes");
        }
        return Math.max(0, size);
    }

    private static UUID id(String text, String place) {
        try {
            return UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(place + "'id' must be a UUID", e);
        }
    }

    private static JsonNode list(JsonNode node, String key) {
        JsonNode list = node.path(key);
        if (!list.isArray() && !list.isMissingNode()) {
            throw new IllegalArgumentException("'" + key + "' must be a list");
        }
        return list;
    }

    private static String unique(Set<String> names, String name) {
        if (!names.add(name)) {
            throw new IllegalArgumentException("'" + name + "' is there twice");
        }
        return name;
    }

    private static String text(JsonNode node, String key, String place) {
        String value = node.path(key).asText();
        if (value.isBlank()) {
            throw new IllegalArgumentException(place + "key '" + key + "' is missing");
        }
        return value;
    }
}
