package dev.gossamer.daemon.cli.tools;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.check.DeviceSum;
import dev.gossamer.thin.offline.OfflineCheck;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Says what a check has found: findings, then what is lost of which volume, then the verdict and the next command. */
final class CheckPrinter {
    private static final int OF_A_KIND = 20;

    private final OfflineCheck.Report report;
    private final int limit;
    private final Map<Long, String> names;

    /**
     * @param all whether to print every finding
     * @param names of devices, as far as they are known
     */
    CheckPrinter(OfflineCheck.Report report, boolean all, Map<Long, String> names) {
        this.report = report;
        this.names = Map.copyOf(names);
        this.limit = all ? Integer.MAX_VALUE : OF_A_KIND;
    }

    List<String> lines(String name) {
        List<String> lines = new ArrayList<>();
        Map<String, List<Damage>> kinds = new LinkedHashMap<>();
        for (Damage damage : report.damage()) {
            kinds.computeIfAbsent(damage.getClass().getSimpleName(), kind -> new ArrayList<>())
                    .add(damage);
        }
        for (List<Damage> kind : kinds.values()) {
            kind.stream()
                    .limit(limit)
                    .forEach(damage ->
                            lines.add(damage.severity().name().toLowerCase(Locale.ROOT) + ": " + text(damage)));
            if (kind.size() > limit) {
                lines.add("... and " + (kind.size() - limit) + " more of this kind; --all prints them");
            }
        }
        report.owners().stream()
                .limit(limit)
                .forEach(owner -> lines.add("data block " + owner.dataBlock()
                        + " is mapped by " + device(owner.deviceId()) + ", block "
                        + Long.toUnsignedString(owner.virtualBlock())));
        lost(lines);
        lines.add(verdict(name));
        return lines;
    }

    /** With its name, if there is one. */
    private String device(long id) {
        String name = names.get(id);
        return "device " + Long.toUnsignedString(id) + (name == null ? "" : " (" + name.replaceAll("[()]", "") + ")");
    }

    private String text(Damage damage) {
        return switch (damage) {
            case Damage.BadDevice bad -> device(bad.deviceId()) + " " + bad.reason();
            case Damage.WrongRecord wrong -> device(wrong.deviceId()) + " " + wrong.reason();
            default -> damage.text();
        };
    }

    private void lost(List<String> lines) {
        for (DeviceSum device : report.result().devices()) {
            List<OfflineCheck.Loss> losses = report.losses().stream()
                    .filter(loss -> loss.deviceId() == device.id())
                    .toList();
            if (!losses.isEmpty()) {
                lines.add(device(device.id()) + ": " + device.lost() + " of " + Math.max(0, device.stored())
                        + " mappings cannot be read:");
                losses.stream()
                        .limit(limit)
                        .forEach(loss -> lines.add("  blocks " + range(loss) + " (metadata block "
                                + Long.toUnsignedString(loss.metadataBlock()) + ")"));
            }
        }
    }

    private static String range(OfflineCheck.Loss loss) {
        String last = loss.last() == -1 ? "the end" : Long.toUnsignedString(loss.last());
        return Long.toUnsignedString(loss.first()) + " to " + last;
    }

    private String verdict(String name) {
        Damage.Severity worst = report.worst();
        if (worst == null) {
            return name + " is sound"
                    + (report.superblock().needsCheck()
                            ? ", but marked as in need of a check: gossamer check --clear-needs-check-flag " + name
                            : "");
        }
        return switch (worst) {
            case HINT, LEAK -> name + " is sound but for leaks or wrong hints: gossamer check --fix leaks " + name;
            case CORRUPTION -> name + " is damaged; see what a repair would keep: gossamer repair --list -i " + name;
        };
    }

    /** @param warning what is said of the pool beside what was found in it; null: nothing */
    String json(String name, String warning) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        Damage.Severity worst = report.worst();
        root.put("metadata", name)
                .put("verdict", worst == null ? "sound" : worst.name().toLowerCase(Locale.ROOT))
                .put("transactionId", report.superblock().transactionId())
                .put("needsCheck", report.superblock().needsCheck())
                .put("mappingsLost", report.mappingsLost());
        if (warning != null) {
            root.put("warning", warning);
        }
        ArrayNode findings = root.putArray("findings");
        for (Damage damage : report.damage()) {
            findings.addObject()
                    .put("kind", damage.getClass().getSimpleName())
                    .put("severity", damage.severity().name().toLowerCase(Locale.ROOT))
                    .put("text", text(damage));
        }
        ArrayNode devices = root.putArray("devices");
        for (DeviceSum device : report.result().devices()) {
            ObjectNode node = devices.addObject()
                    .put("id", device.id())
                    .put("name", names.get(device.id()))
                    .put("mappings", device.counted())
                    .put("mappingsLost", device.lost());
            ArrayNode lost = node.putArray("lost");
            report.losses().stream()
                    .filter(loss -> loss.deviceId() == device.id())
                    .forEach(loss -> lost.addObject().put("first", loss.first()).put("last", loss.last()));
        }
        return root.toPrettyString();
    }
}
