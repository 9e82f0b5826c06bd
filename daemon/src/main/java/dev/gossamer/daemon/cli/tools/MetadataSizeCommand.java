package dev.gossamer.daemon.cli.tools;

import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.offline.Compat;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.PoolDump;
import dev.gossamer.thin.offline.PoolRules;
import dev.gossamer.thin.offline.PoolSizing;
import dev.gossamer.thin.offline.PoolSuperblock;
import java.io.IOException;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gossamer metadata-size}, {@code thin_metadata_size}. */
@Command(
        name = "metadata-size",
        description = {
            "Says how large a pool's metadata device should be: for a pool to be made, with all of its blocks mapped,"
                    + " or for a copy of METADATA.",
            "Sizes are in sectors, or have a letter: b bytes, s sectors, k m g t p e binary, K M G T P E decimal."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer metadata-size -b 64k -s 1t -m 1000",
            "  gossamer metadata-size /dev/vg/pool_tmeta"
        })
public final class MetadataSizeCommand extends OfflineTool {
    private static final long MAX_BLOCKS = 255L * 16320;
    private static final long MAPPINGS_OF_A_BLOCK = 126;
    private static final int BLOCK_BYTES = 4096;
    private static final long BLOCK_STEP = 64 << 10;
    /** More than ids can tell apart, by far; sums with it stay in a long. */
    private static final long MAX_THINS = 1L << 48;

    private static final long MAX_BLOCK_SIZE = 1 << 30;

    @Parameters(arity = "0..1", paramLabel = "METADATA", description = "What a copy of this needs at most.")
    private String metadata;

    @Option(
            names = {"-b", "--block-size"},
            paramLabel = "SIZE",
            description = "Size of a data block.")
    private String blockSize;

    @Option(
            names = {"-s", "--pool-size"},
            paramLabel = "SIZE",
            description = "Size of the data device.")
    private String poolSize;

    @Option(
            names = {"-m", "--max-thins"},
            paramLabel = "N",
            description = "How many volumes and snapshots there can be.")
    private Long maxThins;

    @Option(
            names = {"-u", "--unit"},
            paramLabel = "LETTER",
            defaultValue = "s",
            description = "Unit to print; default sectors.")
    private String unitName;

    @Option(
            names = {"-n", "--numeric-only"},
            arity = "0..1",
            fallbackValue = "",
            paramLabel = "short|long",
            description = "Print the number alone, or with the unit's letter or word.")
    private String numeric;

    @Override
    int run() throws IOException, ToolFailed {
        SizeUnit unit = unitName.length() == 1 ? SizeUnit.of(unitName.charAt(0)) : null;
        if (unit == null) {
            throw wrongUsage("--unit " + unitName + ": use one of b s k m g t p e K M G T P E");
        }
        if (numeric != null && !Set.of("", "short", "long").contains(numeric)) {
            throw wrongUsage("--numeric-only " + numeric + ": use short or long");
        }
        boolean ofPool = blockSize != null && poolSize != null && maxThins != null;
        if (ofPool == (metadata != null)) {
            throw wrongUsage("give METADATA, or all of --block-size, --pool-size and --max-thins");
        }
        long bytes = (ofPool ? blocksForPool() : blocksForCopy()) * BLOCK_BYTES;
        out().println(text(bytes, unit));
        out().flush();
        return ToolExit.DONE;
    }

    private long blocksForPool() throws ToolFailed {
        long block = SizeUnit.parse(blockSize);
        long pool = SizeUnit.parse(poolSize);
        boolean old = compat() == Compat.V0_9;
        if (block <= 0 || pool <= 0 || maxThins < 0 || (old && maxThins == 0)) {
            throw new ToolFailed(
                    ToolExit.FAILED, "sizes must be numbers above 0, with one letter for the unit or none");
        }
        if (old ? Long.bitCount(block) != 1 : block % BLOCK_STEP != 0) {
            throw new ToolFailed(
                    ToolExit.FAILED, old ? "block size must be 2^^N" : "block size must be a multiple of 64 KiB");
        }
        if (block > MAX_BLOCK_SIZE && !old) {
            throw new ToolFailed(ToolExit.FAILED, "maximum block size is 1 GiB");
        }
        if (pool < block) {
            throw new ToolFailed(ToolExit.FAILED, "pool size must be larger than block size");
        }
        long dataBlocks = pool / block;
        long leaves = old ? dataBlocks / MAPPINGS_OF_A_BLOCK : Math.ceilDiv(dataBlocks, MAPPINGS_OF_A_BLOCK);
        long blocks = 1 + leaves + Math.min(maxThins, MAX_THINS);
        return old ? blocks : Math.min(blocks, MAX_BLOCKS);
    }

    private long blocksForCopy() throws IOException {
        try (ToolInput input = ToolInput.open(metadata, ToolInput.Role.METADATA, ToolInput.Access.READ);
                RegionReader feed = new RegionReader(input.io(), MetadataSource.blocksOf(input.io()))) {
            MetadataSource source = new MetadataSource(input.name(), feed);
            PoolSuperblock live = source.superblock();
            warnOfLvm(input, live);
            PoolSizing sizing = new PoolSizing();
            new PoolDump(feed, PoolRules.before(sizing), new PoolDump.Choice(Set.of(), true, true, null))
                    .dump(DumpCommand.pool(live), live.mappingRoot(), live.detailsRoot());
            return sizing.blocks();
        } catch (MetadataCorrupt e) {
            throw damageOf(metadata, e);
        }
    }

    private String text(long bytes, SizeUnit unit) {
        String number = unit.format(bytes, compat());
        if (numeric != null) {
            return switch (numeric) {
                case "short" -> number + unit.letter();
                case "long" -> number + unit.word(compat());
                default -> number;
            };
        }
        if (compat() == Compat.V0_9 && metadata == null) {
            return "thin_metadata_size - " + number + " " + unit.word(Compat.V0_9)
                    + " estimated metadata area size for \"--block-size=" + SizeUnit.inWords(blockSize)
                    + " --pool-size=" + SizeUnit.inWords(poolSize) + " --max-thins=" + maxThins + "\"";
        }
        return number + " " + unit.word(compat());
    }
}
