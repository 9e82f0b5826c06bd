package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.admin.FailureKind;
import dev.gossamer.daemon.attach.Attacher;
import dev.gossamer.daemon.attach.Attachment;
import dev.gossamer.io.StorageException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code gossamer detach}: the end of {@code attach}. */
@Command(
        name = "detach",
        description = {
            "Unmounts a volume that was attached here, and ends its device. As root.",
            "If it cannot be unmounted, because a program uses it, nothing is changed."
        },
        footer = {"", "Examples:", "  gossamer detach -p DIR web", "  gossamer detach /dev/nbd0"})
final class DetachCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Mixin
    private PoolOption pool;

    @Mixin
    private Output output;

    @Parameters(
            paramLabel = "VOLUME|/dev/nbdN|DIR",
            description = "A volume, its URI, its device, or where it is mounted.")
    private String what;

    @Override
    public Integer call() throws CommandFailed, StorageException {
        String uri = what.contains("://") || what.startsWith("/") ? what : pool.exportUri(what);
        for (Attachment attachment : Attacher.attached()) {
            boolean meant = attachment.device().equals(what)
                    || attachment.uri().equals(uri)
                    || (attachment.mount().equals(what) && !what.isEmpty());
            if (meant) {
                Attacher.detach(attachment);
                output.done(spec, "detached", attachment.device());
                return 0;
            }
        }
        throw new CommandFailed(
                FailureKind.NOT_THERE, what + " is not attached here; 'gossamer attach --list' shows what is");
    }
}
