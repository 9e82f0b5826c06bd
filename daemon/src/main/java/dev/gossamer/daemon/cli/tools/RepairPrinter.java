package dev.gossamer.daemon.cli.tools;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.thin.offline.RepairCandidate;
import java.util.ArrayList;
import java.util.List;

/** Shows the choices of a repair (OT-32): what each keeps, and exactly what it loses. */
final class RepairPrinter {
    private final List<RepairCandidate> candidates;
    private final int chosen;

    RepairPrinter(List<RepairCandidate> candidates, int chosen) {
        this.candidates = candidates;
        this.chosen = chosen;
    }

    List<String> lines() {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < candidates.size(); i++) {
            RepairCandidate one = candidates.get(i);
            lines.add((i == chosen ? "* " : "  ") + (i + 1) + ": " + one.origin() + ": transaction "
                    + one.pool().transactionId() + ", time " + one.pool().time() + ", "
                    + one.devices().size()
                    + " devices, " + one.mappings() + " mappings"
                    + (one.detailsRoot() == 0 ? ", device details made up" : "")
                    + (one.doubled() == 0 ? "" : ", " + one.doubled() + " data blocks mapped at two places")
                    + (one.lost().isEmpty() ? ", nothing lost" : ", lost:"));
            for (RepairCandidate.Lost lost : one.lost()) {
                lines.add("       " + line(lost));
            }
            if (!one.salvaged().isEmpty()) {
                lines.add("     of that filled from leaves that nothing leads to; the data may be another state's:");
            }
            for (RepairCandidate.Salvaged leaf : one.salvaged()) {
                lines.add("       device " + leaf.deviceId() + ", blocks " + Long.toUnsignedString(leaf.first())
                        + " to "
                        + Long.toUnsignedString(leaf.last()) + ": " + leaf.mappings() + " mappings of metadata block "
                        + leaf.metadataBlock() + ", time " + leaf.time());
            }
        }
        return lines;
    }

    private static String line(RepairCandidate.Lost lost) {
        String last = lost.last() == -1 ? "the end" : Long.toUnsignedString(lost.last());
        String whose = lost.deviceId() < 0 ? "devices or shared blocks " : "device " + lost.deviceId() + ", blocks ";
        return whose + Long.toUnsignedString(lost.first()) + " to " + last + ": " + lost.reason();
    }

    String json() {
        ArrayNode root = JsonNodeFactory.instance.arrayNode();
        for (int i = 0; i < candidates.size(); i++) {
            RepairCandidate one = candidates.get(i);
            ObjectNode node = root.addObject()
                    .put("choice", i + 1)
                    .put("chosen", i == chosen)
                    .put("origin", one.origin())
                    .put("transactionId", one.pool().transactionId())
                    .put("time", one.pool().time())
                    .put("devices", one.devices().size())
                    .put("mappings", one.mappings())
                    .put("detailsMadeUp", one.detailsRoot() == 0)
                    .put("doublyMappedDataBlocks", one.doubled())
                    .put("blocksNeeded", one.blocks());
            ArrayNode lost = node.putArray("lost");
            for (RepairCandidate.Lost range : one.lost()) {
                lost.addObject()
                        .put("device", range.deviceId())
                        .put("first", range.first())
                        .put("last", range.last())
                        .put("reason", range.reason());
            }
            ArrayNode salvaged = node.putArray("salvaged");
            for (RepairCandidate.Salvaged leaf : one.salvaged()) {
                salvaged.addObject()
                        .put("device", leaf.deviceId())
                        .put("first", leaf.first())
                        .put("last", leaf.last())
                        .put("mappings", leaf.mappings())
                        .put("metadataBlock", leaf.metadataBlock())
                        .put("time", leaf.time());
            }
        }
        return root.toPrettyString();
    }
}
