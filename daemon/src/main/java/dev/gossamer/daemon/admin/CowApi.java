package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.cow.CowFacts;
import dev.gossamer.daemon.cow.CowRequest;
import dev.gossamer.daemon.cow.CowWords;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.snapshot.SnapshotStatus;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * The part of {@link AdminApi} that is about classic snapshots. An export is an origin, NAME, or a snapshot, NAME@SNAP.
 *
 * <pre>
 *  GET    /v1/cow                  origins with their snapshots
 *                                  POST {name, origin, store, chunkBytes, type, onFull}, all but name optional
 *  GET    /v1/cow/EXPORT           DELETE, ?force=true
 *                                  POST /v1/cow/EXPORT/merge {force}
 * </pre>
 */
final class CowApi {
    private final AdminApi api;
    private final CowAdmin cow;

    CowApi(AdminApi api, CowAdmin cow) {
        this.api = api;
        this.cow = cow;
    }

    void addTo(Routes routes) {
        routes.add("GET", "/v1/cow", ask -> list());
        routes.add("POST", "/v1/cow", ask -> create(ask.body(), ask.owner()));
        routes.add("GET", "/v1/cow/{export}", ask -> cow.find(ask.name())
                .thenApply(facts -> api.answer(200, json(facts, ask.name()))));
        routes.add(
                "DELETE", "/v1/cow/{export}", List.of("force"), ask -> cow.delete(ask.name(), ask.flag("force", false))
                        .thenApply(deleted -> AdminApi.NO_CONTENT));
        routes.add("POST", "/v1/cow/{export}/merge", ask -> merge(ask.name(), ask.body()));
    }

    private CompletableFuture<AdminResponse> list() {
        return cow.list().thenApply(origins -> {
            ArrayNode array = JsonNodeFactory.instance.arrayNode();
            origins.forEach(origin -> array.add(json(origin)));
            return api.answer(200, array);
        });
    }

    private CompletableFuture<AdminResponse> merge(String export, String body) {
        JsonNode object = api.object(body, List.of("force"));
        return cow.merge(export, AdminApi.flag(object, "force"))
                .thenApply(facts -> api.answer(200, json(facts, export)));
    }

    private CompletableFuture<AdminResponse> create(String body, boolean anyPath) {
        JsonNode object = api.object(body, List.of("name", "origin", "store", "chunkBytes", "type", "onFull"));
        String name = text(object, "name", "");
        long chunkBytes = object.path("chunkBytes").asLong(0);
        if (object.has("chunkBytes") && chunkBytes <= 0) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'chunkBytes' must be a positive whole number");
        }
        CowRequest request;
        try {
            request = new CowRequest(
                    name,
                    text(object, "origin", null),
                    text(object, "store", null),
                    chunkBytes,
                    CowWords.storeType(text(object, "type", "persistent")),
                    CowWords.fullAction(text(object, "onFull", "invalidate")));
        } catch (IllegalArgumentException e) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, e.getMessage());
        }
        boolean forOrigin = name.indexOf('@') < 0;
        if (forOrigin
                && (object.has("store") || object.has("chunkBytes") || object.has("type") || object.has("onFull"))) {
            throw new AdminRefusal(
                    AdminRefusal.BAD_REQUEST,
                    "'" + name + "' would be an origin, and has no store; a snapshot is called NAME@SNAP");
        }
        return cow.create(request, anyPath).thenApply(facts -> api.answer(201, json(facts, name)));
    }

    private static String text(JsonNode object, String field, String otherwise) {
        JsonNode value = object.path(field);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isTextual() || value.textValue().isBlank()) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'" + field + "' must be text");
        }
        return value.textValue();
    }

    /** The origin with all snapshots, or one snapshot. */
    private ObjectNode json(CowFacts facts, String export) {
        if (export.equals(facts.name())) {
            return json(facts);
        }
        CowFacts.OfSnapshot snapshot = facts.snapshot(export);
        if (snapshot == null) {
            throw new CompletionException(new StorageException(Errno.ENOENT, export + " was deleted just now"));
        }
        return json(facts, snapshot);
    }

    private ObjectNode json(CowFacts origin) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("name", origin.name());
        node.put("origin", origin.device());
        node.put("sizeBytes", origin.sizeBytes());
        node.put("state", origin.failure().isEmpty() ? "served" : "unavailable");
        node.put("cause", origin.failure());
        node.put("connections", cow.peersOf(origin.name()).size());
        ArrayNode snapshots = node.putArray("snapshots");
        origin.snapshots().forEach(snapshot -> snapshots.add(json(origin, snapshot)));
        return node;
    }

    private ObjectNode json(CowFacts origin, CowFacts.OfSnapshot snapshot) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("name", snapshot.export());
        node.put("origin", origin.name());
        node.put(snapshot.inPool() ? "storeVolume" : "store", snapshot.store());
        node.put("type", snapshot.type());
        node.put("onFull", snapshot.fullAction());
        SnapshotStatus status = snapshot.status();
        if (status == null) {
            node.put("state", "unavailable").put("cause", origin.failure());
            return node;
        }
        node.put("state", status.state().name().toLowerCase(Locale.ROOT).replace('_', '-'));
        node.put("cause", status.cause());
        node.put("kernelStatus", status.kernelWords());
        node.put("sizeBytes", status.sizeBytes());
        node.put("chunkBytes", status.chunkBytes());
        node.put("storeUsedBytes", status.allocatedBytes());
        node.put("storeBytes", status.totalBytes());
        node.put("storeMetadataBytes", status.metadataBytes());
        node.put("chunks", status.chunks());
        node.put("mergedChunks", status.mergedChunks());
        node.put("connections", cow.peersOf(snapshot.export()).size());
        return node;
    }
}
