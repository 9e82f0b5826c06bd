package dev.gossamer.daemon.cli.tools;

import dev.gossamer.thin.offline.Compat;
import dev.gossamer.thin.offline.DeltaPrinter;
import dev.gossamer.thin.offline.MappingCursor;
import dev.gossamer.thin.offline.PoolDelta;
import java.io.IOException;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gossamer delta}, {@code thin_delta}. */
@Command(
        name = "delta",
        description = {
            "Tells how two devices of a pool differ, in ranges of blocks: mapped in one alone, in both to different"
                    + " data, in both to the same.",
            "Costs what the two devices have mapped, not their size."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer delta --thin1 1 --thin2 2 DIR",
            "  gossamer delta --no-same -f csv --thin1 1 --thin2 2 /dev/vg/pool_tmeta"
        })
public final class DeltaCommand extends MetadataTool {
    private static final long NONE = -1;

    @Option(
            names = {"--thin1", "--snap1"},
            paramLabel = "ID",
            description = "The left device.")
    private long left = NONE;

    @Option(
            names = {"--thin2", "--snap2"},
            paramLabel = "ID",
            description = "The right device.")
    private long right = NONE;

    @Option(names = "--root1", paramLabel = "BLOCK", description = "The left tree, by the block of its root.")
    private long leftRoot = NONE;

    @Option(names = "--root2", paramLabel = "BLOCK", description = "The right tree likewise.")
    private long rightRoot = NONE;

    @Option(names = "--verbose", description = "Tell the data blocks too.")
    private boolean verbose;

    @Option(names = "--no-same", description = "Leave out what is the same; what devices share is passed quickly.")
    private boolean noSame;

    @Option(
            names = "--limit1",
            paramLabel = "BLOCKS",
            description = "The left device ends there: it was made smaller after blocks behind that were mapped.")
    private long leftLimit = PoolDelta.NO_LIMIT;

    @Option(names = "--limit2", paramLabel = "BLOCKS", description = "The right device likewise.")
    private long rightLimit = PoolDelta.NO_LIMIT;

    @Option(
            names = {"-f", "--format"},
            paramLabel = "xml|json|csv",
            defaultValue = "xml",
            description = "What to write; default ${DEFAULT-VALUE}. csv: kind, begin, length, data of both (bytes).")
    private String format;

    @Option(names = "--json", description = "As -f json.")
    private boolean json;

    @Override
    void checkUsage() {
        if ((left == NONE) == (leftRoot == NONE) || (right == NONE) == (rightRoot == NONE)) {
            throw wrongUsage("name two devices: --thin1 and --thin2, or --root1 and --root2");
        }
        if (!Set.of("xml", "json", "csv").contains(format)) {
            throw wrongUsage("-f " + format + ": use xml, json or csv");
        }
        if (leftLimit < 0 || rightLimit < 0) {
            throw wrongUsage("--limit1 and --limit2 are numbers of blocks");
        }
        format = json ? "json" : format;
    }

    @Override
    int run(View view) throws IOException {
        long first = leftRoot == NONE ? view.device(left).root() : leftRoot;
        long second = rightRoot == NONE ? view.device(right).root() : rightRoot;
        DeltaPrinter printer = new DeltaPrinter(out(), format, verbose, view.blockBytes());
        printer.begin(
                DumpCommand.pool(view.shown()),
                compat() == Compat.V0_9 ? view.shown().heldRoot() : 0, // later versions do not say
                leftRoot == NONE ? "left=\"" + left + "\"" : "left_root=\"" + leftRoot + "\"",
                rightRoot == NONE ? "right=\"" + right + "\"" : "right_root=\"" + rightRoot + "\"");
        new PoolDelta(
                        new MappingCursor(view.source().feed(), first),
                        new MappingCursor(view.source().feed(), second),
                        leftLimit,
                        rightLimit,
                        !noSame,
                        verbose || !format.equals("xml"),
                        printer)
                .run();
        printer.end(compat() != Compat.V1);
        out().flush();
        return ToolExit.DONE;
    }
}
