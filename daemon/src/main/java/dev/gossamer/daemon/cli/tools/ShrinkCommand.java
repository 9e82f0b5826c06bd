package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.MovedPool;
import dev.gossamer.thin.offline.OfflineCheck;
import dev.gossamer.thin.offline.OutputDevice;
import dev.gossamer.thin.offline.PoolDump;
import dev.gossamer.thin.offline.PoolSuperblock;
import dev.gossamer.thin.offline.ShrinkPlan;
import java.io.IOException;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

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
    private static final int BUFFER_BYTES = 1 << 20;

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

    @Option(names = "--nr-blocks", required = true, paramLabel = "N", description = "Data blocks from now on.")
    private long blocks;

    @Option(names = "--binary", description = "The default: metadata, not XML.")
    @SuppressWarnings("UnusedVariable") // Taken for thin_shrink's sake.
    private boolean binary;

    @Option(names = "--no-copy", description = "The blocks have been copied: write the metadata alone.")
    private boolean noCopy;

    @Option(names = "--plan", description = "Tell what would go where, and do nothing.")
    private boolean planOnly;

    @Option(names = "--force", description = "Overwrite metadata that are there.")
    private boolean force;

    @Override
    int run() throws IOException, ToolFailed {
        if (blocks < 0 || (!planOnly && (output == null || (data == null && !noCopy)))) {
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
            PoolSuperblock live = checked(source);
            ShrinkPlan plan = ShrinkPlan.of(TrimCommand.use(source, live), blocks);
            if (planOnly) {
                plan.moves().forEach(move -> out().println("data " + move.from() + ".." + (move.from() + move.length())
                        + " -> " + move.to() + ".." + (move.to() + move.length())));
                out().flush();
                return ToolExit.DONE;
            }
            if (device != null) {
                copy(plan, device, (long) live.dataBlockSectors() * MetadataSource.sectorBytes());
            }
            write(source, live, plan);
        }
        return ToolExit.DONE;
    }

    private PoolSuperblock checked(MetadataSource source) throws IOException, ToolFailed {
        OfflineCheck.Report report = new OfflineCheck(source).check();
        if (report.worst() == Damage.Severity.CORRUPTION) {
            throw new ToolFailed(
                    ToolExit.DAMAGE, input + " is damaged, nothing was done; see: gossamer check " + input);
        }
        PoolSuperblock live = report.superblock();
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

    private void copy(ShrinkPlan plan, ToolInput device, long blockBytes) throws IOException {
        if (device.io().device().sizeBytes() / blockBytes < plan.blocks()) {
            throw new StorageException(
                    Errno.EINVAL, data + " has less than " + plan.blocks() + " blocks of " + blockBytes + " bytes");
        }
        IoBuffer buffer = device.io().loop().buffers().acquire(BUFFER_BYTES);
        try {
            for (ShrinkPlan.Move move : plan.moves()) {
                for (long done = 0; done < move.length() * blockBytes; done += BUFFER_BYTES) {
                    int length = (int) Math.min(BUFFER_BYTES, move.length() * blockBytes - done);
                    device.io().read(move.from() * blockBytes + done, buffer, 0, length);
                    device.io().write(move.to() * blockBytes + done, buffer, 0, length);
                }
            }
            device.io().flush();
        } finally {
            buffer.release();
        }
    }

    private void write(MetadataSource source, PoolSuperblock live, ShrinkPlan plan) throws IOException, ToolFailed {
        try (ToolInput target = ToolInput.open(output, ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            OutputDevice device = new OutputDevice(target.io(), this::say);
            if (device.hasSuperblock() && !force) {
                throw new ToolFailed(
                        ToolExit.FAILED, output + " has a pool's metadata; --force overwrites it, for good");
            }
            PoolDump.Choice all = new PoolDump.Choice(Set.of(), true, true, null);
            device.write(sink -> new PoolDump(source.feed(), new MovedPool(sink, plan), all)
                    .dump(DumpCommand.pool(live), live.mappingRoot(), live.detailsRoot()));
        }
        say("moved " + plan.moves().stream().mapToLong(ShrinkPlan.Move::length).sum() + " blocks; " + output
                + " has the metadata of a pool of " + plan.blocks() + " blocks");
    }
}
