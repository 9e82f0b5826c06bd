package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.VolumeInfo;
import dev.gossamer.thin.VolumeSpec;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * The part of {@link AdminApi} for programs that repeat what they were not answered (OP-20, OP-21).
 *
 * <pre>
 *  PUT    /v1/volumes/NAME   {sizeBytes}   201 made, 200 there already with this size, 409 there with another
 *  GET    /v1/uuids/UUID                   a volume, whatever its name is now
 *  DELETE /v1/uuids/UUID                   204 also if it is gone; never another volume that has its name now
 *  GET    /v1/capacity                     what may still be promised to volumes
 * </pre>
 */
final class IdempotentApi {
    private final AdminApi api;
    private final PoolAdmin pool;

    IdempotentApi(AdminApi api, PoolAdmin pool) {
        this.api = api;
        this.pool = pool;
    }

    void addTo(Routes routes) {
        routes.add("PUT", "/v1/volumes/{name}", ask -> put(ask.name(), ask.body()));
        routes.add("GET", "/v1/uuids/{uuid}", ask -> byUuid(ask.name()));
        routes.add("DELETE", "/v1/uuids/{uuid}", List.of("force"), ask -> delete(ask.name(), ask.flag("force", false)));
        routes.add(
                "GET", "/v1/capacity", ask -> pool.capacity().thenApply(capacity -> api.answer(200, json(capacity))));
    }

    private CompletableFuture<AdminResponse> put(String name, String body) throws StorageException {
        VolumeSpec.checkName(name);
        VolumeSpec spec = new VolumeSpec(name, AdminApi.size(api.object(body, List.of("sizeBytes"))));
        VolumeInfo present = pool.volume(name);
        if (present != null) {
            return CompletableFuture.completedFuture(same(present, spec));
        }
        return new OverCommit(pool)
                .allow(spec.sizeBytes(), false)
                .thenCompose(allowed -> pool.createVolume(spec))
                .thenApply(made -> api.answer(201, AdminJson.volume(made)))
                .exceptionally(failure -> {
                    VolumeInfo other = pool.volume(name);
                    boolean lostRace = AdminApi.cause(failure) instanceof StorageException e
                            && e.errno() == Errno.EEXIST
                            && other != null;
                    if (lostRace) {
                        return same(other, spec);
                    }
                    throw new CompletionException(AdminApi.cause(failure));
                });
    }

    private AdminResponse same(VolumeInfo present, VolumeSpec wanted) {
        boolean plain = !present.isSnapshot() && present.externalOrigin() == null && !present.readOnly();
        if (plain && present.sizeBytes() == wanted.sizeBytes()) {
            return api.answer(200, AdminJson.volume(present));
        }
        String what = plain ? "with " + present.sizeBytes() + " bytes" : "with contents of another";
        return api.answer(
                AdminRefusal.CONFLICT,
                AdminJson.error(
                        FailureKind.EXISTS,
                        "volume " + present.name() + " exists already, " + what + "; choose another name"));
    }

    private CompletableFuture<AdminResponse> delete(String uuid, boolean force) {
        VolumeInfo volume = find(uuid);
        return volume == null
                ? CompletableFuture.completedFuture(AdminApi.NO_CONTENT)
                : api.delete(volume.name(), volume.uuid(), force);
    }

    private CompletableFuture<AdminResponse> byUuid(String uuid) {
        VolumeInfo volume = find(uuid);
        if (volume == null) {
            throw new AdminRefusal(AdminRefusal.NOT_FOUND, "there is no volume with this UUID");
        }
        return CompletableFuture.completedFuture(api.answer(200, AdminJson.volume(volume)));
    }

    private VolumeInfo find(String text) {
        UUID wanted;
        try {
            wanted = UUID.fromString(text);
        } catch (IllegalArgumentException e) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "this is no UUID");
        }
        for (VolumeInfo volume : pool.volumes()) {
            if (wanted.equals(volume.uuid())) {
                return volume;
            }
        }
        return null;
    }

    private static JsonNode json(Capacity capacity) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("provisionedBytes", capacity.provisionedBytes())
                .put("reservedBytes", capacity.reservedBytes())
                .put("availableBytes", capacity.availableBytes())
                .put("maximumVolumeBytes", capacity.maximumVolumeBytes());
    }
}
