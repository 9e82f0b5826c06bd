package dev.gossamer.daemon.cli.tools;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gossamer.thin.offline.Compat;
import dev.gossamer.thin.offline.PoolDump;
import dev.gossamer.thin.offline.ReverseMap;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gossamer rmap}, {@code thin_rmap}. */
@Command(
        name = "rmap",
        description = {
            "Tells which devices have some data blocks, and where: after a disk has lost sectors, say.",
            "Every owner is told. --first-owner leaves out those that share metadata with an earlier one, as older"
                    + " tools do."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer rmap --region 5000..5008 DIR",
            "  gossamer rmap --json --region 0..128 --region 4096..4224 /dev/vg/pool_tmeta"
        })
public final class RmapCommand extends MetadataTool {
    private static final Pattern REGION = Pattern.compile("(\\d{1,18})\\.\\.(\\d{1,18})");

    @Option(
            names = "--region",
            paramLabel = "A..B",
            description = "Data blocks from A to before B; may be given several times.")
    private List<String> regions = List.of();

    @Option(names = "--first-owner", description = "One owner of what is shared; default with --compat.")
    private boolean firstOwner;

    @Option(
            names = {"-f", "--format"},
            paramLabel = "text|json|csv",
            defaultValue = "text",
            description = "What to write; default ${DEFAULT-VALUE}. csv: data, device, virtual, length (bytes).")
    private String format;

    @Option(names = "--json", description = "As -f json.")
    private boolean json;

    private final List<ReverseMap.Region> wanted = new ArrayList<>();

    @Override
    void checkUsage() {
        for (String region : regions) {
            Matcher numbers = REGION.matcher(region);
            boolean good = numbers.matches() && Long.parseLong(numbers.group(1)) < Long.parseLong(numbers.group(2));
            if (!good) {
                throw wrongUsage("--region " + region + ": use A..B, data blocks from A to before B, A below B");
            }
            wanted.add(new ReverseMap.Region(Long.parseLong(numbers.group(1)), Long.parseLong(numbers.group(2))));
        }
        format = json ? "json" : format;
        if (!Set.of("text", "json", "csv").contains(format)) {
            throw wrongUsage("-f " + format + ": use text, json or csv");
        }
        if (wanted.isEmpty()) {
            throw wrongUsage("which data blocks? --region A..B, B not included; several if need be");
        }
    }

    @Override
    int run(View view) throws IOException {
        ReverseMap map = new ReverseMap(view.source().feed(), wanted, firstOwner || compat() != Compat.NONE);
        for (PoolDump.Tree tree : view.devices()) {
            map.add(tree.device().id(), tree.root());
        }
        switch (format) {
            case "json" -> printJson(map);
            case "csv" -> printCsv(map, view.blockBytes());
            default -> map.runs()
                    .forEach(run -> out().print("data " + run.dataBlock() + ".." + (run.dataBlock() + run.length())
                            + " -> thin(" + run.deviceId() + ") " + run.virtualBlock() + ".."
                            + (run.virtualBlock() + run.length()) + "\n"));
        }
        out().flush();
        return ToolExit.DONE;
    }

    private void printJson(ReverseMap map) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        map.runs().forEach(run -> array.addObject()
                .put("data", run.dataBlock())
                .put("id", run.deviceId())
                .put("virtual", run.virtualBlock())
                .put("length", run.length()));
        out().println(array.toPrettyString());
    }

    private void printCsv(ReverseMap map, long blockBytes) {
        out().print("data,device,virtual,length\n");
        map.runs().forEach(run -> out().print(run.dataBlock() * blockBytes + "," + run.deviceId() + ","
                + run.virtualBlock() * blockBytes + "," + run.length() * blockBytes + "\n"));
    }
}
