package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.PackReader;
import dev.gossamer.thin.offline.PackWriter;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gossamer pack}, {@code thin_metadata_pack}. */
@Command(
        name = "pack",
        description = {
            "Packs a metadata device into a small file, whole or damaged, to be sent to somebody who can help.",
            "Reads the file again and compares it with the device. Names of volumes are not in it."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer pack -i /dev/vg/pool_tmeta -o pool.pack",
            "  gossamer pack --all -i DIR -o pool.pack"
        })
public final class PackCommand extends OfflineTool {
    private static final int BUFFER_BYTES = 1 << 20;

    @Option(
            names = {"-i", "--input"},
            required = true,
            paramLabel = "METADATA",
            description = "File, block device, pool directory, NBD URI, or lvm:VG/LV.")
    private String input;

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "The pack.")
    private Path output;

    @Option(
            names = {"-f", "--force"},
            description = "Replace a file that is there.")
    private boolean force;

    @Option(names = "--all", description = "Also blocks with wrong checksums: damaged ones, and garbage.")
    private boolean all;

    private boolean lossy;

    @Override
    int run() throws IOException, ToolFailed {
        if (Files.exists(output) && !force) {
            throw new ToolFailed(ToolExit.FAILED, output + " is there already; --force replaces it");
        }
        try (ToolInput device = ToolInput.open(input, ToolInput.Role.METADATA, ToolInput.Access.READ);
                RegionReader feed =
                        new RegionReader(device.io(), device.io().device().sizeBytes() / MetadataSource.BLOCK_BYTES)) {
            if (feed.blocks() == 0) {
                throw new ToolFailed(ToolExit.NO_POOL, input + " is too small: it has less than 4096 bytes");
            }
            try (ToolOutput target = new ToolOutput(output, device)) {
                OutputStream buffered = new BufferedOutputStream(target.stream(), BUFFER_BYTES);
                long packed = new PackWriter(feed, all, buffered, this::lost).write();
                buffered.flush();
                if (packed == 0) {
                    throw new ToolFailed(
                            ToolExit.NO_POOL, input + " has no block of a pool's metadata; give the metadata device");
                }
                verify(feed, target.path(), packed);
                target.done();
                say("packed " + packed + " of " + feed.blocks() + " blocks");
            }
        }
        return lossy ? ToolExit.DAMAGE : ToolExit.DONE;
    }

    private void lost(long location, String reason) {
        lossy = true;
        say("lost: block " + location + ": " + reason);
    }

    private void verify(BlockFeed feed, Path pack, long packed) throws IOException {
        long[] good = {0};
        try (InputStream file = new BufferedInputStream(Files.newInputStream(pack), BUFFER_BYTES)) {
            new PackReader(file)
                    .read((location, bytes) -> feed.feed(location, new BlockFeed.Visitor() {
                        @Override
                        public void block(long same, ByteBuffer device, int offset) {
                            if (device.slice(offset, MetadataSource.BLOCK_BYTES).equals(bytes)) {
                                good[0]++;
                            }
                        }

                        @Override
                        public void unreadable(long same, String reason) {}
                    }));
        }
        if (good[0] != packed) {
            throw new StorageException(
                    Errno.EIO,
                    output + " does not hold what is on " + input + ": " + good[0] + " of " + packed
                            + " blocks are the same; is the pool in use?");
        }
    }
}
