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
import dev.gossamer.thin.SnapshotSpec;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Supplier;

/**
 * What each method on each path does.
 *
 * <pre>
 *  GET    /v1/status
 *  GET    /v1/volumes                  POST {name, sizeBytes, externalOrigin}
 *  GET    /v1/volumes/NAME             PATCH {sizeBytes, force} or {name}
 *                                      DELETE, ?force=true
 *                                      POST /v1/volumes/NAME/snapshots {name, readOnly}
 *                                      POST /v1/volumes/NAME/rollback {to, keepAs, force}
 *  GET    /v1/snapshots                POST {snapshots: [{origin, name}, ...], readOnly}, all or none
 *  GET    /v1/connections
 *  GET    /v1/events, ?status=false    {@link EventStream}
 *  POST   /v1/reload
 *  GET    /metrics, /healthz
 *  the rest: {@link SpaceApi}, {@link JobApi}, {@link CowApi}, {@link IdempotentApi}
 * </pre>
 */
final class AdminApi {
    /** Snapshots of one group: what one transaction does without keeping other requests waiting for long. */
    private static final int MAX_GROUP = 1000;

    private final PoolAdmin pool;
    private final ClientLog log;
    private final SpaceApi space;
    private final CowApi cow;
    private final JobApi jobs;
    private final IdempotentApi idempotent;
    // What two readers could understand in two ways is refused.
    private final JsonMapper json = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private final ObjectWriter writer = json.writerWithDefaultPrettyPrinter();

    AdminApi(PoolAdmin pool, CowAdmin cow, ClientLog log) {
        this.pool = pool;
        this.log = log;
        this.cow = new CowApi(this, cow);
        this.space = new SpaceApi(this, pool);
        this.jobs = new JobApi(this, pool);
        this.idempotent = new IdempotentApi(this, pool);
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

    private CompletableFuture<AdminResponse> route(String method, QueryStringDecoder uri, String body, boolean anyPath)
            throws StorageException {
        String path = uri.rawPath();
        String[] parts = path.substring(1).split("/", -1);
        if (method.equals("GET") && (path.equals("/metrics") || path.equals("/healthz"))) {
            return numbers(path);
        }
        if (parts.length < 2 || !parts[0].equals("v1")) {
            throw unknownPath(path);
        }
        CompletableFuture<AdminResponse> ofJobs =
                jobs.route(method, List.of(parts).subList(1, parts.length), body);
        if (ofJobs != null) {
            return ofJobs;
        }
        if (parts.length == 2) {
            return routeCollection(method, uri, parts[1], body, anyPath);
        }
        CompletableFuture<AdminResponse> ofPool =
                parts.length == 3 && parts[1].equals("pool") ? space.routePool(method, parts[2], body) : null;
        if (ofPool != null) {
            return ofPool;
        }
        String name = URLDecoder.decode(parts[2].replace("+", "%2B"), StandardCharsets.UTF_8);
        if (parts[1].equals("cow") && parts.length == 3) {
            return cow.routeOne(method, name, uri);
        }
        if (parts[1].equals("cow") && parts.length == 4 && parts[3].equals("merge")) {
            requireMethod(method, "POST");
            return cow.merge(name, body);
        }
        if (parts[1].equals("uuids") && parts.length == 3) {
            return idempotent.byUuid(method, name, parameter(uri, "force"));
        }
        if (!parts[1].equals("volumes")) {
            throw unknownPath(path);
        }
        if (parts.length == 3) {
            return routeVolume(method, name, uri, body);
        }
        if (parts.length == 4) {
            return routePartOfVolume(method, path, name, parts[3], body);
        }
        throw unknownPath(path);
    }

    private CompletableFuture<AdminResponse> numbers(String path) {
        if (path.equals("/metrics")) {
            return pool.metrics().thenApply(text -> new AdminResponse(200, AdminResponse.PROMETHEUS, text));
        }
        boolean healthy = pool.isHealthy();
        return now(new AdminResponse(healthy ? 200 : AdminRefusal.UNAVAILABLE, AdminResponse.JSON, ""));
    }

    private CompletableFuture<AdminResponse> routePartOfVolume(
            String method, String path, String name, String part, String body) throws StorageException {
        require(name);
        return switch (part) {
            case "snapshots" -> {
                requireMethod(method, "POST");
                yield createSnapshot(name, body);
            }
            case "space" -> {
                requireMethod(method, "GET");
                yield space.space(name);
            }
            case "limits" -> {
                requireMethod(method, "PATCH");
                yield space.changeLimits(require(name), body);
            }
            case "independent", "detach" -> jobs.ofVolume(method, name, part);
            case "rollback" -> {
                requireMethod(method, "POST");
                yield rollBack(name, body);
            }
            default -> throw unknownPath(path);
        };
    }

    private CompletableFuture<AdminResponse> routeCollection(
            String method, QueryStringDecoder uri, String collection, String body, boolean anyPath)
            throws StorageException {
        if (collection.equals("volumes") && method.equals("POST")) {
            return createVolume(body, anyPath);
        }
        if (collection.equals("snapshots") && method.equals("POST")) {
            return createSnapshotGroup(body);
        }
        if (collection.equals("cow")) {
            return cow.routeAll(method, body, anyPath);
        }
        if (collection.equals("reload")) {
            requireMethod(method, "POST");
            return pool.reload().thenApply(done -> new AdminResponse(204, AdminResponse.JSON, ""));
        }
        requireMethod(method, "GET");
        return switch (collection) {
            case "events" -> now(events(uri));
            case "status" -> pool.status().thenApply(status -> answer(200, AdminJson.status(status)));
            case "dm-status" -> space.dmStatus();
            case "capacity" -> idempotent.capacity();
            case "volumes" -> aside(() -> AdminJson.volumes(pool.volumes()));
            case "snapshots" -> aside(() -> AdminJson.volumes(
                    pool.volumes().stream().filter(VolumeInfo::isSnapshot).toList()));
            case "connections" -> now(answer(200, AdminJson.connections(pool.connections())));
            default -> throw unknownPath(uri.rawPath());
        };
    }

    private CompletableFuture<AdminResponse> routeVolume(
            String method, String name, QueryStringDecoder uri, String body) throws StorageException {
        if (method.equals("PUT")) {
            return idempotent.put(name, body);
        }
        require(name);
        return switch (method) {
            case "GET" -> now(answer(200, AdminJson.volume(require(name))));
            case "DELETE" -> delete(name, null, parameter(uri, "force"));
            case "PATCH" -> change(name, body);
            default -> throw methodNotAllowed(method);
        };
    }

    private CompletableFuture<AdminResponse> createVolume(String body, boolean anyPath) throws StorageException {
        JsonNode object = object(body, List.of("name", "sizeBytes", "externalOrigin"));
        VolumeSpec spec = new VolumeSpec(text(object, "name"), size(object));
        JsonNode origin = object.path("externalOrigin");
        if (origin.isMissingNode()) {
            return pool.createVolume(spec).thenApply(this::created);
        }
        if (!origin.isTextual() || origin.textValue().isBlank()) {
            throw badRequest("'externalOrigin' must be a path or a URI");
        }
        return pool.createVolumeOver(spec, origin.textValue(), anyPath).thenApply(this::created);
    }

    private CompletableFuture<AdminResponse> createSnapshot(String origin, String body) throws StorageException {
        JsonNode object = object(body, List.of("name", "readOnly"));
        String name = text(object, "name");
        return pool.createSnapshots(List.of(new SnapshotSpec(origin, name, flag(object, "readOnly"))))
                .thenApply(snapshots -> created(snapshots.getFirst()));
    }

    private CompletableFuture<AdminResponse> createSnapshotGroup(String body) throws StorageException {
        JsonNode object = object(body, List.of("snapshots", "readOnly"));
        boolean readOnly = flag(object, "readOnly");
        JsonNode wanted = object.path("snapshots");
        if (!wanted.isArray() || wanted.isEmpty() || wanted.size() > MAX_GROUP) {
            throw badRequest("'snapshots' must be a list of 1 to " + MAX_GROUP);
        }
        List<SnapshotSpec> specs = new ArrayList<>();
        for (JsonNode each : wanted) {
            specs.add(new SnapshotSpec(text(each, "origin"), text(each, "name"), readOnly));
        }
        return pool.createSnapshots(specs).thenApply(snapshots -> answer(201, AdminJson.volumes(snapshots)));
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
            changed = pool.resizeVolume(name, size(object), flag(object, "force"));
        } else {
            changed = pool.renameVolume(name, text(object, "name"));
        }
        return changed.thenApply(volume -> answer(200, AdminJson.volume(volume)));
    }

