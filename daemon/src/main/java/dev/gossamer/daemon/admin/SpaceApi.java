package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.OnFull;
import dev.gossamer.thin.SetSpace;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpace;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;

/**
 * The part of {@link AdminApi} that is about the pool's space and its metadata.
 *
 * <pre>
 *  GET    /v1/dm-status                      the kernel's status lines, as text
 *  POST   /v1/pool/grow                      {dataBytes, metadataBytes}, each optional; 0 = as large as the device is
 *  POST   /v1/pool/metadata-snapshot         DELETE
 *  PUT    /v1/pool/transaction-id            {expected, value}
 *  GET    /v1/volumes/NAME/space
 *  POST   /v1/freed-if-deleted               {volumes: [NAME, ...]}; changes nothing
 *  PATCH  /v1/volumes/NAME/limits            {limitBytes, reserveBytes, thick, critical, onFull: queue|error|pool,
 *                                             onFullSeconds}, each optional
 * </pre>
 */
final class SpaceApi {
    /** What {@link #limits} takes. */
    static final List<String> LIMITS =
            List.of("limitBytes", "reserveBytes", "thick", "critical", "onFull", "onFullSeconds");

    /** Volumes that one question may be about. */
    private static final int MAX_SET = 1000;

    private static final String POOLS_POLICY = "pool";
    private static final long LEAVE_ALONE = -1;

    private final AdminApi api;
    private final PoolAdmin pool;

    SpaceApi(AdminApi api, PoolAdmin pool) {
        this.api = api;
        this.pool = pool;
    }

    void addTo(Routes routes) {
        routes.add("GET", "/v1/dm-status", ask -> dmStatus());
        routes.add("POST", "/v1/pool/grow", ask -> grow(ask.body()));
        routes.add("PUT", "/v1/pool/transaction-id", ask -> setTransactionId(ask.body()));
        routes.add("POST", "/v1/pool/metadata-snapshot", ask -> reserveMetadataSnapshot());
        routes.add("DELETE", "/v1/pool/metadata-snapshot", ask -> pool.releaseMetadataSnapshot()
                .thenApply(done -> AdminApi.NO_CONTENT));
        routes.add("GET", "/v1/volumes/{name}/space", ask -> pool.spaceOf(
                        api.require(ask.name()).name())
                .thenApply(space -> api.answer(200, json(space))));
        routes.add("POST", "/v1/freed-if-deleted", ask -> freedIfDeleted(ask.body()));
        routes.add("PATCH", "/v1/volumes/{name}/limits", ask -> changeLimits(api.require(ask.name()), ask.body()));
    }

    private CompletableFuture<AdminResponse> dmStatus() {
        return pool.dmStatus()
                .thenApply(lines -> new AdminResponse(200, AdminResponse.PROMETHEUS, String.join("\n", lines) + "\n"));
    }

    private CompletableFuture<AdminResponse> freedIfDeleted(String body) throws StorageException {
        JsonNode volumes = api.object(body, List.of("volumes")).path("volumes");
        if (!volumes.isArray() || volumes.isEmpty() || volumes.size() > MAX_SET) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'volumes' must be a list of 1 to " + MAX_SET + " names");
        }
        Set<String> names = new TreeSet<>();
        for (JsonNode each : volumes) {
            names.add(api.require(each.asText()).name());
        }
        return pool.spaceIfDeleted(names).thenApply(space -> api.answer(200, json(space)));
    }

    private static JsonNode json(SetSpace space) {
        ObjectNode node = JsonNodeFactory.instance
                .objectNode()
                .put("freedBytes", space.freedBytes())
                .put("exact", space.exact())
                .put("heldBySnapshot", space.heldBySnapshot());
        ArrayNode sharedWith = node.putArray("sharedWith");
        space.sharedWith().forEach(sharedWith::add);
        return node;
    }

    private CompletableFuture<AdminResponse> changeLimits(VolumeInfo volume, String body) throws StorageException {
        VolumeLimits limits = limits(api.object(body, LIMITS), volume.limits());
        return pool.limitVolume(volume.name(), limits).thenApply(changed -> api.answer(200, AdminJson.volume(changed)));
    }

    /** What of a volume's limits is given, and what it had before of the others. */
    static VolumeLimits limits(JsonNode object, VolumeLimits before) throws StorageException {
        OnFull onFull = before.onFull();
        if (object.has("onFull")) {
            String word = object.path("onFull").asText();
            onFull = word.equals(POOLS_POLICY) ? null : OnFull.of(word);
        }
        VolumeLimits limits = new VolumeLimits(
                AdminJson.number(object, "limitBytes", before.limitBytes()),
                AdminJson.number(object, "reserveBytes", before.reserveBytes()),
                flag(object, "thick", before.thick()),
                flag(object, "critical", before.critical()),
                onFull,
                (int) Math.min(Integer.MAX_VALUE, AdminJson.number(object, "onFullSeconds", before.onFullSeconds())));
        limits.check();
        return limits;
    }

    private static boolean flag(JsonNode object, String field, boolean otherwise) {
        JsonNode value = object.path(field);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isBoolean()) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'" + field + "' must be true or false");
        }
        return value.booleanValue();
    }

    private CompletableFuture<AdminResponse> grow(String body) {
        JsonNode object = api.object(body, List.of("dataBytes", "metadataBytes"));
        long dataBytes = AdminJson.number(object, "dataBytes", LEAVE_ALONE);
        long metadataBytes = AdminJson.number(object, "metadataBytes", LEAVE_ALONE);
        return pool.grow(dataBytes, metadataBytes)
                .thenCompose(done -> pool.status())
                .thenApply(status -> api.answer(200, AdminJson.status(status)));
    }

    private CompletableFuture<AdminResponse> setTransactionId(String body) {
        JsonNode object = api.object(body, List.of("expected", "value"));
        long value = AdminJson.number(object, "value", LEAVE_ALONE);
        if (value < 0) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'value' is missing");
        }
        return pool.setTransactionId(AdminJson.number(object, "expected", LEAVE_ALONE), value)
                .thenApply(done -> AdminApi.NO_CONTENT);
    }

    private CompletableFuture<AdminResponse> reserveMetadataSnapshot() {
        return pool.reserveMetadataSnapshot()
                .thenApply(block ->
                        api.answer(201, JsonNodeFactory.instance.objectNode().put("block", block)));
    }

    private static JsonNode json(VolumeSpace space) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("mappedBytes", space.mappedBytes())
                .put("exclusiveBytes", space.exclusiveBytes())
                .put("sharedBytes", space.sharedBytes())
                .put("freedIfDeletedBytes", space.exclusiveBytes())
                .put("runs", space.runs())
                .put("leastRuns", space.leastRuns());
    }
}
