package dev.gossamer.daemon.cli.tools;

import dev.gossamer.daemon.config.Quantity;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.OfflineCheck;
import dev.gossamer.thin.offline.OfflineShrink;
import dev.gossamer.thin.offline.OutputDevice;
import dev.gossamer.thin.offline.PoolSizing;
import dev.gossamer.thin.offline.PoolSuperblock;
import dev.gossamer.thin.offline.ShrinkPlan;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** {@code gossamer shrink}, {@code thin_shrink}. */
@Command(
        name = "shrink",
        description = {
            "Makes the data of a pool shorter: blocks behind the new end go into free ones before it, and metadata that"
                    + " say so are written to another device.",
            "Only free blocks of the data device are written: until the new metadata are used, the pool is as it was."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer shrink --plan --nr-blocks 100000 -i /dev/vg/pool_tmeta --data /dev/vg/pool_tdata",
            "  gossamer shrink --nr-blocks 100000 -i /dev/vg/pool_tmeta -o /dev/vg/new_tmeta --data /dev/vg/pool_tdata"
        })
public final class ShrinkCommand extends OfflineTool {
    @Option(
            names = {"-i", "--input"},
            required = true,
            paramLabel = "METADATA",
            description = "The pool's metadata.")
    private String input;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "DEVICE",
            description = "Where the new metadata go: another device, or a file.")
    private String output;

    @Option(names = "--data", paramLabel = "DEVICE", description = "The pool's data.")
    private String data;

    @Option(names = "--nr-blocks", paramLabel = "N", description = "Data blocks from now on.")
    private Long wantedBlocks;

    @Option(
            names = "--to",
            paramLabel = "SIZE",
            converter = SizeOption.class,
            description =
                    "Size of the data from now on, in bytes, or with k, M, G, T; a part of a block does not count.")
    private Long wantedBytes;

    private long blocks;

    @Option(names = "--binary", description = "The default: metadata, not XML.")
    @SuppressWarnings("UnusedVariable") // Taken for thin_shrink's sake.
    private boolean binary;

    @Option(names = "--no-copy", description = "The blocks have been copied: write the metadata alone.")
    private boolean noCopy;

    @Option(names = "--plan", description = "Tell what would go where, and do nothing.")
    private boolean planOnly;

    @Mixin
    private OverwriteOption overwrite;

    @Override
    int run() throws IOException, ToolFailed {
        if ((wantedBlocks == null) == (wantedBytes == null)) {
            throw wrongUsage("how small? either --nr-blocks N or --to SIZE");
        }
        if ((wantedBlocks != null && wantedBlocks < 0)
                || (!planOnly && (output == null || (data == null && !noCopy)))) {
            throw wrongUsage("-o and --data are needed, --data not with --no-copy, both not with --plan");
        }
        boolean copies = !planOnly && !noCopy;
        if (!copies) {
            try (ToolInput source = ToolInput.open(input, ToolInput.Role.METADATA, ToolInput.Access.READ)) {
                return shrink(source, null);
            }
        }
        try (ToolInput device = ToolInput.open(data, ToolInput.Role.DATA, ToolInput.Access.WRITE);
                ToolInput source = device.sibling(input, ToolInput.Role.METADATA, ToolInput.Access.READ)) {
            return shrink(source, device);
        }
    }

    private int shrink(ToolInput input, ToolInput device) throws IOException, ToolFailed {
        try (RegionReader feed = new RegionReader(input.io(), MetadataSource.blocksOf(input.io()))) {
            MetadataSource source = new MetadataSource(input.name(), feed);
            PoolSuperblock live = checked(input, source);
            ShrinkPlan plan = ShrinkPlan.of(TrimCommand.use(source, live), blocks);
            if (planOnly) {
                plan.moves().forEach(move -> out().println("data " + move.from() + ".." + (move.from() + move.length())
                        + " -> " + move.to() + ".." + (move.to() + move.length())));
                out().flush();
                return ToolExit.DONE;
            }
            if (device != null) {
                new OfflineShrink(plan, live).copy(device.io());
            }
            write(source, live, plan);
        }
        return ToolExit.DONE;
    }

    /** As everywhere else in this program. */
    static final class SizeOption implements ITypeConverter<Long> {
        @Override
        public Long convert(String text) {
            try {
                return Quantity.bytes(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    private PoolSuperblock checked(ToolInput pool, MetadataSource source) throws IOException, ToolFailed {
        OfflineCheck.Report report = new OfflineCheck(source).check();
        if (report.worst() == Damage.Severity.CORRUPTION) {
            throw new ToolFailed(
                    ToolExit.DAMAGE, input + " is damaged, nothing was done; see: gossamer check " + input);
        }
        PoolSuperblock live = report.superblock();
        if (planOnly) {
            warnOfUnknown(source.name(), live);
            warnOfLvm(pool, live);
        } else {
            live.checkWritable(source.name());
            checkLvm(pool, live);
        }
        blocks = wantedBlocks != null
                ? wantedBlocks
                : wantedBytes / ((long) live.dataBlockSectors() * MetadataSource.sectorBytes());
        if (live.heldRoot() != 0) {
            throw new ToolFailed(
                    ToolExit.FAILED, input + " has a metadata snapshot, which would be lost; release it first");
        }
        if (blocks > live.dataMap().blocks()) {
            throw new ToolFailed(
                    ToolExit.FAILED, input + " has " + live.dataMap().blocks() + " data blocks, fewer than " + blocks);
        }
        return live;
    }

    private void write(MetadataSource source, PoolSuperblock live, ShrinkPlan plan) throws IOException, ToolFailed {
        try (ToolInput target = ToolInput.open(output, ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            OutputDevice device = new OutputDevice(target.io(), this::say);
            if (device.hasSuperblock() && !overwrite.isGiven()) {
                throw new ToolFailed(
                        ToolExit.FAILED, output + " has a pool's metadata; --force overwrites it, for good");
            }
            PoolSizing sizing = new PoolSizing();
            new OfflineShrink(plan, live).tell(source, DumpCommand.pool(live), sizing);
            device.checkRoom(sizing.blocks());
            device.write(sink -> new OfflineShrink(plan, live).tell(source, DumpCommand.pool(live), sink));
        }
        say("moved " + plan.moves().stream().mapToLong(ShrinkPlan.Move::length).sum() + " blocks; " + output
                + " has the metadata of a pool of " + plan.blocks() + " blocks");
    }
}