    CompletableFuture<AdminResponse> delete(String name, UUID only, boolean force) {
        return naming(name, pool.deleteVolume(name, only, force))
                .thenApply(deleted -> new AdminResponse(204, AdminResponse.JSON, ""));
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

    /** The only parameter there can be behind the path. */
    static boolean parameter(QueryStringDecoder uri, String name) {
        List<String> values = uri.parameters().getOrDefault(name, List.of("false"));
        boolean known = uri.parameters().isEmpty() || uri.parameters().keySet().equals(Set.of(name));
        if (!known || values.size() != 1 || !Set.of("true", "false").contains(values.getFirst())) {
            throw badRequest("the only parameter is '" + name + "', true or false");
        }
        return values.getFirst().equals("true");
    }

    private static AdminResponse events(QueryStringDecoder uri) {
        boolean alone = uri.parameters().containsKey("status") && !parameter(uri, "status");
        return alone ? AdminResponse.EVENTS_ALONE : AdminResponse.EVENTS;
    }

    static long size(JsonNode object) throws StorageException {
        JsonNode value = object.path("sizeBytes");
        if (!value.isIntegralNumber() || !value.canConvertToLong()) {
            throw badRequest("'sizeBytes' is missing or no whole number");
        }
        VolumeSpec.checkSize(value.longValue());
        return value.longValue();
    }

    private VolumeInfo require(String name) {
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

    static void requireMethod(String method, String expected) {
        if (!method.equals(expected)) {
            throw methodNotAllowed(method);
        }
    }

    private static AdminRefusal methodNotAllowed(String method) {
        return new AdminRefusal(AdminRefusal.METHOD_NOT_ALLOWED, "method " + method + " does not apply here");
    }

    private static AdminRefusal unknownPath(String path) {
        String shown = path.length() > 80 ? path.substring(0, 80) : path;
        return new AdminRefusal(AdminRefusal.NOT_FOUND, "unknown path " + shown);
    }

    private static AdminRefusal badRequest(String message) {
        return new AdminRefusal(AdminRefusal.BAD_REQUEST, message);
    }
}
