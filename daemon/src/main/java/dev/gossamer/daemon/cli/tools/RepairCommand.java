package dev.gossamer.daemon.cli.tools;

import dev.gossamer.daemon.lvm.LvmPool;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.NoPool;
import dev.gossamer.thin.offline.OfflineCheck;
import dev.gossamer.thin.offline.OfflineFix;
import dev.gossamer.thin.offline.OutputDevice;
import dev.gossamer.thin.offline.PoolSuperblock;
import dev.gossamer.thin.offline.RepairCandidate;
import dev.gossamer.thin.offline.RepairSearch;
import dev.gossamer.thin.offline.RepairSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gossamer repair}, {@code thin_repair}. */
@Command(
        name = "repair",
        description = {
            "Makes sound metadata of damaged ones, on another device. Shows first which states of the pool can be had,"
                    + " and exactly what each of them loses.",
            "Without a terminal to ask at, a choice that loses anything needs --yes: else nothing is written, exit"
                    + " code 4. So does every choice where the superblock is lost: nothing tells then which is newest.",
            "The input is never written, but with --in-place: that sets right counts and the like, where nothing is"
                    + " lost."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer repair --list -i /dev/vg/pool_tmeta",
            "  gossamer repair -i /dev/vg/pool_tmeta -o /dev/vg/new_tmeta --yes"
        })
