package dev.gossamer.it;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/** Edits the superblock of a metadata device, the first 4 KiB, and makes its checksum right again. */
final class Superblock {
    static final int INCOMPATIBLE_FLAGS_AT = 360;

    private static final int BLOCK_BYTES = 4096;
    private static final int CHECKSUM_SALT = 160774;

    private Superblock() {}

    static void edit(Path metadata, Consumer<ByteBuffer> change) throws IOException {
        try (FileChannel channel = FileChannel.open(metadata, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            if (channel.read(block, 0) != BLOCK_BYTES) {
                throw new IOException(metadata + " has no superblock");
            }
            change.accept(block.clear());
            CRC32C crc = new CRC32C();
            crc.update(block.array(), 4, BLOCK_BYTES - 4);
            block.putInt(0, ~(int) crc.getValue() ^ CHECKSUM_SALT);
            RandomImage.writeFully(channel, block.array(), 0);
        }
    }
}
