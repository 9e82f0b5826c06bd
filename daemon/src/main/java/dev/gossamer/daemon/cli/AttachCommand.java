package dev.gossamer.daemon.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gossamer.daemon.attach.Attacher;
import dev.gossamer.daemon.attach.Attachment;
import dev.gossamer.daemon.attach.Keeper;
import dev.gossamer.daemon.device.DeviceOpener;
import dev.gossamer.io.StorageException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gossamer attach}: a volume becomes a block device of this machine. */
@Command(
        name = "attach",
        description = {
            "Makes a volume a block device of this machine, with a file system, mounted, if that is asked for. As"
                    + " root.",
            "It stays through crashes and upgrades of the daemon: requests wait until it is back, and what was under",
            "way is sent again. Whatever fails, nothing is left half attached."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer attach -p DIR web --mkfs ext4 --mount /mnt",
            "  gossamer attach -p DIR web /dev/nbd3",
            "  gossamer attach nbd://storage.example/web --mount /mnt",
            "  gossamer attach --list --json"
        })
final class AttachCommand implements Callable<Integer> {
    private static final int NO_INDEX = -1;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "VOLUME",
            description = "A volume of the pool, or an nbd:// URI.")
    private String volume;

    @Parameters(index = "1", arity = "0..1", paramLabel = "/dev/nbdN", description = "Default: one that is free.")
    private String device;

    @Option(
            names = "--mkfs",
            paramLabel = "TYPE",
            description = "Make a file system, as in ext4 or xfs. Only on a volume that is empty.")
    private String mkfs;

    @Option(names = "--mount", paramLabel = "DIR", description = "Mount it there.")
    private String mount;

    @Option(
            names = "--request-timeout",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description = "A request that was under way when the server died is sent again after so long; longer than "
                    + "on-full-timeout; default ${DEFAULT-VALUE}.")
    private int timeoutSeconds;

    @Option(
            names = "--wait-for-server",
            paramLabel = "SECONDS",
            defaultValue = "3600",
            description =
                    "How long requests wait for a server that is away before they fail; default ${DEFAULT-VALUE}.")
    private int deadSeconds;

    @Option(names = "--list", description = "Show what is attached on this machine.")
    private boolean list;

    @Option(
            names = "--foreground",
            description =
                    "Stay, and connect again when the server comes back, instead of starting a process that does; "
                            + "for service managers.")
    private boolean foreground;

    @Option(names = Keeper.OPTION, hidden = true, description = "Keep this device attached.")
    private Integer keep;

    @Override
    public Integer call() throws StorageException {
        if (keep != null) {
            Keeper.of(keep).run();
            return 0;
        }
        if (list) {
            Output.print(spec, output.isJson() ? json(Attacher.attached()) : table(Attacher.attached()));
            return 0;
        }
        if (volume == null) {
            throw new ParameterException(spec.commandLine(), "name a volume, or use --list");
        }
        if (timeoutSeconds < 1 || deadSeconds < 1) {
            throw new ParameterException(spec.commandLine(), "time-outs must be at least 1 second");
        }
        String uri = volume.contains("://") ? volume : pool.exportUri(volume);
        Attachment made = Attacher.attach(new Attacher.Wish(
                DeviceOpener.parse(uri),
                index(),
                mkfs == null ? "" : mkfs,
                mount == null ? "" : Path.of(mount).toAbsolutePath().normalize().toString(),
                timeoutSeconds,
                deadSeconds));
        if (foreground) {
            Attachment kept = Attacher.keptBy(made, ProcessHandle.current().pid());
            Output.print(spec, line(kept));
            new Keeper(kept).run();
            return 0;
        }
        Attachment kept = keep(made);
        Output.print(spec, output.isJson() ? kept.json().toPrettyString() : line(kept));
        return 0;
    }

    /** Without somebody who connects it again it would not be what was asked for. */
    private static Attachment keep(Attachment made) throws StorageException {
        try {
            return Keeper.start(made, program());
        } catch (StorageException e) {
            Attacher.detach(made);
            throw e;
        }
    }

    private int index() {
        if (device == null) {
            return NO_INDEX;
        }
        if (!device.matches("/dev/nbd[0-9]{1,5}")) {
            throw new ParameterException(
                    spec.commandLine(),
                    "'" + device + "' is no device of the kernel's NBD client; " + "write /dev/nbd0, or leave it out");
        }
        return Integer.parseInt(device.substring("/dev/nbd".length()));
    }

    private static Path program() {
        return Path.of(System.getProperty("gossamer.home", "/usr/lib/gossamer"), "bin", "gossamer");
    }

    private static String line(Attachment made) {
        return "attached " + made.device() + (made.mount().isEmpty() ? "" : ", mounted on " + made.mount());
    }

    private static String json(List<Attachment> attached) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        attached.forEach(attachment -> array.add(attachment.json()));
        return array.toPrettyString();
    }

    private static String table(List<Attachment> attached) {
        TextTable table = new TextTable("DEVICE", "EXPORT", "MOUNTED ON", ">KEEPER");
        for (Attachment attachment : attached) {
            table.row(
                    attachment.device(),
                    attachment.uri(),
                    attachment.mount().isEmpty() ? "-" : attachment.mount(),
                    Long.toString(attachment.keeper()));
        }
        return table.render();
    }
}
