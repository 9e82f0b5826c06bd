package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.offline.DataBlockUse;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.OfflineCheck;
import dev.gossamer.thin.offline.PoolDump;
import dev.gossamer.thin.offline.PoolSuperblock;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gossamer trim}, {@code thin_trim}. */
@Command(
        name = "trim",
        description = {
            "Discards the free blocks of a pool's data device. Of a file, punches holes.",
            "Free is what has no count and what no mapping refers to. Checks the pool first: with damage nothing is"
                    + " discarded, exit code 4."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer trim --metadata-dev /dev/vg/pool_tmeta --data-dev /dev/vg/pool_tdata",
            "  gossamer trim --dry-run DIR"
        })
public final class TrimCommand extends OfflineTool {
    @picocli.CommandLine.Parameters(
            arity = "0..1",
            paramLabel = "POOL",
            description = "A pool directory or a pool of LVM's, in place of the two devices.")
    private String pool;

    @Option(names = "--metadata-dev", paramLabel = "DEVICE", description = "The metadata.")
    private String metadata;

    @Option(names = "--data-dev", paramLabel = "DEVICE", description = "The data.")
    private String data;

    @Option(names = "--dry-run", description = "Tell what would be discarded.")
    private boolean dryRun;

    @Option(names = "--min-run", paramLabel = "BLOCKS", description = "Leave shorter runs alone.")
    private long minRun = 1;

    @Override
    int run() throws IOException, ToolFailed {
        if (pool == null ? metadata == null || data == null : metadata != null || data != null) {
            throw wrongUsage("either POOL, or --metadata-dev and --data-dev");
        }
        ToolInput.Access access = dryRun ? ToolInput.Access.READ : ToolInput.Access.WRITE;
        try (ToolInput device = ToolInput.open(pool == null ? data : pool, ToolInput.Role.DATA, access);
                ToolInput input =
                        device.sibling(pool == null ? metadata : pool, ToolInput.Role.METADATA, ToolInput.Access.READ);
                RegionReader feed = new RegionReader(input.io(), MetadataSource.blocksOf(input.io()))) {
            return trim(input, new MetadataSource(input.name(), feed), device);
        }
    }

    private int trim(ToolInput input, MetadataSource source, ToolInput device) throws IOException, ToolFailed {
        OfflineCheck.Report report = new OfflineCheck(source).check();
        if (report.worst() == Damage.Severity.CORRUPTION) {
            throw new ToolFailed(
                    ToolExit.DAMAGE,
                    source.name() + " is damaged, nothing was discarded; see: gossamer check " + source.name());
        }
        PoolSuperblock live = report.superblock();
        if (dryRun) {
            warnOfUnknown(source.name(), live);
            warnOfLvm(input, live);
        } else {
            live.checkWritable(source.name());
            checkLvm(input, live);
        }
        long blockBytes = (long) live.dataBlockSectors() * MetadataSource.sectorBytes();
        DataBlockUse use = use(source, live);
        if (use.dataBlocks() > device.io().device().sizeBytes() / blockBytes) {
            throw new StorageException(
                    Errno.EINVAL,
                    device.name() + " has " + device.io().device().sizeBytes() + " bytes, the pool " + use.dataBlocks()
                            + " blocks of " + blockBytes + ": it is another pool's");
        }
        long discarded = 0;
        for (long at = use.nextFree(0); at < use.dataBlocks(); ) {
            long end = use.endOfFree(at);
            if (end - at >= minRun) {
                if (dryRun) {
                    out().println("data " + at + ".." + end);
                } else {
                    device.io().discard(at * blockBytes, (end - at) * blockBytes);
                }
                discarded += end - at;
            }
            at = end < use.dataBlocks() ? use.nextFree(end) : end;
        }
        out().flush();
        if (!dryRun) {
            device.io().flush();
        }
        say((dryRun ? "would discard " : "discarded ") + discarded * blockBytes + " bytes, " + discarded + " of "
                + use.dataBlocks() + " blocks");
        return ToolExit.DONE;
    }

    /** What all devices map, those of the metadata snapshot too. */
    static DataBlockUse use(MetadataSource source, PoolSuperblock live) throws IOException {
        List<Long> roots = new ArrayList<>();
        PoolDump.devices(source.feed(), live.mappingRoot(), live.detailsRoot(), null)
                .forEach(tree -> roots.add(tree.root()));
        if (live.heldRoot() != 0) {
            PoolSuperblock held = source.held(live.heldRoot());
            PoolDump.devices(source.feed(), held.mappingRoot(), held.detailsRoot(), null)
                    .forEach(tree -> roots.add(tree.root()));
        }
        return DataBlockUse.of(source.feed(), live, roots);
    }
}
