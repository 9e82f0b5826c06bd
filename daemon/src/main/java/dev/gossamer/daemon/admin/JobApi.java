package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.thin.CloneSpec;
import dev.gossamer.thin.DedupeSpec;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.OwnedRun;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;

/**
 * The part of {@link AdminApi} that is about jobs. What starts one answers with it; it goes on meanwhile.
 *
 * <pre>
 *  GET    /v1/jobs                       all under way, and the latest that are over
 *  GET    /v1/jobs/ID
 *  POST   /v1/jobs/ID/pause              /resume, /cancel
 *  POST   /v1/clone                      {source, sourceOffset, lengthBytes, destination, destinationOffset, atomic},
 *                                        source and destination required
 *  POST   /v1/dedupe                     {volumes, dryRun, bytesPerSecond}, each optional
 *  POST   /v1/defragment                 {volume}
 *  POST   /v1/volumes/NAME/independent   copies all that it shares; /detach: off its external origin
 *  POST   /v1/pool/evacuate              {offsetBytes, lengthBytes, acceptLosses}
 *  POST   /v1/pool/shrink                {dataBytes}
 *  POST   /v1/pool/owners                {offsetBytes, lengthBytes}: who has the blocks there
 * </pre>
 */
final class JobApi {
    private static final int ACCEPTED = 202;

    private final AdminApi api;
    private final PoolAdmin pool;

    JobApi(AdminApi api, PoolAdmin pool) {
        this.api = api;
        this.pool = pool;
    }

    /** What a path does whose parts behind the version these are; null if there is no such path. */
    CompletableFuture<AdminResponse> route(String method, List<String> path, String body) {
        if (path.equals(List.of("clone"))) {
            AdminApi.requireMethod(method, "POST");
            return started(pool.cloneRange(cloneSpec(body)));
        }
        if (path.equals(List.of("dedupe"))) {
            AdminApi.requireMethod(method, "POST");
            return started(pool.dedupe(dedupeSpec(body)));
        }
        if (path.equals(List.of("defragment"))) {
            AdminApi.requireMethod(method, "POST");
            return started(pool.jobs().defragment(name(api.object(body, List.of("volume")), "volume")));
        }
        if (path.getFirst().equals("pool") && path.size() == 2) {
            return routePool(method, path.get(1), body);
        }
        if (!path.getFirst().equals("jobs") || path.size() > 3) {
            return null;
        }
        if (path.size() == 1) {
            AdminApi.requireMethod(method, "GET");
            return pool.jobs().list().thenApply(this::list);
        }
        long id = id(path.get(1));
        if (path.size() == 2) {
            AdminApi.requireMethod(method, "GET");
            return shown(pool.jobs().show(id));
        }
        return change(method, id, path.get(2));
    }

    /** {@code .../independent}, {@code .../detach} of a volume. */
    CompletableFuture<AdminResponse> ofVolume(String method, String name, String what) {
        AdminApi.requireMethod(method, "POST");
        return started(
                what.equals("detach") ? pool.jobs().detach(name) : pool.jobs().makeIndependent(name));
    }

    private CompletableFuture<AdminResponse> routePool(String method, String what, String body) {
        return switch (what) {
            case "evacuate" -> evacuate(method, body);
            case "shrink" -> shrink(method, body);
            case "owners" -> owners(method, body);
            default -> null;
        };
    }

    private CompletableFuture<AdminResponse> evacuate(String method, String body) {
        AdminApi.requireMethod(method, "POST");
        JsonNode object = api.object(body, List.of("offsetBytes", "lengthBytes", "acceptLosses"));
        return started(pool.jobs()
                .evacuate(
                        number(object, "offsetBytes", -1),
                        number(object, "lengthBytes", 0),
                        AdminApi.flag(object, "acceptLosses")));
    }

    private CompletableFuture<AdminResponse> shrink(String method, String body) {
        AdminApi.requireMethod(method, "POST");
        JsonNode object = api.object(body, List.of("dataBytes"));
        return started(pool.jobs().shrink(number(object, "dataBytes", 0)));
    }