public final class RepairCommand extends OfflineTool {
    @Option(
            names = {"-i", "--input"},
            required = true,
            paramLabel = "METADATA",
            description = "The damaged metadata: file, block device, pool directory, NBD URI, or lvm:VG/LV.")
    private String input;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "DEVICE",
            description = "File or block device for the repaired ones.")
    private String output;

    @Option(names = "--list", description = "Show what could be had, and write nothing.")
    private boolean list;

    @Option(names = "--choose", paramLabel = "K", description = "Take the K-th of the list; else the first.")
    private Integer choice;

    @Option(names = "--yes", description = "Accept the losses that are shown.")
    private boolean yes;

    @Mixin
    private OverwriteOption overwrite;

    @Option(
            names = "--in-place",
            description =
                    "Set right counts, hints, numbers of mappings and devices without details in the input itself.")
    private boolean inPlace;

    @Option(
            names = "--salvage",
            description = "Fill what is lost from leaves that nothing leads to any more: each is shown, as its data may"
                    + " be another state's.")
    private boolean salvage;

    @Option(names = "--report", paramLabel = "FILE", description = "Write what is shown as JSON, too.")
    private Path report;

    @Mixin
    private SuperblockOverrides overrides;

    @Override
    int run() throws IOException, ToolFailed {
        checkUsage();
        if (inPlace) {
            return repairInPlace();
        }
        try (ToolInput source = ToolInput.open(input, ToolInput.Role.METADATA, ToolInput.Access.READ);
                RegionReader feed = new RegionReader(source.io(), MetadataSource.blocksOf(source.io()))) {
            MetadataSource metadata = new MetadataSource(input, feed);
            RepairSearch search = new RepairSearch(metadata, settings(source, metadata));
            look(source, search.live());
            List<RepairCandidate> candidates = new ArrayList<>(search.candidates());
            int chosen = choice == null ? 0 : choice - 1;
            if (chosen < 0 || chosen >= candidates.size()) {
                throw new ToolFailed(ToolExit.FAILED, "there are " + candidates.size() + " choices, not " + choice);
            }
            if (salvage) {
                candidates.set(chosen, search.salvaged(candidates.get(chosen)));
            }
            RepairPrinter printer = new RepairPrinter(candidates, chosen);
            show(printer, source);
            if (list) {
                return ToolExit.DONE;
            }
            RepairCandidate candidate = candidates.get(chosen);
            if (!candidate.lost().isEmpty() && !isAccepted()) {
                throw new ToolFailed(
                        ToolExit.DAMAGE,
                        "nothing was written: the choice loses what is shown above; --yes accepts that");
            }
            write(search, candidate);
        }
        return ToolExit.DONE;
    }

    /** Refuses what is of a version, or of another state of a pool of LVM's, that the repaired pool would not be. */
    private void look(ToolInput source, PoolSuperblock live) throws IOException, ToolFailed {
        if (live == null) {
            return;
        }
        if (list) {
            warnOfUnknown(input, live);
            warnOfLvm(source, live);
            return;
        }
        live.checkWritable(input);
        // Whoever gives the transaction id has settled which one is right.
        if (overrides.repairSettings().transactionId() == null) {
            checkLvm(source, live);
        }
    }

    /** What the superblock does not say any more LVM does, of its pools (OT-35); what it says is never changed. */
    private RepairSettings settings(ToolInput source, MetadataSource metadata) throws StorageException {
        RepairSettings given = overrides.repairSettings();
        LvmPool lvm = source.poolOfLvm();
        if (lvm == null) {
            return given;
        }
        if (!list) {
            lvm.checkNothingQueued();
        }
        try {
            metadata.superblock();
            return given;
        } catch (NoPool e) {
            return given.or(
                    lvm.pool().chunkBytes() / MetadataSource.sectorBytes(),
                    lvm.dataBytes() / lvm.pool().chunkBytes(),
                    lvm.pool().transactionId());
        }
    }

    private void checkUsage() throws IOException {
        if (overrides.fault() != null) {
            throw wrongUsage(overrides.fault());
        }
        if (!list && !inPlace && output == null) {
            throw wrongUsage("-o DEVICE is missing; --list shows what could be had");
        }
        if (inPlace && (output != null || list || salvage || choice != null)) {
            throw wrongUsage("--in-place goes neither with -o nor with --list, --choose or --salvage");
        }
        boolean same = output != null
                && Files.exists(Path.of(output))
                && Files.exists(Path.of(input))
                && Files.isSameFile(Path.of(input), Path.of(output));
        if (same) {
            throw wrongUsage("the output is the input; repair writes to another device");
        }
    }

    private void show(RepairPrinter printer, ToolInput source) throws IOException, ToolFailed {
        if (list) {
            printer.lines().forEach(out()::println);
            out().flush();
        } else {
            printer.lines().forEach(this::say);
        }
        if (report != null) {
            try (ToolOutput file = new ToolOutput(report, source)) {
                file.stream().write(printer.json().getBytes(StandardCharsets.UTF_8));
                file.done();
            }
        }
    }

    private boolean isAccepted() throws IOException {
        if (yes) {
            return true;
        }
        if (!isTerminal()) {
            return false;
        }
        err().print("Write that to " + output + "? [y/N] ");
        err().flush();
        BufferedReader answer = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        return String.valueOf(answer.readLine()).strip().equalsIgnoreCase("y");
    }

    private static boolean isTerminal() {
        try {
            String input = Files.readSymbolicLink(Path.of("/proc/self/fd/0")).toString();
            // A console of the machine is one, too: on the worst of days there may be no other.
            return input.startsWith("/dev/pts/") || input.startsWith("/dev/tty") || input.equals("/dev/console");
        } catch (IOException e) {
            return false;
        }
    }

    private void write(RepairSearch search, RepairCandidate candidate) throws IOException, ToolFailed {
        try (ToolInput target = ToolInput.open(output, ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            OutputDevice device = new OutputDevice(target.io(), this::say);
            if (device.hasSuperblock() && !overwrite.isGiven() && !isLink()) {
                throw new ToolFailed(
                        ToolExit.FAILED, output + " has a pool's metadata; --force overwrites it, for good");
            }
            device.checkRoom(candidate.blocks());
            device.write(sink -> search.tell(candidate, sink));
        }
        say("wrote " + candidate.mappings() + " mappings of "
                + candidate.devices().size() + " devices to " + output);
    }

    private int repairInPlace() throws IOException, ToolFailed {
        try (ToolInput source = ToolInput.open(input, ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            OfflineCheck.Report found;
            try (RegionReader feed = new RegionReader(source.io(), MetadataSource.blocksOf(source.io()))) {
                found = new OfflineCheck(new MetadataSource(input, feed)).check();
            }
            found.superblock().checkWritable(input);
            checkLvm(source, found.superblock());
            if (found.worst() == null) {
                say(input + " is sound; nothing was changed");
                return ToolExit.DONE;
            }
            if (!found.result().complete() || found.damage().stream().anyMatch(RepairCommand::isBeyondCounts)) {
                throw new ToolFailed(
                        ToolExit.DAMAGE,
                        "nothing was changed: there is more than counts to set right; repair to another device with"
                                + " -o");
            }
            say("set right " + OfflineFix.fix(source.io(), found, false).counts() + " counts");
        }
        return ToolExit.DONE;
    }

    private static boolean isBeyondCounts(Damage damage) {
        return switch (damage) {
            case Damage.Leak ok -> false;
            case Damage.CountTooLow ok -> false;
            case Damage.WrongHint ok -> false;
            case Damage.WrongRecord ok -> false;
            case Damage.BadDevice device -> device.kind() == Damage.BadDevice.Kind.RECORD;
            default -> true;
        };
    }
}
