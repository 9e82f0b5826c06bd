package dev.gossamer.pdata.scan;

import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.block.MetadataBlock;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** Proves that a block is of a kind, and where it belongs (on-disk format, section 2). For one thread. */
public final class BlockProof {
    private static final int CHECKED_FROM = 4;
    private static final int LOCATION = 8;

    private final CRC32C crc = new CRC32C();
    private ByteBuffer lastBytes;
    private ByteBuffer window;

    /** What is wrong with the block, null if nothing. */
    public String fault(ByteBuffer bytes, int offset, long location, BlockValidator kind) {
        long ownLocation = bytes.getLong(offset + LOCATION);
        if (ownLocation != location) {
            return "metadata block " + location + " (" + kind + ") says that it is block "
                    + Long.toUnsignedString(ownLocation);
        }
        int stored = bytes.getInt(offset);
        int computed = kind.checksum(crcOf(bytes, offset));
        return stored == computed
                ? null
                : String.format(
                        "metadata block %d (%s) has checksum 0x%08x, its contents give 0x%08x",
                        location, kind, stored, computed);
    }

    /** Whether the checksum is of this kind, wherever the block says that it belongs. */
    public boolean isKind(ByteBuffer bytes, int offset, BlockValidator kind) {
        return bytes.getInt(offset) == kind.checksum(crcOf(bytes, offset));
    }

    /** Writes location and checksum into a block. */
    public void seal(ByteBuffer bytes, int offset, long location, BlockValidator kind) {
        bytes.putLong(offset + LOCATION, location);
        bytes.putInt(offset, kind.checksum(crcOf(bytes, offset)));
    }

    @SuppressWarnings("ReferenceEquality") // The window is over these bytes, and not over equal ones.
    private long crcOf(ByteBuffer bytes, int offset) {
        if (bytes != lastBytes) {
            lastBytes = bytes;
            window = bytes.duplicate();
        }
        window.limit(offset + MetadataBlock.BYTES).position(offset + CHECKED_FROM);
        crc.reset();
        crc.update(window);
        return crc.getValue();
    }
}
