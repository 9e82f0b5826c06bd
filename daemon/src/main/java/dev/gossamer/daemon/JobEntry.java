package dev.gossamer.daemon;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.JobRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * A job under way, as {@link JobFile} writes it down.
 *
 * @param request what it was asked to do; null: it is not begun again
 * @param begun how often it was begun again since the daemon last ended in order
 */
record JobEntry(long id, String kind, String what, Instant startedAt, JobRequest request, boolean paused, int begun) {
    static JobEntry of(JobInfo job, JobRequest request, int begun) {
        return new JobEntry(
                job.id(), job.kind(), job.what(), job.startedAt(), request, job.state() == JobInfo.State.PAUSED, begun);
    }

    JobEntry paused(boolean now) {
        return new JobEntry(id, kind, what, startedAt, request, now, begun);
    }

    JobEntry begun(int times) {
        return new JobEntry(id, kind, what, startedAt, request, paused, times);
    }

    /** As one that is over. */
    JobInfo interrupted(String message) {
        return new JobInfo(id, kind, what, JobInfo.State.INTERRUPTED, 0, 0, startedAt, 0, message, List.of());
    }

    // ---- as text ---------------------------------------------------------------------------------------------------

    /** @throws java.time.DateTimeException if it is none that this program has written */
    static JobEntry read(JsonNode entry) {
        return new JobEntry(
                entry.path("id").asLong(),
                entry.path("kind").asText(),
                entry.path("what").asText(),
                Instant.parse(entry.path("startedAt").asText()),
                request(entry.path("kind").asText(), entry.path("request")),
                entry.path("paused").asBoolean(),
                entry.path("begun").asInt());
    }

    private static JobRequest request(String kind, JsonNode its) {
        if (!its.isObject()) {
            return null;
        }
        return switch (kind) {
            case "shrink" -> new JobRequest.Shrink(its.path("dataBytes").asLong());
            case "evacuate" -> new JobRequest.Evacuate(
                    its.path("offsetBytes").asLong(),
                    its.path("lengthBytes").asLong(),
                    its.path("acceptLosses").asBoolean());
            case "dedupe" -> new JobRequest.Dedupe(
                    ids(its.path("volumes")), its.path("bytesPerSecond").asLong());
            case "defragment" -> new JobRequest.Defragment(its.path("volume").asInt());
            case "independent" -> new JobRequest.Independent(its.path("volume").asInt());
            case "detach" -> new JobRequest.Detach(its.path("volume").asInt());
            default -> null;
        };
    }

    private static List<Integer> ids(JsonNode all) {
        List<Integer> ids = new ArrayList<>();
        all.forEach(id -> ids.add(id.asInt()));
        return ids;
    }

    ObjectNode json() {
        ObjectNode entry = JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("kind", kind)
                .put("what", what)
                .put("startedAt", startedAt.toString())
                .put("paused", paused)
                .put("begun", begun);
        if (request != null) {
            put(entry.putObject("request"));
        }
        return entry;
    }

    private void put(ObjectNode its) {
        switch (request) {
            case JobRequest.Shrink shrink -> its.put("dataBytes", shrink.dataBytes());
            case JobRequest.Evacuate evacuate -> its.put("offsetBytes", evacuate.offsetBytes())
                    .put("lengthBytes", evacuate.lengthBytes())
                    .put("acceptLosses", evacuate.acceptLosses());
            case JobRequest.Dedupe dedupe -> {
                ArrayNode volumes =
                        its.put("bytesPerSecond", dedupe.bytesPerSecond()).putArray("volumes");
                dedupe.volumes().forEach(volumes::add);
            }
            case JobRequest.Defragment defragment -> its.put("volume", defragment.volume());
            case JobRequest.Independent independent -> its.put("volume", independent.volume());
            case JobRequest.Detach detach -> its.put("volume", detach.volume());
        }
    }
}
