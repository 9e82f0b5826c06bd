package dev.gossamer.pdata.block;

import dev.gossamer.io.buffer.IoBuffer;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.PointerBytesStore;

/**
 * Room for one metadata block: a page of a slab, with the views that {@link MetadataBlock} and the checksum use.
 *
 * <p>The page belongs to the slab and lives as long as the {@link BlockManager}.
 */
final class Frame {
    final IoBuffer slab;
    final int slabOffsetBytes;
    /** Unchecked memory: {@link MetadataBlock} is the only caller, and checks. */
    final PointerBytesStore memory;

    private final ByteBuffer checksummed;
    /** The block that lives here, or null. */
    MetadataBlock resident;

    Frame(IoBuffer slab, int slabOffsetBytes) {
        this.slab = slab;
        this.slabOffsetBytes = slabOffsetBytes;
        memory = BytesStore.nativePointer();
        memory.set(slab.address() + slabOffsetBytes, MetadataBlock.BYTES);
        int start = slabOffsetBytes + Integer.BYTES;
        checksummed = slab.bytes().slice(start, MetadataBlock.BYTES - Integer.BYTES);
    }

    int checksum(CRC32C crc, BlockValidator validator) {
        crc.reset();
        checksummed.clear();
        crc.update(checksummed);
        return validator.checksum(crc.getValue());
    }
}
