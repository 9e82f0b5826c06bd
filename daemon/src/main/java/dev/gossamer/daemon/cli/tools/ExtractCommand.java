package dev.gossamer.daemon.cli.tools;

import dev.gossamer.io.Errno;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBuffer;
import dev.gossamer.thin.offline.PoolDump;
import dev.gossamer.thin.offline.PoolSink;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code gossamer extract}. */
@Command(
        name = "extract",
        description = {
            "Copies one device of a pool into a file with holes, also from a pool that cannot be served any more.",
            "The metadata do not know how large a volume is: the file ends with the last mapped block, unless told."
        },
        footer = {
            "",
            "Examples:",
            "  gossamer extract DIR --thin 7 -o vm7.img",
            "  gossamer extract --partial --thin 7 --data /dev/vg/pool_tdata -o vm7.img /dev/vg/pool_tmeta"
        })
public final class ExtractCommand extends MetadataTool {
    private static final int BUFFER_BYTES = 1 << 20;
    private static final int SECTOR_BYTES = 512;

    @Option(names = "--thin", required = true, paramLabel = "ID", description = "The device.")
    private long device;

    @Option(
            names = "--data",
            paramLabel = "DEVICE",
            description = "The pool's data device; not needed for a pool directory or a pool of LVM's.")
    private String data;

    @Option(
            names = {"-o", "--output"},
            required = true,
            paramLabel = "FILE",
            description = "The file, which is made.")
    private Path output;

    @Option(names = "--size", paramLabel = "SECTORS", description = "Size of the device, in sectors of 512 bytes.")
    private long sectors = -1;

    @Option(names = "--partial", description = "Go on behind what cannot be read, and list it.")
    private boolean partial;

    @Option(
            names = "--without-origin",
            description = "Of a volume over an external origin: only what the volume has itself, zeros for the rest.")
    private boolean withoutOrigin;

    private boolean lossy;

    @Override
    void checkUsage() {
        if (sectors < -1 || sectors > Long.MAX_VALUE / SECTOR_BYTES) {
            throw wrongUsage("--size is a number of sectors");
        }
    }

    @Override
    int run(View view) throws IOException, ToolFailed {
        if (Files.exists(output)) {
            throw new ToolFailed(ToolExit.FAILED, output + " is there already; name another file");
        }
        if (!view.hasNames(data)) {
            throw wrongUsage("--data is missing: " + view.name() + " is one device, and the data are on another");
        }
        PoolDump.Tree tree = view.device(device);
        if (!withoutOrigin) {
            checkOrigin(view);
        }
        long blockBytes = view.blockBytes();
        try (ToolInput source = view.sibling(data == null ? metadataName() : data);
                ToolOutput file = new ToolOutput(output, view.input())) {
            Copy copy = new Copy(source, file.channel(), blockBytes);
            PoolDump.Losses losses = partial ? this::lost : null;
            new PoolDump(view.source().feed(), copy, new PoolDump.Choice(Set.of(device), true, false, losses))
                    .dump(DumpCommand.pool(view.shown()), java.util.List.of(tree));
            copy.finish(sectors < 0 ? -1 : sectors * SECTOR_BYTES);
            file.done();
        }
        return lossy ? ToolExit.DAMAGE : ToolExit.DONE;
    }

    private void checkOrigin(View view) throws ToolFailed {
        String origin;
        try {
            origin = view.origin(data, device);
        } catch (IOException e) {
            // What is lost of the names is no reason to give up the data as well.
            say("whether the device is over an external origin is not known: " + Reason.of(e));
            return;
        }
        if (origin != null) {
            throw new ToolFailed(
                    ToolExit.FAILED,
                    "device " + device + " is over the external origin " + origin + ", of which nothing would be in "
                            + output + ": copy that, or add --without-origin for what the volume has itself");
        }
    }

    private void lost(long deviceId, long first, long last, String reason) {
        lossy = true;
        String end = last == -1 ? "the end" : Long.toUnsignedString(last);
        say("lost: blocks " + Long.toUnsignedString(first) + " to " + end + ": " + reason);
    }

    /** Takes the mappings, and copies what they lead to. */
    private final class Copy implements PoolSink {
        private final ToolInput source;
        private final FileChannel file;
        private final long blockBytes;
        private final IoBuffer buffer;
        private long endBytes;

        Copy(ToolInput source, FileChannel file, long blockBytes) {
            this.source = source;
            this.file = file;
            this.blockBytes = blockBytes;
            buffer = source.io().loop().buffers().acquire(BUFFER_BYTES);
        }

        @Override
        public void mapping(long virtualBlock, long dataBlock, long length, long time) throws IOException {
            long size = source.io().device().sizeBytes();
            if (dataBlock + length > size / blockBytes) {
                unreadable(
                        virtualBlock,
                        length,
                        "data block " + (dataBlock + length - 1) + " lies behind the end of " + source.name()
                                + ", which has " + size + " bytes");
                return;
            }
            if (virtualBlock < 0 || virtualBlock > Long.MAX_VALUE / blockBytes - length) {
                unreadable(virtualBlock, length, "no file is so large");
                return;
            }
            for (long done = 0; done < length * blockBytes; done += BUFFER_BYTES) {
                int bytes = (int) Math.min(BUFFER_BYTES, length * blockBytes - done);
                copy(dataBlock * blockBytes + done, virtualBlock * blockBytes + done, bytes);
            }
            endBytes = (virtualBlock + length) * blockBytes;
        }

        private void copy(long from, long to, int bytes) throws IOException {
            try {
                source.io().read(from, buffer, 0, bytes);
            } catch (StorageException e) {
                unreadable(to / blockBytes, 1, e.getMessage());
                return;
            }
            java.nio.ByteBuffer part = buffer.bytes().slice(0, bytes);
            while (part.hasRemaining()) {
                file.write(part, to + part.position());
            }
        }

        private void unreadable(long virtualBlock, long length, String reason) throws StorageException {
            if (!partial) {
                throw new StorageException(Errno.EIO, reason + "; --partial goes on");
            }
            lost(device, virtualBlock, virtualBlock + length - 1, reason);
        }

        /** @param sizeBytes of the file; negative: as much as is mapped */
        void finish(long sizeBytes) throws IOException {
            buffer.release();
            long wanted = sizeBytes < 0 ? endBytes : sizeBytes;
            if (wanted < file.size()) {
                file.truncate(wanted);
            } else if (wanted > file.size()) {
                file.write(java.nio.ByteBuffer.allocate(1), wanted - 1);
            }
        }

        @Override
        public void beginPool(Pool pool) {}

        @Override
        public void beginShared(long name) {}

        @Override
        public void endShared() {}

        @Override
        public void beginDevice(Device one) {}

        @Override
        public void endDevice() {}

        @Override
        public void shared(long name) {
            throw new AssertionError("shared runs were not asked for");
        }

        @Override
        public void endPool() {}
    }
}