    private CompletableFuture<AdminResponse> owners(String method, String body) {
        AdminApi.requireMethod(method, "POST");
        JsonNode object = api.object(body, List.of("offsetBytes", "lengthBytes"));
        return pool.jobs()
                .owners(number(object, "offsetBytes", -1), number(object, "lengthBytes", 0))
                .thenApply(this::owners);
    }

    private AdminResponse owners(List<OwnedRun> runs) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        runs.forEach(run -> array.addObject()
                .put("dataOffset", run.dataOffset())
                .put("lengthBytes", run.lengthBytes())
                .put("owner", run.owner())
                .put("volumeOffset", run.volumeOffset()));
        return api.answer(200, array);
    }

    private CompletableFuture<AdminResponse> change(String method, long id, String verb) {
        return switch (verb) {
            case "pause" -> shown(method, () -> pool.jobs().pause(id));
            case "resume" -> shown(method, () -> pool.jobs().resume(id));
            case "cancel" -> shown(method, () -> pool.jobs().cancel(id));
            default -> null;
        };
    }

    private interface Change {
        CompletableFuture<JobInfo> make();
    }

    private CompletableFuture<AdminResponse> shown(String method, Change change) {
        AdminApi.requireMethod(method, "POST");
        return shown(change.make());
    }

    private CompletableFuture<AdminResponse> shown(CompletableFuture<JobInfo> job) {
        return job.thenApply(info -> api.answer(200, json(info)));
    }

    private CompletableFuture<AdminResponse> started(CompletableFuture<JobInfo> job) {
        return job.thenApply(info -> api.answer(ACCEPTED, json(info)));
    }

    private AdminResponse list(List<JobInfo> jobs) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        jobs.forEach(job -> array.add(json(job)));
        return api.answer(200, array);
    }

    private CloneSpec cloneSpec(String body) {
        JsonNode object = api.object(
                body, List.of("source", "sourceOffset", "lengthBytes", "destination", "destinationOffset", "atomic"));
        return new CloneSpec(
                name(object, "source"),
                number(object, "sourceOffset", 0),
                number(object, "lengthBytes", CloneSpec.TO_THE_END),
                name(object, "destination"),
                number(object, "destinationOffset", 0),
                AdminApi.flag(object, "atomic"));
    }

    private DedupeSpec dedupeSpec(String body) {
        JsonNode object = api.object(body, List.of("volumes", "dryRun", "bytesPerSecond"));
        List<String> names = new ArrayList<>();
        JsonNode volumes = object.path("volumes");
        if (!volumes.isMissingNode() && !volumes.isArray()) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'volumes' must be a list of names");
        }
        for (JsonNode volume : volumes) {
            if (!volume.isTextual()) {
                throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'volumes' must be a list of names");
            }
            names.add(volume.textValue());
        }
        return new DedupeSpec(names, AdminApi.flag(object, "dryRun"), number(object, "bytesPerSecond", 0));
    }

    private static String name(JsonNode object, String field) {
        JsonNode value = object.path(field);
        if (!value.isTextual() || value.textValue().isEmpty()) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'" + field + "' is missing or no text");
        }
        return value.textValue();
    }

    private static long number(JsonNode object, String field, long otherwise) {
        return object.has(field) ? SpaceApi.number(object, field, otherwise) : otherwise;
    }

    private static long id(String text) {
        if (!text.matches("[0-9]{1,18}")) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "a job is named by its number");
        }
        return Long.parseLong(text);
    }

    private static ObjectNode json(JobInfo job) {
        ObjectNode node = JsonNodeFactory.instance
                .objectNode()
                .put("id", job.id())
                .put("kind", job.kind())
                .put("what", job.what())
                .put("state", job.state().name().toLowerCase(Locale.ROOT))
                .put("doneBytes", job.doneBytes())
                .put("totalBytes", job.totalBytes())
                .put("startedAt", job.startedAt().toString())
                .put("remainingSeconds", job.remainingSeconds())
                .put("message", job.message());
        ArrayNode lost = node.putArray("lost");
        job.lost().forEach(range -> lost.addObject()
                .put("volume", range.volume())
                .put("offsetBytes", range.offsetBytes())
                .put("lengthBytes", range.lengthBytes()));
        return node;
    }
}
