package dev.gossamer.pdata.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class BlockManagerTest {
    private static final int DEVICE_BLOCKS = 4000;
    private static final int CACHE_BLOCKS = 64;

    private final SimulatedDisk disk = new SimulatedDisk(DEVICE_BLOCKS * 4096L, 4096);
    private final IoBufferPool buffers = new IoBufferPool(4096);
    private final BlockingIo io = new BlockingIo(disk, new InlineLoop(null, buffers));
    private final BlockManager blocks = new BlockManager(io, DEVICE_BLOCKS, CACHE_BLOCKS);

    @AfterEach
    void close() {
        blocks.close();
        buffers.close();
    }

    @Test
    void theChecksumIsTheOneOfTheFormatDescription() {
        CRC32C crc = new CRC32C();
        crc.update("123456789".getBytes(StandardCharsets.US_ASCII), 0, 9);
        assertEquals(0xE3069283L, crc.getValue());
        assertEquals(0x1CF96D7C ^ 160774, BlockValidator.SUPERBLOCK.checksum(crc.getValue()));
        assertEquals(0x1CF96D7C ^ 121107, BlockValidator.BTREE_NODE.checksum(crc.getValue()));
        assertEquals(0x1CF96D7C ^ 240779, BlockValidator.BITMAP.checksum(crc.getValue()));
        assertEquals(0x1CF96D7C ^ 160478, BlockValidator.INDEX.checksum(crc.getValue()));
    }

    @Test
    void blocksComeBackAsWrittenWithTheirNumberAndThroughAnEmptyCache() throws Exception {
        writeBlocks(1, 200);
        blocks.discardCache();
        for (int location = 1; location <= 200; location++) {
            MetadataBlock block = blocks.read(location, BlockValidator.BTREE_NODE);
            assertEquals(location, block.getLong(8));
            assertEquals(location * 3L, block.getLong(1000));
        }
        assertEquals(200, blocks.reads());
    }

    @Test
    void adjacentBlocksAreWrittenTogether() throws Exception {
        long before = disk.writes();
        writeBlocks(100, 64);
        assertEquals(1, disk.writes() - before);
        writeBlocks(500, 65);
        assertEquals(3, disk.writes() - before);
    }

    @Test
    void theCacheKeepsItsBoundAndOnlyDirtyBlocksExceedIt() throws Exception {
        writeBlocks(1, 1000);
        assertTrue(blocks.residentBlocks() <= CACHE_BLOCKS, () -> blocks.residentBlocks() + " blocks");
        for (int location = 1; location <= 1000; location++) {
            blocks.read(location, BlockValidator.BTREE_NODE);
            assertTrue(blocks.residentBlocks() <= CACHE_BLOCKS, () -> blocks.residentBlocks() + " blocks");
        }
        for (int location = 2000; location < 2500; location++) {
            blocks.newBlock(location, BlockValidator.BTREE_NODE).putLong(1000, location);
            blocks.read(location - 1500, BlockValidator.BTREE_NODE);
        }
        assertTrue(blocks.residentBlocks() <= 500 + CACHE_BLOCKS, () -> blocks.residentBlocks() + " blocks");
        for (int location = 2000; location < 2500; location++) {
            assertEquals(
                    location, blocks.read(location, BlockValidator.BTREE_NODE).getLong(1000));
        }
        blocks.writer().writeNow(blocks.freeze(), null);
        assertTrue(blocks.residentBlocks() <= CACHE_BLOCKS, () -> blocks.residentBlocks() + " blocks");
    }

    @Test
    void aBlockThatIsUsedAllTheTimeStaysInTheCache() throws Exception {
        writeBlocks(1, 1000);
        blocks.read(1, BlockValidator.BTREE_NODE);
        long reads = 0;
        for (int location = 2; location <= 1000; location++) {
            blocks.read(location, BlockValidator.BTREE_NODE);
            long before = blocks.reads();
            blocks.read(1, BlockValidator.BTREE_NODE);
            reads += blocks.reads() - before;
        }
        assertTrue(reads <= 1000 / (CACHE_BLOCKS / 2), "read again " + reads + " times");
    }

    @Test
    void anEvictedBlockFailsEveryAccess() throws Exception {
        writeBlocks(1, 300);
        MetadataBlock block = blocks.read(1, BlockValidator.BTREE_NODE);
        blocks.discardCache();
        assertThrows(AssertionError.class, () -> block.getInt(0));
    }

    @Test
    void everyWrongByteIsNoticed() throws Exception {
        writeBlocks(7, 1);
        byte[] good = disk.readNow(7 * 4096, 4096);
        for (int offset = 0; offset < 4096; offset += offset < 32 ? 1 : 101) {
            byte[] bad = good.clone();
            bad[offset] ^= 0x10;
            disk.writeNow(7 * 4096, bad);
            blocks.discardCache();
            MetadataCorrupt e = assertThrows(
                    MetadataCorrupt.class, () -> blocks.read(7, BlockValidator.BTREE_NODE), "byte " + offset);
            assertTrue(e.getMessage().startsWith("metadata block 7 "), e.getMessage());
        }
    }

    @Test
    void aBlockOfAnotherKindOrPlaceIsRefused() throws Exception {
        writeBlocks(7, 1);
        blocks.discardCache();
        assertThrows(MetadataCorrupt.class, () -> blocks.read(7, BlockValidator.BITMAP));
        blocks.read(7, BlockValidator.BTREE_NODE);
        assertThrows(MetadataCorrupt.class, () -> blocks.read(7, BlockValidator.BITMAP), "from the cache");
        disk.writeNow(8 * 4096, disk.readNow(7 * 4096, 4096));
        MetadataCorrupt e = assertThrows(MetadataCorrupt.class, () -> blocks.read(8, BlockValidator.BTREE_NODE));
        assertTrue(e.getMessage().contains("says that it is block 7"), e.getMessage());
    }

    @Test
    void aLocationOutsideTheDeviceOrAtTheSuperblockIsRefused() {
        assertThrows(MetadataCorrupt.class, () -> blocks.read(DEVICE_BLOCKS, BlockValidator.BTREE_NODE));
        assertThrows(MetadataCorrupt.class, () -> blocks.read(-1, BlockValidator.BTREE_NODE));
        assertThrows(MetadataCorrupt.class, () -> blocks.read(0, BlockValidator.BTREE_NODE));
    }

    @Test
    void onlyBlocksOfTheRunningTransactionCanBeChanged() throws Exception {
        MetadataBlock block = blocks.newBlock(9, BlockValidator.BTREE_NODE);
        block.putInt(16, 1);
        FrozenTransaction set = blocks.freeze();
        assertThrows(AssertionError.class, () -> block.putInt(16, 2));
        blocks.writer().writeNow(set, null);
        assertThrows(AssertionError.class, () -> block.putInt(16, 2));
        assertEquals(1, block.getInt(16));
    }

    @Test
    void aFrozenSetIsWrittenAsItWasWhileTheNextTransactionMakesBlocks() throws Exception {
        blocks.newBlock(9, BlockValidator.BTREE_NODE).putLong(100, 1);
        FrozenTransaction first = blocks.freeze();
        blocks.newBlock(10, BlockValidator.BTREE_NODE).putLong(100, 2);
        assertEquals(1, first.size());
        blocks.writer().writeNow(first, null);
        assertFalse(blocks.isDirty(9));
        assertTrue(blocks.isDirty(10));
        assertEquals(0, disk.readNow(10 * 4096, 4096)[100]);
        assertEquals(1, disk.readNow(9 * 4096, 4096)[100]);
    }

    @Test
    void everyAccessOutsideABlockIsCaught() throws Exception {
        MetadataBlock block = blocks.newBlock(9, BlockValidator.BTREE_NODE);
        assertThrows(AssertionError.class, () -> block.getLong(4089));
        assertThrows(AssertionError.class, () -> block.getInt(-1));
        assertThrows(AssertionError.class, () -> block.getInt(4093));
        assertThrows(AssertionError.class, () -> block.putLong(Integer.MAX_VALUE, 0));
        assertThrows(AssertionError.class, () -> block.move(0, 4000, 100));
        assertThrows(AssertionError.class, () -> block.move(4000, 0, 100));
        assertThrows(AssertionError.class, () -> block.move(0, 0, -1));
        assertThrows(AssertionError.class, () -> block.putBytes(4090, new byte[7]));
        assertThrows(AssertionError.class, () -> block.zero(1, 4096));
        assertThrows(AssertionError.class, () -> block.copyFrom(block, 1, 0, 4096));
        block.putLong(4088, -1);
        assertEquals(-1, block.getLong(4088));
    }

    @Test
    void bytesMoveWithinABlockEvenWhenThePlacesOverlap() throws Exception {
        MetadataBlock block = blocks.newBlock(9, BlockValidator.BTREE_NODE);
        block.putBytes(100, new byte[] {1, 2, 3, 4, 5});
        block.move(100, 102, 5);
        byte[] found = new byte[7];
        block.getBytes(100, found);
        assertArrayEquals(new byte[] {1, 2, 1, 2, 3, 4, 5}, found);
        block.move(102, 100, 5);
        block.getBytes(100, found);
        assertArrayEquals(new byte[] {1, 2, 3, 4, 5, 4, 5}, found);
    }

    private void writeBlocks(int first, int count) throws StorageException {
        for (int location = first; location < first + count; location++) {
            blocks.newBlock(location, BlockValidator.BTREE_NODE).putLong(1000, location * 3L);
        }
        blocks.writer().writeNow(blocks.freeze(), null);
    }
}
