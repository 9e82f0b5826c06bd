package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.PosixFiles;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.offline.BadPack;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.NoPool;
import dev.gossamer.thin.offline.OfflineCheck;
import dev.gossamer.thin.offline.PackReader;
import dev.gossamer.thin.offline.UnpackedDevice;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gossamer unpack}, {@code thin_metadata_unpack}. */
@Command(
        name = "unpack",
        description = {
            "Makes a metadata device of a pack. The superblock comes last: what a run leaves that failed is no pool.",
            "What the pack lacks is told: thin_metadata_pack 1.x leaves out blocks now and then."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer unpack -i pool.pack -o metadata.img",
            "  gossamer unpack --force -i pool.pack -o /dev/vg/scratch"
        })
public final class UnpackCommand extends OfflineTool {
    private static final int BLOCK_BYTES = MetadataSource.BLOCK_BYTES;
    private static final int BUFFER_BYTES = 1 << 20;

    @Option(
            names = {"-i", "--input"},
            required = true,
            paramLabel = "FILE",
            description = "The pack.")
    private Path input;

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "DEVICE",
            description = "A file, which is made, or a block device.")
    private Path output;

    @Option(
            names = {"-f", "--force"},
            description = "Overwrite what is there.")
    private boolean force;

    @Override
    int run() throws IOException, ToolFailed {
        if (Files.exists(output) && !force) {
            throw new ToolFailed(ToolExit.FAILED, output + " is there already; --force overwrites it, for good");
        }
        if (Files.isDirectory(output)) {
            throw new ToolFailed(ToolExit.FAILED, output + " is a directory; name a file or a device");
        }
        long blocks = countBlocks();
        if (!Files.isRegularFile(output)) {
            return Files.exists(output) ? unpackTo(output, blocks, false) : unpackToFile(blocks);
        }
        // Nobody uses what is there: it would go on with a file that has no name any more.
        try (ToolInput before = ToolInput.open(output.toString(), ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            if (before.isFile(input)) {
                throw new StorageException(Errno.EINVAL, output + " is the pack itself; name another file");
            }
            return unpackToFile(blocks);
        }
    }

    private int unpackToFile(long blocks) throws IOException {
        try (PartFile part = new PartFile(output)) {
            PosixFiles.create(part.path(), blocks * BLOCK_BYTES);
            int exit = unpackTo(part.path(), blocks, true);
            part.done();
            return exit;
        }
    }

    /** @param isZero what is there is */
    private int unpackTo(Path target, long blocks, boolean isZero) throws IOException {
        try (ToolInput device = ToolInput.open(target.toString(), ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            if (device.io().device().sizeBytes() < blocks * BLOCK_BYTES) {
                throw new StorageException(
                        Errno.ENOSPC,
                        output + " has " + device.io().device().sizeBytes() + " bytes, the pack needs "
                                + blocks * BLOCK_BYTES);
            }
            new UnpackedDevice(device.io(), blocks).write(this::readPack, isZero);
            return checkWhole(device.io(), blocks);
        }
    }

    /** Reads the whole pack before anything is written. */
    private long countBlocks() throws IOException {
        return readPack((location, bytes) -> {}).blocks();
    }

    private PackReader readPack(PackReader.Blocks target) throws IOException {
        try (InputStream file = new BufferedInputStream(Files.newInputStream(input), BUFFER_BYTES)) {
            PackReader reader = new PackReader(file);
            reader.read(target);
            return reader;
        } catch (BadPack e) {
            throw new StorageException(e.errno(), input + " " + e.getMessage(), e);
        }
    }

    /** A pack of damaged metadata is unpacked as it is; that blocks are missing has to be said all the same. */
    private int checkWhole(BlockingIo io, long blocks) throws IOException {
        try (RegionReader feed = new RegionReader(io, blocks)) {
            OfflineCheck.Report report = new OfflineCheck(new MetadataSource(output.toString(), feed)).check();
            if (report.worst() != Damage.Severity.CORRUPTION) {
                return ToolExit.DONE;
            }
        } catch (NoPool e) {
            say(input + " holds no intact superblock");
            return ToolExit.DAMAGE;
        }
        say(input + " lacks blocks that the pool refers to, or they were damaged; see: gossamer check " + output);
        return ToolExit.DAMAGE;
    }
}
