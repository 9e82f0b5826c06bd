package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.offline.Compat;
import dev.gossamer.thin.offline.CsvSink;
import dev.gossamer.thin.offline.HumanSink;
import dev.gossamer.thin.offline.JsonSink;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.OverriddenPool;
import dev.gossamer.thin.offline.PoolDump;
import dev.gossamer.thin.offline.PoolSink;
import dev.gossamer.thin.offline.PoolSuperblock;
import dev.gossamer.thin.offline.RepairCandidate;
import dev.gossamer.thin.offline.RepairSearch;
import dev.gossamer.thin.offline.XmlSink;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gossamer dump}, {@code thin_dump}. */
@Command(
        name = "dump",
        description = {
            "Writes a pool's metadata as text: XML that restore reads, or lines for people or scripts.",
            "The first damage ends it, exit code 4. With --partial it goes on and lists what is lost."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer dump DIR -o pool.xml",
            "  gossamer dump --dev-id 7 -f csv /dev/vg/pool_tmeta"
        })
public final class DumpCommand extends OfflineTool {
    private static final String HELD = "0";

    @Parameters(arity = "0..1", paramLabel = "METADATA", description = "File, block device, pool directory or NBD URI.")
    private String metadata;

    @Option(
            names = {"-f", "--format"},
            paramLabel = "xml|human_readable|json|csv",
            defaultValue = "xml",
            description = "What to write; default ${DEFAULT-VALUE}. csv: device, virtual, data, length (bytes), time.")
    private String format;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Write it there.")
    private Path output;

    @Option(
            names = {"-m", "--metadata-snap"},
            arity = "0..1",
            fallbackValue = HELD,
            paramLabel = "BLOCK",
            description = "Dump the metadata snapshot, perhaps one at this block; works while the pool is in use.")
    private String metadataSnap;

    @Option(
            names = {"-r", "--repair"},
            description = "Dump what repair would keep.")
    private boolean repair;

    @Option(names = "--dev-id", paramLabel = "ID", description = "This device alone; may be given several times.")
    private Set<Long> devices = Set.of();

    @Option(names = "--skip-mappings", description = "The devices alone.")
    private boolean skipMappings;

    @Option(names = "--flat", description = "Repeat what devices share with each of them.")
    private boolean flat;

    @Option(names = "--partial", description = "Go on behind damage and list what is lost.")
    private boolean partial;

    @Mixin
    private SuperblockOverrides overrides;

    private boolean lossy;

    @Override
    int run() throws IOException, ToolFailed {
        if (format.startsWith("custom")) {
            throw wrongUsage("formats from shared objects are no more; use -f json or -f csv");
        }
        if (!Set.of("xml", "human_readable", "json", "csv").contains(format)) {
            throw wrongUsage("-f " + format + ": use xml, human_readable, json or csv");
        }
        if (overrides.fault() != null) {
            throw wrongUsage(overrides.fault());
        }
        if (metadata == null && metadataSnap != null) {
            metadata = metadataSnap; // -m took the word behind it
            metadataSnap = HELD;
        }
        if (metadata == null) {
            throw wrongUsage("METADATA is missing");
        }
        ToolInput.Access access = metadataSnap == null ? ToolInput.Access.READ : ToolInput.Access.READ_SHARED;
        try (ToolInput input = ToolInput.open(metadata, ToolInput.Role.METADATA, access);
                RegionReader feed = new RegionReader(input.io(), MetadataSource.blocksOf(input.io()));
                ToolOutput target = new ToolOutput(output, input)) {
            dump(input, new MetadataSource(input.name(), feed), target);
            target.done();
        } catch (MetadataCorrupt e) {
            throw damageOf(metadata, e);
        }
        return lossy ? ToolExit.DAMAGE : ToolExit.DONE;
    }

    private void dump(ToolInput input, MetadataSource source, ToolOutput target) throws IOException {
        if (repair) {
            RepairSearch search = new RepairSearch(source, overrides.repairSettings());
            if (search.live() != null) {
                warnOfUnknown(source.name(), search.live());
                warnOfLvm(input, search.live());
            }
            RepairCandidate best = search.best();
            best.lost().forEach(lost -> lost(lost.deviceId(), lost.first(), lost.last(), lost.reason()));
            search.tell(best, new OverriddenPool(sink(target.stream()), pool -> overrides.apply(pool, compat())));
            return;
        }
        PoolDump.Losses losses = partial ? this::lost : null;
        boolean sharing = !flat && compat() != Compat.V0_9 && (format.equals("xml") || format.equals("human_readable"));
        PoolDump dump = new PoolDump(
                source.feed(), sink(target.stream()), new PoolDump.Choice(devices, !skipMappings, sharing, losses));
        warnOfUnknown(source.name(), source.superblock());
        warnOfLvm(input, source.superblock());
        PoolSuperblock chosen = metadataSnap == null ? source.superblock() : held(source);
        dump.dump(overrides.apply(pool(chosen), compat()), chosen.mappingRoot(), chosen.detailsRoot());
    }

    private PoolSuperblock held(MetadataSource source) throws IOException {
        long location;
        try {
            location = Long.parseLong(metadataSnap);
        } catch (NumberFormatException e) {
            throw wrongUsage("-m " + metadataSnap + ": that is no number of a metadata block");
        }
        location = location == 0 ? source.superblock().heldRoot() : location;
        if (location == 0) {
            throw new StorageException(Errno.ENOENT, source.name() + " has no metadata snapshot; reserve one first");
        }
        return source.held(location);
    }

    static PoolSink.Pool pool(PoolSuperblock superblock) {
        return new PoolSink.Pool(
                Integer.toUnsignedLong(superblock.time()),
                superblock.transactionId(),
                superblock.needsCheck(),
                Integer.toUnsignedLong(superblock.version()),
                Integer.toUnsignedLong(superblock.dataBlockSectors()),
                superblock.dataMap().blocks());
    }

    private PoolSink sink(OutputStream out) {
        return switch (format) {
            case "human_readable" -> new HumanSink(out, compat());
            case "json" -> new JsonSink(out);
            case "csv" -> new CsvSink(out);
            default -> new XmlSink(out, compat());
        };
    }

    private void lost(long deviceId, long first, long last, String reason) {
        lossy = true;
        String end = last == -1 ? "the end" : Long.toUnsignedString(last);
        String whose = deviceId < 0 ? "devices " : "device " + deviceId + ": blocks ";
        say("lost: " + whose + Long.toUnsignedString(first) + " to " + end + ": " + reason);
    }
}
