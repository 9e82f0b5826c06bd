package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.PassedSockets;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.config.ServiceConfig;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.thin.VolumeSpec;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code gossamer quickstart}: from nothing to a volume that can be attached, in one command. */
@Command(
        name = "quickstart",
        description = {
            "Makes a pool with the volume vol0 in DIR if it is new or empty, serves it and says how to attach "
                    + "the volume.",
            "Both sizes are promises, not space: the files are sparse and grow as the volume is written."
        },
        footer = {"", "Example:", "  gossamer quickstart /tmp/demo"})
final class QuickstartCommand implements Callable<Integer> {
    private static final String VOLUME = "vol0";
    private static final long VOLUME_BYTES = 100L << 30;
    private static final long DATA_BYTES = 10L << 30;
    private static final int BLOCK_BYTES = 64 << 10;

    @Spec
    private CommandSpec spec;

    @Mixin
    private DirectoryArgument directory;

    @Option(names = "--buffered", description = "Use the page cache; for file systems without direct I/O.")
    private boolean buffered;

    @Override
    public Integer call() throws StorageException {
        PoolDirectory pool = new PoolDirectory(directory.path(spec));
        if (PoolCreation.isNew(pool)) {
            PoolCreation.createInFiles(pool, DATA_BYTES, BLOCK_BYTES, buffered);
        }
        PoolConfig config = PoolConfig.read(pool.config());
        ServiceConfig configured = config.service();
        ListenOptions listen = new ListenOptions();
        ServiceConfig service = configured.with(
                listen.addresses(spec, configured), configured.tls().in(pool.path()), listen.metrics(spec, configured));
        ForegroundDaemon daemon = ForegroundDaemon.start(
                pool,
                config.withService(service),
                service.listen(),
                IoEngineChoice.AUTO,
                service.tls(),
                PassedSockets.NONE,
                false);
        // Also after a first try that ended between the two steps.
        daemon.createVolumeIfNone(new VolumeSpec(VOLUME, VOLUME_BYTES));
        return daemon.run(spec.commandLine().getOut(), howToAttach(pool));
    }

    static String howToAttach(PoolDirectory pool) {
        String socket = pool.nbdSocket().toString();
        return """

            Look at the volume:
              nbdinfo 'nbd+unix:///%1$s?socket=%2$s'
            Make it a disk of this machine, with a file system:
              sudo modprobe nbd
              sudo nbd-client -unix %2$s -N %1$s /dev/nbd0
              sudo mkfs.ext4 /dev/nbd0
              sudo mount /dev/nbd0 /mnt
            Keep its present state (in another terminal):
              gossamer snapshot create -p %3$s %1$s snap1
            Undo: sudo umount /mnt; sudo nbd-client -d /dev/nbd0; then Ctrl-C here.
            """
                .formatted(VOLUME, socket, pool);
    }
}
