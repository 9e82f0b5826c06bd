package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeLimits;
import dev.gossamer.thin.VolumeSpec;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/**
 * What each method on each path does. {@link Routes} has them all: those of volumes and the daemon from here, the rest
 * from {@link SpaceApi}, {@link JobApi}, {@link CowApi}, {@link IdempotentApi}.
 */
final class AdminApi {
    /** Snapshots of one group: what one transaction does without keeping other requests waiting for long. */
    private static final int MAX_GROUP = 1000;

    static final AdminResponse NO_CONTENT = new AdminResponse(204, AdminResponse.JSON, "");

    private final PoolAdmin pool;
    private final ClientLog log;
    private final Routes routes = new Routes();
    private final OverCommit overCommit;
    // What two readers could understand in two ways is refused.
    private final JsonMapper json = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private final ObjectWriter writer = json.writerWithDefaultPrettyPrinter();

    AdminApi(PoolAdmin pool, CowAdmin cow, ClientLog log) {
        this.pool = pool;
        this.log = log;
        this.overCommit = new OverCommit(pool);
        addTo(routes);
        new SpaceApi(this, pool).addTo(routes);
        new JobApi(this, pool).addTo(routes);
        new CowApi(this, cow).addTo(routes);
        new IdempotentApi(this, pool).addTo(routes);
    }

    private void addTo(Routes all) {
        all.add("GET", "/metrics", ask -> pool.metrics()
                .thenApply(text -> new AdminResponse(200, AdminResponse.PROMETHEUS, text)));
        all.add(
                "GET",
                "/healthz",
                ask -> now(
                        new AdminResponse(pool.isHealthy() ? 200 : AdminRefusal.UNAVAILABLE, AdminResponse.JSON, "")));
        all.add("GET", "/v1/status", ask -> pool.status().thenApply(status -> answer(200, AdminJson.status(status))));
        all.add("GET", "/v1/connections", ask -> now(answer(200, AdminJson.connections(pool.connections()))));
        all.add("GET", "/v1/events", List.of("status"), ask -> now(events(ask)));
        all.add("POST", "/v1/reload", ask -> pool.reload().thenApply(done -> NO_CONTENT));
        all.add("GET", "/v1/volumes", ask -> aside(() -> AdminJson.volumes(pool.volumes())));
        all.add("GET", "/v1/volume-page", VolumePages.PARAMETERS, ask -> {
            VolumePages page = new VolumePages(ask.parameters());
            return aside(() -> page.of(pool.volumes()));
        });
        all.add("POST", "/v1/volumes", ask -> createVolume(ask.body(), ask.owner()));
        all.add("GET", "/v1/volumes/{name}", ask -> now(answer(200, AdminJson.volume(require(ask.name())))));
        all.add("PATCH", "/v1/volumes/{name}", ask -> change(required(ask), ask.body()));
        all.add(
                "DELETE",
                "/v1/volumes/{name}",
                List.of("force"),
                ask -> delete(required(ask), null, ask.flag("force", false)));
        all.add("POST", "/v1/volumes/{name}/snapshots", ask -> createSnapshot(required(ask), ask.body()));
        all.add("PATCH", "/v1/volumes/{name}/rates", ask -> changeRates(require(ask.name()), ask.body()));
        all.add("POST", "/v1/volumes/{name}/rollback", ask -> rollBack(required(ask), ask.body()));
        all.add(
                "GET",
                "/v1/snapshots",
                ask -> aside(() -> AdminJson.volumes(
                        pool.volumes().stream().filter(VolumeInfo::isSnapshot).toList())));
        all.add("POST", "/v1/snapshots", ask -> createSnapshotGroup(ask.body()));
    }

    /** Every method and path that is answered. */
    Routes routes() {
        return routes;
    }

    /** Never completes exceptionally: what goes wrong is an answer too. */
    CompletableFuture<AdminResponse> handle(String method, String uri, String body, AdminCaller caller) {
        CompletableFuture<AdminResponse> answer;
        try {
            if (!caller.may(method)) {
                throw new AdminRefusal(
                        AdminRefusal.FORBIDDEN,
                        caller.name() + " may not do this; rights are given under 'admin' in the pool's clients.yaml");
            }
            answer = route(method, query(uri), body, caller.owner());
        } catch (StorageException e) {
            answer = CompletableFuture.failedFuture(e);
        } catch (RuntimeException | Error e) {
            answer = CompletableFuture.failedFuture(e);
        }
        return answer.exceptionally(this::refusal);
    }

    private static QueryStringDecoder query(String uri) {
        try {
            QueryStringDecoder decoder = new QueryStringDecoder(uri);
            decoder.path();
            decoder.parameters();
            return decoder;
        } catch (IllegalArgumentException e) {
            throw badRequest("path or query is not well encoded");
        }
    }

    private CompletableFuture<AdminResponse> route(String method, QueryStringDecoder uri, String body, boolean owner)
            throws StorageException {
        Routes.Found found = routes.find(method, uri.rawPath());
        return found.route()
                .handler()
                .handle(new Ask(found.names(), parameters(uri, found.route().parameters()), body, owner));
    }

