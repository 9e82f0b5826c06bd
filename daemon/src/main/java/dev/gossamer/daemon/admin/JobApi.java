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

    void addTo(Routes routes) {
        routes.add("GET", "/v1/jobs", ask -> pool.jobs().list().thenApply(this::list));
        routes.add("GET", "/v1/jobs/{id}", ask -> shown(pool.jobs().show(id(ask.name()))));
        routes.add("POST", "/v1/jobs/{id}/pause", ask -> shown(pool.jobs().pause(id(ask.name()))));
        routes.add("POST", "/v1/jobs/{id}/resume", ask -> shown(pool.jobs().resume(id(ask.name()))));
        routes.add("POST", "/v1/jobs/{id}/cancel", ask -> shown(pool.jobs().cancel(id(ask.name()))));
        routes.add("POST", "/v1/clone", ask -> started(pool.cloneRange(cloneSpec(ask.body()))));
        routes.add("POST", "/v1/dedupe", ask -> started(pool.dedupe(dedupeSpec(ask.body()))));
        routes.add(
                "POST",
                "/v1/defragment",
                ask -> started(pool.jobs().defragment(name(api.object(ask.body(), List.of("volume")), "volume"))));
        routes.add(
                "POST",
                "/v1/volumes/{name}/independent",
                ask -> started(
                        pool.jobs().makeIndependent(api.require(ask.name()).name())));
        routes.add(
                "POST",
                "/v1/volumes/{name}/detach",
                ask -> started(pool.jobs().detach(api.require(ask.name()).name())));
        routes.add("POST", "/v1/pool/evacuate", ask -> evacuate(ask.body()));
        routes.add("POST", "/v1/pool/shrink", ask -> shrink(ask.body()));
        routes.add("POST", "/v1/pool/owners", ask -> owners(ask.body()));
    }

    private CompletableFuture<AdminResponse> evacuate(String body) {
        JsonNode object = api.object(body, List.of("offsetBytes", "lengthBytes", "acceptLosses"));
        return started(pool.jobs()
                .evacuate(
                        number(object, "offsetBytes", -1),
                        number(object, "lengthBytes", 0),
                        AdminApi.flag(object, "acceptLosses")));
    }

    private CompletableFuture<AdminResponse> shrink(String body) {
        JsonNode object = api.object(body, List.of("dataBytes"));
        return started(pool.jobs().shrink(number(object, "dataBytes", 0)));
    }

    private CompletableFuture<AdminResponse> owners(String body) {
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
        return object.has(field) ? AdminJson.number(object, field, otherwise) : otherwise;
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
