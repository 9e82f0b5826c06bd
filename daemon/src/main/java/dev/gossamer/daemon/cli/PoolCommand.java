package dev.gossamer.daemon.cli;

import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.config.SpaceConfig;
import dev.gossamer.io.StorageException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code gossamer pool ...}: makes pool directories, for which no daemon is needed. */
@Command(
        name = "pool",
        description = "Makes pools, and changes running ones.",
        subcommands = {
            PoolSpaceCommands.Grow.class,
            PoolSpaceCommands.TransactionId.class,
            PoolSpaceCommands.MetadataSnapshot.class,
            PoolMoveCommands.Shrink.class,
            PoolMoveCommands.Evacuate.class,
            PoolMoveCommands.Owners.class
        },
        footer = {"", "Example:", "  gossamer pool create DIR --size 10G"})
final class PoolCommand extends CommandGroup {
    @Command(
            description = {
                "Makes an empty pool, in two sparse files of DIR or on two devices.",
                "A metadata device must be all zero in its first 4 KiB, so that nothing is overwritten by mistake."
            },
            footer = {
                "",
                "Examples:",
                "  gossamer pool create DIR --size 10G",
                "  gossamer pool create DIR --data /dev/vg/data --metadata /dev/vg/meta --block-size 256k",
                "  gossamer pool create DIR --data nbd://storage.example/disk7 --metadata /dev/vg/meta"
            })
    void create(
            @Parameters(paramLabel = "DIR", description = "Pool directory: new or empty.") Path directory,
            @Option(
                            names = {"-s", "--size"},
                            paramLabel = "SIZE",
                            defaultValue = "10G",
                            converter = ByteSize.class,
                            description = "Size of the data file; default ${DEFAULT-VALUE}.")
                    long size,
            @Option(
                            names = "--data",
                            paramLabel = "DEVICE",
                            description = "Data device instead of a file in DIR: a path, or the URI of an NBD export.")
                    String data,
            @Option(
                            names = "--metadata",
                            paramLabel = "DEVICE",
                            description = "Metadata device, likewise; goes with --data.")
                    String metadata,
            @Option(
                            names = "--block-size",
                            paramLabel = "SIZE",
                            defaultValue = "64k",
                            converter = ByteSize.class,
                            description =
                                    "Unit of allocation and sharing, a multiple of 64k; default ${DEFAULT-VALUE}.")
                    long blockSize,
            @Option(
                            names = "--auto-extend",
                            paramLabel = "SIZE",
                            defaultValue = "0",
                            converter = ByteSize.class,
                            description = "Let files grow by themselves when space is low, data up to this size.")
                    long autoExtend,
            @Option(names = "--buffered", description = "Use the page cache; for file systems without direct I/O.")
                    boolean buffered,
            @Mixin Output output)
            throws StorageException {
        PoolDirectory pool = new PoolDirectory(directory);
        int blockBytes = (int) Math.min(blockSize, Integer.MAX_VALUE);
        if (data == null && metadata == null) {
            PoolCreation.createInFiles(
                    pool, size, blockBytes, buffered, SpaceConfig.DEFAULT.withAutoExtend(autoExtend));
        } else {
            if (data == null || metadata == null) {
                throw wrongUsage("--data and --metadata go together");
            }
            PoolConfig config =
                    config(data, metadata, buffered).withSpace(SpaceConfig.DEFAULT.withAutoExtend(autoExtend));
            PoolCreation.createOnDevices(pool, config, blockBytes);
        }
        made(output, "created pool", directory);
    }

    @Command(
            description = {
                "Makes DIR a pool directory for a dm-thin pool of the kernel or of LVM, which must not be "
                        + "active there.",
                "Looks whether the pool can be opened. Writes nothing to its devices."
            },
            footer = {
                "",
                "Example:",
                "  gossamer pool adopt DIR --data /dev/vg/pool_tdata --metadata /dev/vg/pool_tmeta",
                "  gossamer pool adopt DIR --lvm vg/pool        without LVM, volumes by their names there",
                "  gossamer pool adopt DIR --lvm vg/pool --origin golden=/srv/golden.img"
            })
    void adopt(
            @Parameters(paramLabel = "DIR", description = "Pool directory: new or empty.") Path directory,
            @Option(
                            names = "--data",
                            paramLabel = "DEVICE",
                            description = "Data device: a path, or the URI of an NBD export.")
                    String data,
            @Option(names = "--metadata", paramLabel = "DEVICE", description = "Metadata device, likewise.")
                    String metadata,
            @Option(names = "--buffered", description = "Use the page cache; for file systems without direct I/O.")
                    boolean buffered,
            @Mixin LvmOptions lvm,
            @Mixin Output output)
            throws StorageException {
        PoolDirectory pool = new PoolDirectory(directory);
        if (lvm.isGiven() == (data != null || metadata != null)
                || lvm.isGiven() != (data == null || metadata == null)) {
            throw wrongUsage("either --data and --metadata, or --lvm");
        }
        if (lvm.isGivenInVain()) {
            throw wrongUsage("--origin, --pv, --foreign and --assume-inactive go with --lvm alone");
        }
        if (lvm.isGiven()) {
            PoolCreation.adopt(pool, lvm.name(), lvm.origins(), buffered);
        } else {
            PoolCreation.adopt(pool, config(data, metadata, buffered));
        }
        made(output, "adopted the pool as", directory);
    }

    private void made(Output output, String what, Path directory) {
        if (output.isJson()) {
            output.done(spec(), what, directory.toString());
        } else {
            println(what + " " + directory + "; serve it with: gossamer serve " + directory);
        }
    }

    /** Paths on the command line are relative to where it was typed, those of the file to the pool directory. */
    private static PoolConfig config(String data, String metadata, boolean buffered) {
        return new PoolConfig(DeviceName.absolute(metadata), DeviceName.absolute(data), buffered);
    }
}