    private CompletableFuture<AdminResponse> createVolume(String body, boolean anyPath) throws StorageException {
        List<String> fields = new ArrayList<>(SpaceApi.LIMITS);
        fields.addAll(List.of("name", "sizeBytes", "externalOrigin", "force"));
        JsonNode object = object(body, fields);
        VolumeSpec spec =
                new VolumeSpec(text(object, "name"), size(object), SpaceApi.limits(object, VolumeLimits.NONE));
        JsonNode origin = object.path("externalOrigin");
        CompletableFuture<Void> mayGrow = overCommit.allow(spec.sizeBytes(), flag(object, "force"));
        if (origin.isMissingNode()) {
            return mayGrow.thenCompose(allowed -> pool.createVolume(spec)).thenApply(this::created);
        }
        if (!origin.isTextual() || origin.textValue().isBlank()) {
            throw badRequest("'externalOrigin' must be a path or a URI");
        }
        return mayGrow.thenCompose(allowed -> pool.createVolumeOver(spec, origin.textValue(), anyPath))
                .thenApply(this::created);
    }

    private CompletableFuture<AdminResponse> changeRates(VolumeInfo volume, String body) {
        IoRates rates = RateJson.read(object(body, RateJson.FIELDS), volume.rates());
        return pool.rateVolume(volume.name(), rates).thenApply(changed -> answer(200, AdminJson.volume(changed)));
    }

    private CompletableFuture<AdminResponse> createSnapshot(String origin, String body) throws StorageException {
        JsonNode object = object(body, List.of("name", "readOnly", "force"));
        String name = text(object, "name");
        boolean readOnly = flag(object, "readOnly");
        return overCommit
                .allow(readOnly ? 0 : require(origin).sizeBytes(), flag(object, "force"))
                .thenCompose(allowed -> pool.createSnapshots(List.of(new SnapshotSpec(origin, name, readOnly))))
                .thenApply(snapshots -> created(snapshots.getFirst()));
    }

    private CompletableFuture<AdminResponse> createSnapshotGroup(String body) throws StorageException {
        JsonNode object = object(body, List.of("snapshots", "readOnly", "force"));
        double moreBytes = 0;
        boolean readOnly = flag(object, "readOnly");
        JsonNode wanted = object.path("snapshots");
        if (!wanted.isArray() || wanted.isEmpty() || wanted.size() > MAX_GROUP) {
            throw badRequest("'snapshots' must be a list of 1 to " + MAX_GROUP);
        }
        List<SnapshotSpec> specs = new ArrayList<>();
        for (JsonNode each : wanted) {
            SnapshotSpec spec = new SnapshotSpec(text(each, "origin"), text(each, "name"), readOnly);
            specs.add(spec);
            moreBytes += readOnly ? 0 : require(spec.origin()).sizeBytes();
        }
        return overCommit
                .allow((long) Math.min(moreBytes, Long.MAX_VALUE), flag(object, "force"))
                .thenCompose(allowed -> pool.createSnapshots(specs))
                .thenApply(snapshots -> answer(201, AdminJson.volumes(snapshots)));
    }

    private CompletableFuture<AdminResponse> rollBack(String name, String body) throws StorageException {
        JsonNode object = object(body, List.of("to", "keepAs", "force"));
        String keepAs = object.path("keepAs").isMissingNode() ? null : text(object, "keepAs");
        return naming(name, pool.rollBack(name, text(object, "to"), keepAs, flag(object, "force")))
                .thenApply(kept -> answer(200, AdminJson.volume(kept)));
    }

    private CompletableFuture<AdminResponse> change(String name, String body) throws StorageException {
        JsonNode object = object(body, List.of("name", "sizeBytes", "force"));
        if (object.has("name") == object.has("sizeBytes")) {
            throw badRequest("give either 'name' or 'sizeBytes'");
        }
        CompletableFuture<VolumeInfo> changed;
        if (object.has("sizeBytes")) {
            long newSize = size(object);
            boolean force = flag(object, "force");
            changed = overCommit
                    .allow(newSize - require(name).sizeBytes(), force)
                    .thenCompose(allowed -> pool.resizeVolume(name, newSize, force));
        } else {
            changed = pool.renameVolume(name, text(object, "name"));
        }
        return changed.thenApply(volume -> answer(200, AdminJson.volume(volume)));
    }

    CompletableFuture<AdminResponse> delete(String name, UUID only, boolean force) {
        return naming(name, pool.deleteVolume(name, only, force)).thenApply(deleted -> NO_CONTENT);
    }

