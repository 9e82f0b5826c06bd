package dev.gossamer.daemon.cli.tools;

import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.check.CheckScope;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.OfflineCheck;
import dev.gossamer.thin.offline.OfflineFix;
import dev.gossamer.thin.offline.PoolDump;
import dev.gossamer.thin.offline.PoolSuperblock;
import dev.gossamer.thin.offline.VolumeNames;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gossamer check}, {@code thin_check}. */
@Command(
        name = "check",
        description = {
            "Checks a pool's metadata: every node, every count of both devices, every device. Reads only, unless told "
                    + "to fix.",
            "Exit codes: 0 sound, 3 only leaks or wrong hints, 4 damage, 5 in use, 6 no thin metadata.",
            "A pool directory that is being served is checked by a metadata snapshot, without stopping it."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer check DIR",
            "  gossamer check --fix leaks --clear-needs-check-flag /dev/vg/pool_tmeta"
        })
public final class CheckCommand extends OfflineTool {
    @Parameters(paramLabel = "METADATA", description = "File, block device, pool directory, NBD URI, or lvm:VG/LV.")
    private String metadata;

    @Option(
            names = {"-m", "--metadata-snap"},
            description = "Check the trees of the metadata snapshot alone; works while the pool is in use.")
    private boolean metadataSnap;

    @Option(names = "--super-block-only", description = "Look at nothing but the superblock.")
    private boolean superBlockOnly;

    @Option(names = "--skip-mappings", description = "Leave out the mappings, and with them all counts.")
    private boolean skipMappings;

    @Option(names = "--ignore-non-fatal-errors", description = "Leaks and wrong hints do not count: exit code 0.")
    private boolean ignoreNonFatal;

    @Option(
            names = "--auto-repair",
            description = "Fix leaks and hints, and clear the needs_check flag if nothing worse is found.")
    private boolean autoRepair;

    @Option(names = "--fix", paramLabel = "leaks", description = "The same without the flag.")
    private String fix;

    @Option(
            names = "--clear-needs-check-flag",
            description =
                    "Clear the flag that keeps the pool read-only, if there is no damage; leaks and hints are fixed"
                            + " then, if there is room.")
    private boolean clearNeedsCheck;

    @Option(names = "--override-mapping-root", paramLabel = "BLOCK", description = "Check this mapping tree instead.")
    private long mappingRoot = -1;

    @Option(
            names = "--override-details-root",
            paramLabel = "BLOCK",
            description = "Check these device details instead.")
    private long detailsRoot = -1;

    @Option(names = "--all", description = "Print every finding, not the first 20 of a kind.")
    private boolean all;

    @Option(names = "--json", description = "Print what was found as JSON.")
    private boolean json;

    @Override
    int run() throws IOException, ToolFailed {
        checkUsage();
        boolean fixing = autoRepair || fix != null || clearNeedsCheck;
        ToolInput.Access access =
                fixing ? ToolInput.Access.WRITE : metadataSnap ? ToolInput.Access.READ_SHARED : ToolInput.Access.READ;
        ToolInput input;
        try {
            input = ToolInput.open(metadata, ToolInput.Role.METADATA, access);
        } catch (StorageException e) {
            if (e.errno() == Errno.EBUSY && access == ToolInput.Access.READ && ToolInput.isPoolDirectory(metadata)) {
                return runOnServed();
            }
            throw e;
        }
        try (input) {
            return check(input, fixing, metadataSnap);
        }
    }

    private void checkUsage() {
        boolean fixing = autoRepair || fix != null;
        boolean reduced = superBlockOnly || skipMappings;
        boolean overridden = mappingRoot != -1 || detailsRoot != -1;
        if (fix != null && !fix.equals("leaks")) {
            throw wrongUsage("--fix knows 'leaks' alone; for more there is repair");
        }
        if ((fixing || clearNeedsCheck) && (metadataSnap || overridden)) {
            throw wrongUsage("what is changed must be the pool itself: neither -m nor --override-... goes with that");
        }
        if (fixing && (reduced || ignoreNonFatal)) {
            throw wrongUsage("fixing needs a full check: leave out the options that reduce it");
        }
        if (metadataSnap && reduced) {
            throw wrongUsage("-m goes neither with --super-block-only nor with --skip-mappings");
        }
    }

    @SuppressWarnings("try") // The snapshot is held, not used.
    private int runOnServed() throws IOException, ToolFailed {
        try (ServedPool served = ServedPool.hold(new PoolDirectory(Path.of(metadata)));
                ToolInput input = ToolInput.open(metadata, ToolInput.Role.METADATA, ToolInput.Access.READ_SHARED)) {
            say(metadata + " is being served: its mappings are checked as they are now, its counts are not");
            return check(input, false, true);
        }
    }

