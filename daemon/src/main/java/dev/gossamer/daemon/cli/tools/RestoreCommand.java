package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.thin.offline.BadPool;
import dev.gossamer.thin.offline.OutputDevice;
import dev.gossamer.thin.offline.OverriddenPool;
import dev.gossamer.thin.offline.PoolRules;
import dev.gossamer.thin.offline.PoolSink;
import dev.gossamer.thin.offline.PoolSizing;
import dev.gossamer.thin.offline.XmlPool;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code gossamer restore}, {@code thin_restore}. */
@Command(
        name = "restore",
        description = {
            "Makes metadata of the XML that dump wrote, on a device or a file that is as large as the metadata shall"
                    + " be.",
            "What is there is overwritten. A run that fails or is ended leaves no valid pool there."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer restore -i pool.xml -o /dev/vg/new_tmeta",
            "  gossamer dump DIR | gossamer restore -i - -o new.meta"
        })
public final class RestoreCommand extends OfflineTool {
    private static final String STANDARD_INPUT = "-";

    @Option(
            names = {"-i", "--input"},
            required = true,
            paramLabel = "XML",
            description = "The XML; - is standard input.")
    private String input;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "DEVICE",
            description = "File or block device for the metadata.")
    private String output;

    @Mixin
    private OverwriteOption overwrite;

    @Option(names = "--size-only", description = "Read the XML and print how large the output must be; write nothing.")
    private boolean sizeOnly;

    @Mixin
    private SuperblockOverrides overrides;

    @Override
    int run() throws IOException, ToolFailed {
        if (overrides.fault() != null) {
            throw wrongUsage(overrides.fault());
        }
        if (sizeOnly) {
            PoolSizing sizing = new PoolSizing();
            read(PoolRules.before(sizing));
            out().println(sizing.blocks() * 8 + " sectors (" + sizing.blocks() + " blocks of 4096 bytes)");
            out().flush();
            return ToolExit.DONE;
        }
        if (output == null) {
            throw wrongUsage("-o DEVICE is missing");
        }
        try (ToolInput device = ToolInput.open(output, ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            if (!input.equals(STANDARD_INPUT) && device.isFile(Path.of(input))) {
                throw new ToolFailed(ToolExit.FAILED, output + " is the input itself; name another device");
            }
            OutputDevice target = new OutputDevice(device.io(), this::say);
            if (target.hasSuperblock()) {
                if (!overwrite.isGiven() && !isLink()) {
                    throw new ToolFailed(
                            ToolExit.FAILED, output + " has a pool's metadata; --force overwrites it, for good");
                }
                if (!input.equals(STANDARD_INPUT) && Files.isRegularFile(Path.of(input))) {
                    PoolSizing sizing = new PoolSizing();
                    read(PoolRules.before(sizing)); // while there is still something to lose
                    target.checkRoom(sizing.blocks());
                }
            }
            target.write(this::read);
        }
        return ToolExit.DONE;
    }

    private void read(PoolSink sink) throws IOException {
        try (InputStream xml = input.equals(STANDARD_INPUT) ? System.in : Files.newInputStream(Path.of(input))) {
            new XmlPool(xml, new OverriddenPool(sink, pool -> overrides.apply(pool, compat()))).read();
        } catch (BadPool e) {
            throw new BadInput(input + ": " + e.getMessage());
        } catch (StorageException e) {
            throw e;
        } catch (IOException e) {
            throw new BadInput(e instanceof FileSystemException ? Reason.of(e) : input + ": " + Reason.of(e));
        }
    }

    /** Names the file. */
    private static final class BadInput extends IOException {
        private static final long serialVersionUID = 1L;

        BadInput(String message) {
            super(message);
        }
    }
}
