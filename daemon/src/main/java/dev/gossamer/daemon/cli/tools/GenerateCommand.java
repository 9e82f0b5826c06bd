package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.posix.PosixFiles;
import dev.gossamer.thin.offline.DamageCases;
import dev.gossamer.thin.offline.MadeDamage;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.OutputDevice;
import dev.gossamer.thin.offline.PoolGenerator;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gossamer generate}, {@code thin_generate_metadata}. */
@Command(
        name = "generate",
        description = {
            "Makes metadata up, for tests and measurements: an empty pool, or one with devices, mappings and"
                    + " snapshots.",
            "The same numbers make the same pool.",
            "--create-metadata-leaks, --override and --damage damage metadata that are there."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer generate --format --nr-data-blocks 4096 -o metadata.img",
            "  gossamer generate --damage 4 -o metadata.img",
            "  gossamer generate --create-metadata-leaks --expected 0 --actual 1 --nr-blocks 9 -o metadata.img",
            "  gossamer generate -o metadata.img --file-size 512 --devices 4 --mappings 1000000 --snapshots 2"
                    + " --fragmented"
        })
public final class GenerateCommand extends OfflineTool {
    private static final long MEBIBYTE = 1 << 20;
    /** Counts have 32 bits. */
    private static final long MAX_COUNT = 0xffff_ffffL;
    /** 255 bitmaps of 16320 blocks, rounded up. */
    private static final long MAX_FILE_MEBIBYTES = 16_257;

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "DEVICE",
            description = "A device, or a file, which is made if --file-size says how large.")
    private Path output;

    @Option(names = "--file-size", paramLabel = "MIB", description = "Make a file of so many mebibytes.")
    private long fileMebibytes;

    @Option(names = "--format", description = "An empty pool.")
    private boolean format;

    @Option(
            names = "--block-size",
            paramLabel = "SECTORS",
            defaultValue = "128",
            description = "Size of a data block; default ${DEFAULT-VALUE}.")
    private int blockSectors;

    @Option(names = "--nr-data-blocks", paramLabel = "N", description = "Data blocks; default as many as are needed.")
    private long dataBlocks = -1;

    @Option(names = "--devices", paramLabel = "N", description = "Devices that are no snapshots.")
    private int devices;

    @Option(names = "--mappings", paramLabel = "N", description = "Mappings of each.")
    private long mappings;

    @Option(names = "--snapshots", paramLabel = "N", description = "Snapshots of each; they share nine tenths.")
    private int snapshots;

    @Option(names = "--fragmented", description = "Scatter the mappings over the data.")
    private boolean fragmented;

    @Option(names = "--seed", paramLabel = "N", description = "Another pool of the same kind.")
    private long seed;

    @Mixin
    private OverwriteOption overwrite;

    @Option(
            names = "--set-needs-check",
            arity = "0..1",
            fallbackValue = "true",
            paramLabel = "true|false",
            description = "Whether the new pool wants a check before it is changed.")
    private boolean needsCheck;

    @Option(
            names = "--damage",
            paramLabel = "CASE",
            description = "Damage sound metadata that are there, as in one of the corruption cases: a name or a number"
                    + " of --damage list.")
    private String damageCase;

    @ArgGroup(exclusive = false)
    private Leaks leaks;

    @ArgGroup(exclusive = false)
    private Roots roots;

    /** Counts that are wrong. */
    static final class Leaks {
        @Option(names = "--create-metadata-leaks", required = true, description = "Give metadata blocks wrong counts.")
        @SuppressWarnings("UnusedVariable") // Without it there is no such group.
        private boolean wanted;

        @Option(names = "--expected", required = true, paramLabel = "N", description = "The count that they have.")
        private long expected;

        @Option(names = "--actual", required = true, paramLabel = "N", description = "The count that they get.")
        private long actual;

        @Option(names = "--nr-blocks", required = true, paramLabel = "N", description = "How many blocks.")
        private int blocks;
    }

    /** A superblock that leads elsewhere. */
    static final class Roots {
        @Option(names = "--override", required = true, description = "Make the superblock lead to other trees.")
        @SuppressWarnings("UnusedVariable") // Without it there is no such group.
        private boolean wanted;

        @Option(names = "--mapping-root", paramLabel = "BLOCK", description = "Root of the devices.")
        private long mappingRoot = -1;

        @Option(names = "--details-root", paramLabel = "BLOCK", description = "Root of their details.")
        private long detailsRoot = -1;

        @Option(names = "--metadata-snapshot", paramLabel = "BLOCK", description = "The metadata snapshot; 0: none.")
        private long held = -1;
    }

    @Override
    int run() throws IOException, ToolFailed {
        if (leaks != null || roots != null || damageCase != null) {
            return damage();
        }
        if (format != (devices == 0) || devices < 0 || mappings < 0 || snapshots < 0 || fileMebibytes < 0) {
            throw wrongUsage("either --format, or --devices with --mappings");
        }
        if (fileMebibytes > MAX_FILE_MEBIBYTES) {
            throw wrongUsage("--file-size " + fileMebibytes + ": metadata uses " + MAX_FILE_MEBIBYTES + " MiB at most");
        }
        if (!MetadataSource.isBlockSize(blockSectors)) {
            throw wrongUsage("--block-size " + blockSectors + ": use a multiple of 128 up to 2097152");
        }
        if ((long) devices * (snapshots + 1L) > 1 << 20 || mappings > 1L << 34) {
            throw wrongUsage("at most 2^20 devices and 2^34 mappings of each");
        }
        PoolGenerator plan =
                new PoolGenerator(blockSectors, dataBlocks, devices, mappings, snapshots, fragmented, seed);
        long needed = plan.neededBlocks();
        if (dataBlocks >= 0 && dataBlocks < needed) {
            throw wrongUsage("--nr-data-blocks " + dataBlocks + ": the pool needs " + needed);
        }
        if (dataBlocks < 0) {
            plan = new PoolGenerator(blockSectors, needed, devices, mappings, snapshots, fragmented, seed);
        }
        if (Files.exists(output) || fileMebibytes == 0) {
            write(plan, output);
            return ToolExit.DONE;
        }
        try (PartFile part = new PartFile(output)) {
            PosixFiles.create(part.path(), fileMebibytes * MEBIBYTE);
            write(plan, part.path());
            part.done();
        }
        return ToolExit.DONE;
    }

    private int damageAsIn() throws IOException {
        List<String> meant = DamageCases.named(damageCase);
        if (damageCase.equals("list")) {
            DamageCases.names().forEach(out()::println);
            out().flush();
            return ToolExit.DONE;
        }
        if (meant.size() != 1) {
            throw wrongUsage("--damage " + damageCase + ": "
                    + (meant.isEmpty()
                            ? "there is no such case; --damage list prints all"
                            : "which of " + String.join(", ", meant) + "?"));
        }
        long size;
        try (ToolInput target = ToolInput.open(output.toString(), ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            if (meant.getFirst().startsWith("3-") && !Files.isRegularFile(output)) {
                throw wrongUsage("only a file can be cut");
            }
            size = new MadeDamage(target.io()).damage(meant.getFirst());
        }
        if (Files.isRegularFile(output) && size < Files.size(output)) {
            try (FileChannel file = FileChannel.open(output, StandardOpenOption.WRITE)) {
                file.truncate(size);
            }
        }
        say("damaged " + output + ": " + meant.getFirst());
        return ToolExit.DONE;
    }

    private void write(PoolGenerator plan, Path device) throws IOException, ToolFailed {
        try (ToolInput target = ToolInput.open(device.toString(), ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            OutputDevice metadata = new OutputDevice(target.io(), this::say);
            if (metadata.hasSuperblock() && !overwrite.isGiven()) {
                throw new ToolFailed(
                        ToolExit.FAILED, output + " has a pool's metadata; --force overwrites it, for good");
            }
            metadata.write(plan::tell);
            if (needsCheck) {
                new MadeDamage(target.io()).needsCheck();
            }
        }
    }

    private int damage() throws IOException {
        boolean makes = format || devices != 0 || mappings != 0 || snapshots != 0 || fileMebibytes != 0;
        int kinds = (leaks == null ? 0 : 1) + (roots == null ? 0 : 1) + (damageCase == null ? 0 : 1);
        if (makes || kinds > 1) {
            throw wrongUsage("one thing at a time: make metadata, --create-metadata-leaks, --override, or --damage");
        }
        if (damageCase != null) {
            return damageAsIn();
        }
        if (leaks != null
                && (Math.min(leaks.expected, leaks.actual) < 0
                        || Math.max(leaks.expected, leaks.actual) > MAX_COUNT
                        || leaks.blocks < 1)) {
            throw wrongUsage("--expected and --actual are counts up to " + MAX_COUNT + ", --nr-blocks at least 1");
        }
        try (ToolInput target = ToolInput.open(output.toString(), ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            MadeDamage damage = new MadeDamage(target.io());
            if (leaks != null) {
                damage.counts(leaks.expected, leaks.actual, leaks.blocks);
            } else {
                damage.roots(roots.mappingRoot, roots.detailsRoot, roots.held);
            }
        }
        return ToolExit.DONE;
    }
}