    private int check(ToolInput input, boolean fixing, boolean held) throws IOException, ToolFailed {
        long blocks = MetadataSource.blocksOf(input.io());
        LongConsumer[] progress = {done -> {}};
        OfflineCheck.Report report;
        Map<Long, String> names;
        String warning;
        try (AheadReader feed = new AheadReader(input.io(), blocks, done -> progress[0].accept(done))) {
            MetadataSource source = new MetadataSource(input.name(), feed);
            PoolSuperblock superblock = source.superblock();
            long free =
                    superblock.metadataMap().blocks() - superblock.metadataMap().allocated();
            if (fixing) {
                superblock.checkWritable(input.name());
            }
            warnOfUnknown(input.name(), superblock);
            warning = warnOfLvm(input, superblock);
            printHead(superblock, free);
            if (superBlockOnly) {
                return clearNeedsCheck ? clearFlag(input, superblock) : ToolExit.DONE;
            }
            CheckScope scope = held ? CheckScope.HELD : skipMappings ? CheckScope.NO_MAPPINGS : CheckScope.ALL;
            long used = Math.min(blocks, superblock.metadataMap().allocated());
            try (ToolProgress bar = new ToolProgress(err(), "checking", used, isQuiet() || json)) {
                progress[0] = bar::add;
                report = new OfflineCheck(source)
                        .withScope(scope)
                        .withRoots(mappingRoot, detailsRoot)
                        .check();
            }
            names = names(input, source, held ? source.held(superblock.heldRoot()) : superblock);
        }
        CheckPrinter printer = new CheckPrinter(report, all, names);
        if (json) {
            out().println(printer.json(input.name(), warning));
            out().flush();
        } else {
            printer.lines(input.name()).forEach(this::say);
        }
        return fixing ? fix(input, report) : exitCode(report.worst());
    }

    /** Names of volumes, where somebody knows any that can be read: for people, who know volumes by names. */
    private static Map<Long, String> names(ToolInput input, MetadataSource source, PoolSuperblock shown) {
        Map<Long, String> names = new HashMap<>();
        if (!input.isPool()) {
            return names;
        }
        try (ToolInput data = input.sibling(input.name(), ToolInput.Role.DATA, ToolInput.Access.READ_SHARED)) {
            List<PoolDump.Tree> devices = PoolDump.devices(
                    source.feed(), shown.mappingRoot(), shown.detailsRoot(), (device, low, high, reason) -> {});
            long blockBytes = (long) shown.dataBlockSectors() * MetadataSource.sectorBytes();
            if (MetadataSource.isBlockSize(shown.dataBlockSectors())) {
                names.putAll(new VolumeNames(source.feed(), blockBytes, data.io(), devices).read());
            }
        } catch (IOException e) {
            // What is damaged may be what has the names: findings tell of devices by their numbers then.
        }
        try {
            names.putAll(input.namesOfLvm());
        } catch (StorageException e) {
            // Likewise.
        }
        return names;
    }

    private void printHead(PoolSuperblock superblock, long free) {
        if (!isQuiet() && !json) {
            long shown = compat() == dev.gossamer.thin.offline.Compat.V0_9
                    ? superblock.metadataMap().blocks() - 1
                    : free;
            out().println("TRANSACTION_ID=" + Long.toUnsignedString(superblock.transactionId()));
            out().println("METADATA_FREE_BLOCKS=" + shown);
            out().flush();
        }
    }

    private int exitCode(Damage.Severity worst) {
        if (worst == null) {
            return ToolExit.DONE;
        }
        if (worst == Damage.Severity.CORRUPTION) {
            return ToolExit.DAMAGE;
        }
        // Version 0.9 and 1 let pass what is no more than a hint, and LVM would refuse the pool.
        boolean passed = ignoreNonFatal || (isLink() && worst == Damage.Severity.HINT);
        return passed ? ToolExit.DONE : ToolExit.LEAKS;
    }

    private int clearFlag(ToolInput input, PoolSuperblock superblock) throws IOException {
        if (superblock.needsCheck()) {
            OfflineFix.clearNeedsCheck(input.io());
            say("cleared the needs_check flag, without a check");
        }
        return ToolExit.DONE;
    }

    private int fix(ToolInput input, OfflineCheck.Report report) throws IOException, ToolFailed {
        if (report.worst() == Damage.Severity.CORRUPTION) {
            say("nothing was changed: there is damage; see what a repair would keep: gossamer repair --list -i "
                    + input.name());
            return ToolExit.DAMAGE;
        }
        boolean flag = report.superblock().needsCheck() && (autoRepair || clearNeedsCheck);
        // As version 1 does: LVM asks for the flag alone at each activation, and leaks are ordinary after a crash.
        boolean leaks = report.worst() != null && !skipMappings;
        if (leaks && fixLeaks(input, report, flag)) {
            return ToolExit.DONE;
        }
        if (flag) {
            OfflineFix.clearNeedsCheck(input.io());
            say("cleared the needs_check flag");
        }
        // What leaks is lost until there is room to set it right, and harms nobody: no reason for LVM to refuse a pool.
        return isLink() ? ToolExit.DONE : exitCode(report.worst());
    }

    /** @return false: there is too little room, and they were not asked for */
    private boolean fixLeaks(ToolInput input, OfflineCheck.Report report, boolean flag) throws IOException {
        try {
            OfflineFix.Done done = OfflineFix.fix(input.io(), report, flag);
            say("fixed " + done.counts() + " counts" + (flag ? ", cleared the needs_check flag" : ""));
            return true;
        } catch (StorageException e) {
            if (e.errno() != Errno.ENOSPC || autoRepair || fix != null) {
                throw e;
            }
            say(e.getMessage());
            return false;
        }
    }
}
