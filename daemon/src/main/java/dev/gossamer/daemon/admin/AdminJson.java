package dev.gossamer.daemon.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.device.DeviceHealth;
import dev.gossamer.daemon.server.connection.ConnectionInfo;
import dev.gossamer.io.ring.StalledFiles;
import dev.gossamer.thin.PoolEvent;
import dev.gossamer.thin.PoolStatus;
import dev.gossamer.thin.SpaceStatus;
import dev.gossamer.thin.VolumeInfo;
import java.util.List;
import java.util.Locale;

/** The JSON that the API answers. Field names are a promise to scripts: sizes in bytes, times in ISO 8601. */
final class AdminJson {
    private static final int METADATA_BLOCK_BYTES = 4096;
    private static final double HUNDREDTHS = 100;

    private AdminJson() {}

    static ObjectNode volume(VolumeInfo volume) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("id", volume.id());
        node.put("uuid", volume.uuid() == null ? null : volume.uuid().toString());
        node.put("name", volume.name());
        node.put("sizeBytes", volume.sizeBytes());
        node.put("mappedBytes", volume.mappedBytes());
        node.put("ownBytes", volume.ownBytes() < 0 ? null : (Long) volume.ownBytes());
        node.put("promisedBytes", volume.promisedBytes());
        node.put("readOnly", volume.readOnly());
        node.put("originId", volume.isSnapshot() ? (Integer) volume.originId() : null);
        node.put(
                "createdAt",
                volume.createdAt() == null ? null : volume.createdAt().toString());
        node.put("connections", volume.openCount());
        node.put("externalOrigin", volume.externalOrigin());
        node.put("externalOriginFailure", volume.externalOriginFailure());
        node.put("damage", volume.damage());
        node.put("limitBytes", volume.limits().limitBytes());
        node.put("reserveBytes", volume.limits().reserveBytes());
        node.put("thick", volume.limits().thick());
        node.put("critical", volume.limits().critical());
        node.put("onFullSeconds", volume.limits().onFullSeconds());
        node.put(
                "onFull",
                volume.limits().onFull() == null
                        ? "pool"
                        : volume.limits().onFull().word());
        node.set("rates", RateJson.json(volume.rates(), volume.rateWaits()));
        return node;
    }

    static ArrayNode volumes(List<VolumeInfo> volumes) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode(volumes.size());
        volumes.forEach(volume -> array.add(volume(volume)));
        return array;
    }

    static ArrayNode connections(List<ConnectionInfo> connections) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode(connections.size());
        for (ConnectionInfo connection : connections) {
            ObjectNode node = array.addObject();
            node.put("id", connection.id());
            node.put("export", connection.export());
            node.put("peer", connection.peer());
            node.put("openedAt", connection.openedAt().toString());
            node.put("requests", connection.counters().requests());
            node.put("inFlight", connection.counters().inFlight());
            node.put("readBytes", connection.counters().bytesRead());
            node.put("writtenBytes", connection.counters().bytesWritten());
            node.put("errors", connection.counters().errors());
        }
        return array;
    }

    static ObjectNode status(DaemonStatus status) {
        PoolStatus pool = status.pool();
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("pool", status.poolDirectory().toString());
        node.put("mode", pool.mode().word());
        node.put("modeCause", pool.modeCause());
        node.put("needsCheck", pool.needsCheck());
        node.put("blockBytes", pool.blockBytes());
        node.put("dataBytes", pool.dataBlocks() * pool.blockBytes());
        node.put("dataUsedBytes", pool.dataBlocksUsed() * pool.blockBytes());
        node.put("metadataBytes", pool.metadataBlocks() * METADATA_BLOCK_BYTES);
        node.put("metadataUsedBytes", pool.metadataBlocksUsed() * METADATA_BLOCK_BYTES);
        node.put("transactionId", pool.transactionId());
        node.put("metadataSnapshotBlock", pool.heldRoot());
        space(node, pool);
        SpaceTrend trend = status.trend();
        node.put("dataGrowthBytesPerHour", trend.known() ? (Long) trend.bytesPerHour() : null);
        node.put("dataFullInSeconds", trend.fullInSeconds() < 0 ? null : (Long) trend.fullInSeconds());
        node.put("snapshotsTaken", pool.time());
        node.put("volumes", pool.volumes());
        node.put("discard", pool.discard().word());
        node.put("reclaimVolumes", pool.reclaimVolumes());
        node.put("reclaimBytes", pool.reclaimBlocks() * pool.blockBytes());
        node.put("connections", status.connections());
        ArrayNode events = node.putArray("events");
        status.events().forEach(event -> events.add(event(event)));
        node.put("poolAnswers", status.poolAnswers());
        ArrayNode devices = node.putArray("remoteDevices");
        for (DeviceHealth device : status.devices()) {
            devices.addObject().put("name", device.name()).put("stalledSeconds", device.stalledSeconds());
        }
        ArrayNode stalled = node.putArray("stalledDevices");
        for (StalledFiles.Stalled device : status.stalled()) {
            stalled.addObject().put("name", device.name()).put("stalledSeconds", device.seconds());
        }
        ArrayNode listen = node.putArray("listen");
        status.listen().forEach(listen::add);
        node.put("engine", status.engine());
        node.put("version", status.version());
        node.put("startedAt", status.startedAt().toString());
        return node;
    }

    static ObjectNode event(PoolEvent event) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("number", event.number())
                .put("at", event.at().toString())
                .put("kind", event.kind().name().toLowerCase(Locale.ROOT))
                .put("text", event.text());
    }

    private static void space(ObjectNode node, PoolStatus pool) {
        SpaceStatus space = pool.space();
        node.put("dataFreeBytes", space.dataBlocksFree() * pool.blockBytes());
        node.put("dataReservedBytes", space.dataBlocksReserved() * pool.blockBytes());
        node.put("dataEmergencyBytes", space.dataBlocksEmergency() * pool.blockBytes());
        node.put("dataMissingBytes", space.dataBlocksMissing() * pool.blockBytes());
        node.put("countingSpace", space.counting());
        node.put("overCommit", Math.round(space.overCommit() * HUNDREDTHS) / HUNDREDTHS);
        node.put("dataLowWaterBytes", space.dataLowWaterBlocks() * pool.blockBytes());
        node.put("dataLow", space.dataLow());
        node.put("metadataFreeBytes", space.metadataBlocksFree() * METADATA_BLOCK_BYTES);
        node.put("metadataLowWaterBytes", space.metadataLowWaterBlocks() * METADATA_BLOCK_BYTES);
        node.put("metadataLow", space.metadataLow());
        node.put("onFull", space.onFull().word());
        node.put("onFullEffective", space.onFullEffective().word());
        node.put("requestsWaitingForSpace", space.waitingRequests());
        node.put("waitingForSpaceSeconds", space.waitedNanos() / 1_000_000_000L);
        node.put("autoExtendBytes", space.autoExtendBytes());
    }

    static ObjectNode error(FailureKind kind, String message) {
        return JsonNodeFactory.instance.objectNode().put("error", message).put("kind", kind.word());
    }

    /** A field of a request. */
    static long number(JsonNode object, String field, long otherwise) {
        JsonNode value = object.path(field);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
            throw new AdminRefusal(AdminRefusal.BAD_REQUEST, "'" + field + "' must be a whole number, not negative");
        }
        return value.longValue();
    }
}