    /** A refusal names the clients that are in the way: the pool knows only how many there are. */
    private <T> CompletableFuture<T> naming(String name, CompletableFuture<T> answer) {
        return answer.exceptionally(failure -> {
            List<String> peers = pool.peersOf(name);
            if (cause(failure) instanceof StorageException e && e.errno() == Errno.EBUSY && !peers.isEmpty()) {
                throw new AdminRefusal(
                        AdminRefusal.CONFLICT,
                        "volume " + name + " is in use by " + String.join(", ", peers)
                                + "; disconnect and try again, or use --force");
            }
            throw new CompletionException(cause(failure));
        });
    }

    private AdminResponse created(VolumeInfo volume) {
        return answer(201, AdminJson.volume(volume));
    }

    /** An answer to what never became a request. */
    AdminResponse refuse(int status, String message) {
        return answer(status, AdminJson.error(AdminRefusal.kindOf(status), message));
    }

    /** In the place of an answer that there is no room for: others do not take theirs. */
    AdminResponse busy() {
        return refuse(AdminRefusal.UNAVAILABLE, HttpAnswers.BUSY);
    }

    private AdminResponse refusal(Throwable failure) {
        Throwable cause = cause(failure);
        if (cause instanceof AdminRefusal refusal) {
            return answer(refusal.status(), AdminJson.error(refusal.kind(), refusal.getMessage()));
        }
        if (cause instanceof StorageException e) {
            return answer(
                    AdminRefusal.statusOf(e.errno()), AdminJson.error(FailureKind.ofErrno(e.errno()), e.getMessage()));
        }
        log.bug(ClientLog.Kind.ADMIN_FAILED, cause, "");
        return answer(
                AdminRefusal.INTERNAL_ERROR,
                AdminJson.error(FailureKind.FAILED, "internal error, see the daemon's log: " + Reason.of(cause)));
    }

    static Throwable cause(Throwable failure) {
        return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    }

    AdminResponse answer(int status, JsonNode node) {
        try {
            return new AdminResponse(status, AdminResponse.JSON, writer.writeValueAsString(node) + "\n");
        } catch (JsonProcessingException e) {
            throw new AssertionError("a tree of plain values can be written", e);
        }
    }

    /** For answers that can be megabytes: not on the loop, whose clients would wait meanwhile. */
    private CompletableFuture<AdminResponse> aside(Supplier<JsonNode> content) {
        return CompletableFuture.supplyAsync(() -> answer(200, content.get()));
    }

    private static CompletableFuture<AdminResponse> now(AdminResponse response) {
        return CompletableFuture.completedFuture(response);
    }

    // ---- input, checked before it is believed ----

    JsonNode object(String body, List<String> allowedFields) {
        JsonNode node;
        try {
            node = json.readTree(body);
        } catch (JsonProcessingException e) {
            throw badRequest("request body is no JSON");
        }
        if (!node.isObject()) {
            throw badRequest("request body must be a JSON object");
        }
        for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
            String field = names.next();
            if (!allowedFields.contains(field)) {
                throw badRequest("unknown field; known are " + String.join(", ", allowedFields));
            }
        }
        return node;
    }

    private static String text(JsonNode object, String field) throws StorageException {
        JsonNode value = object.path(field);
        if (!value.isTextual()) {
            throw badRequest("'" + field + "' is missing or no text");
        }
        VolumeSpec.checkName(value.textValue());
        return value.textValue();
    }

    static boolean flag(JsonNode object, String field) {
        JsonNode value = object.path(field);
        if (!value.isMissingNode() && !value.isBoolean()) {
            throw badRequest("'" + field + "' must be true or false");
        }
        return value.asBoolean(false);
    }

    /** What stands behind the path: only what is known there, and once; a mistaken one would do less than is meant. */
    private static Map<String, String> parameters(QueryStringDecoder uri, List<String> known) {
        Map<String, String> given = new HashMap<>();
        uri.parameters().forEach((name, values) -> {
            if (!known.contains(name) || values.size() != 1) {
                throw badRequest(
                        known.isEmpty()
                                ? "there are no parameters here"
                                : "parameters here are " + String.join(", ", known) + ", each once");
            }
            given.put(name, values.getFirst());
        });
        return given;
    }

    private static AdminResponse events(Ask ask) {
        return ask.flag("status", true) ? AdminResponse.EVENTS : AdminResponse.EVENTS_ALONE;
    }

    static long size(JsonNode object) throws StorageException {
        JsonNode value = object.path("sizeBytes");
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw badRequest("'sizeBytes' is missing or no whole number");
        }
        VolumeSpec.checkSize(value.longValue());
        return value.longValue();
    }

    /** The name of a volume that there is. */
    private String required(Ask ask) {
        return require(ask.name()).name();
    }

    VolumeInfo require(String name) {
        VolumeInfo volume = pool.volume(name);
        if (volume == null) {
            throw new AdminRefusal(
                    AdminRefusal.NOT_FOUND,
                    "there is no volume '" + name + "'"
                            + Suggestion.phrase(name, pool.volumeNames())
                            + "; 'gossamer volume list' shows all");
        }
        return volume;
    }

    private static AdminRefusal badRequest(String message) {
        return new AdminRefusal(AdminRefusal.BAD_REQUEST, message);
    }
}
