package dev.gossamer.thin.offline;

import dev.gossamer.pdata.scan.BlockFeed;
import dev.gossamer.pdata.scan.WantedBlocks;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A metadata device in memory. */
final class MemoryFeed implements BlockFeed {
    private final ByteBuffer bytes;

    MemoryFeed(byte[] bytes) {
        this.bytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public long blocks() {
        return bytes.capacity() / MetadataSource.BLOCK_BYTES;
    }

    @Override
    public void feed(WantedBlocks wanted, Visitor visitor) {
        for (long block = wanted.next(0); block >= 0 && block < blocks(); block = wanted.next(block + 1)) {
            feed(block, visitor);
        }
    }

    @Override
    public void feed(long location, Visitor visitor) {
        visitor.block(location, bytes, (int) location * MetadataSource.BLOCK_BYTES);
    }
}
