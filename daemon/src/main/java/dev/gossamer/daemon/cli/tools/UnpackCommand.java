package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.io.posix.PosixFiles;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.offline.BadPack;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.NoPool;
import dev.gossamer.thin.offline.OfflineCheck;
import dev.gossamer.thin.offline.PackReader;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
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
    private static final int ZEROS_BYTES = 1 << 20;

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
        long blocks = countBlocks();
        boolean made = Files.notExists(output);
        prepare(blocks);
        boolean whole = false;
        try (ToolInput device = ToolInput.open(output.toString(), ToolInput.Role.METADATA, ToolInput.Access.WRITE)) {
            if (device.io().device().sizeBytes() < blocks * BLOCK_BYTES) {
                throw new StorageException(
                        Errno.ENOSPC,
                        output + " has " + device.io().device().sizeBytes() + " bytes, the pack needs "
                                + blocks * BLOCK_BYTES);
            }
            write(device.io(), blocks, made);
            whole = true;
            return checkWhole(device.io(), blocks);
        } finally {
            if (made && !whole) {
                Files.deleteIfExists(output);
            }
        }
    }

    /** Reads the whole pack before anything is written. */
    private long countBlocks() throws IOException {
        return readPack((location, bytes) -> {}).blocks();
    }

    private PackReader readPack(PackReader.Blocks target) throws IOException {
        try (InputStream file = new BufferedInputStream(Files.newInputStream(input), ZEROS_BYTES)) {
            PackReader reader = new PackReader(file);
            reader.read(target);
            return reader;
        } catch (BadPack e) {
            throw new StorageException(e.errno(), input + " " + e.getMessage(), e);
        }
    }

    private void prepare(long blocks) throws IOException {
        if (Files.notExists(output)) {
            PosixFiles.create(output, blocks * BLOCK_BYTES);
        } else if (Files.isRegularFile(output)) {
            if (Files.isSameFile(input, output)) {
                throw new StorageException(Errno.EINVAL, output + " is the pack itself; name another file");
            }
            try (RandomAccessFile file = new RandomAccessFile(output.toFile(), "rw")) {
                file.setLength(0);
                file.setLength(blocks * BLOCK_BYTES);
            }
        }
    }

    /** Zeros where the pack has nothing, or a later repair could take what was there before for the pool's. */
    private void write(BlockingIo io, long blocks, boolean isZero) throws IOException {
        IoBuffer buffer = io.loop().buffers().acquire(ZEROS_BYTES);
        try {
            buffer.zero(0, ZEROS_BYTES);
            boolean zeros = isZero || Files.isRegularFile(output);
            for (long at = 0; at < blocks * BLOCK_BYTES && !zeros; at += ZEROS_BYTES) {
                io.write(at, buffer, 0, (int) Math.min(ZEROS_BYTES, blocks * BLOCK_BYTES - at));
            }
            io.flush();
            ByteBuffer superblock = ByteBuffer.allocate(BLOCK_BYTES);
            readPack((location, bytes) -> {
                if (location == 0) {
                    superblock.put(bytes);
                } else {
                    buffer.bytes().put(0, bytes, 0, BLOCK_BYTES);
                    io.write(location * BLOCK_BYTES, buffer, 0, BLOCK_BYTES);
                }
            });
            io.flush();
            buffer.bytes().put(0, superblock, 0, BLOCK_BYTES);
            io.write(0, buffer, 0, BLOCK_BYTES);
            io.flush();
        } finally {
            buffer.release();
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
