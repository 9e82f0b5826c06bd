package dev.gossamer.pdata.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.spacemap.SealedBlock;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The judge judged: each kind of damage, made by hand, is found and called by its name. */
final class MetadataCheckerTest {
    private static final int SUPERBLOCK = 160774;
    private static final int NODE = 121107;
    private static final int BITMAP = 240779;
    private static final int INDEX = 160478;
    private static final int VALUES = 32 + 8 * 252;

    private final SimulatedDisk disk = new SimulatedDisk(8 << 20);
    private TestPool pool;
    private long subtree;
    private long leaf;

    @BeforeEach
    void makeAPoolOfOneDeviceWithSomeLeaves() throws Exception {
        pool = TestPool.format(disk, 10_000, 64);
        pool.createDevice(1);
        for (int i = 0; i < 2000; i++) {
            pool.provision(1, i * 2L);
        }
        pool.commit();
        assertEquals(List.of(), pool.damage());
        subtree = pool.mappings.subtreeRoot(pool.mappingRoot, 1);
        leaf = ByteBuffer.wrap(disk.readNow(subtree * 4096 + VALUES, 8))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void aBlockWithAWrongChecksumIsUnreadable() throws Exception {
        disk.writeNow(leaf * 4096 + 100, new byte[] {1, 2, 3});
        finds(Damage.UnreadableBlock.class, "metadata block " + leaf);
    }

    @Test
    void aParentKeyAboveItsChildsFirstKeyHidesEntries() throws Exception {
        edit(subtree, NODE, block -> block.putLong(32, 1));
        finds(Damage.BadNode.class, "above the first key");
    }

    @Test
    void aLeafReachingIntoItsNeighboursKeysIsFound() throws Exception {
        edit(subtree, NODE, block -> block.putLong(32 + 8, block.getLong(32 + 8) - 2));
        finds(Damage.BadNode.class, "right neighbour");
    }

    @Test
    void aLeafWithTooFewEntriesIsFound() throws Exception {
        edit(leaf, NODE, block -> block.putInt(16, 83));
        finds(Damage.BadNode.class, "83 entries");
    }

    @Test
    void aNodeThatIsItsOwnDescendantIsFound() throws Exception {
        edit(subtree, NODE, block -> block.putLong(VALUES, subtree));
        finds(Damage.BadNode.class, "is its own descendant");
    }

    @Test
    void aMappingBeyondTheDataDeviceIsFound() throws Exception {
        edit(leaf, NODE, block -> block.putLong(VALUES, 10_000L << 24));
        finds(Damage.MappingBeyondDevice.class, "data block 10000");
    }

    @Test
    void aDataBlockMappedTwiceIsCountedTooLowAndTheOtherLeaks() throws Exception {
        edit(leaf, NODE, block -> block.putLong(VALUES, block.getLong(VALUES + 8)));
        finds(Damage.CountTooLow.class, "data block");
        finds(Damage.Leak.class, "data block");
    }

    @Test
    void aMetadataBlockCountedInVainIsALeak() throws Exception {
        long block = pool.metadataMap.allocate();
        pool.commit();
        finds(Damage.Leak.class, "metadata block " + block);
        assertEquals(1, pool.damage().size());
    }

    @Test
    void aMetadataCountTooLowIsFound() throws Exception {
        pool.metadataMap.decrement(leaf);
        pool.commit();
        finds(Damage.CountTooLow.class, "metadata block " + leaf);
    }

    @Test
    void wrongFreeCountsHintsAndTotalsAreOnlyHints() throws Exception {
        edit(pool.metadataMap.root().bitmapRoot(), INDEX, block -> {
            block.putInt(16 + 8, block.getInt(16 + 8) - 1);
            block.putInt(16 + 12, 16320);
        });
        edit(0, SUPERBLOCK, block -> block.putLong(72, 1999));
        finds(Damage.WrongHint.class, "data space map: 1999 blocks");
        finds(Damage.WrongHint.class, "free entries");
        finds(Damage.WrongHint.class, "full below 16320");
        assertEquals(3, pool.damage().size());
    }

    @Test
    void anOverflowMarkWithoutAnEntryIsFound() throws Exception {
        long bitmap = indexedBitmap();
        edit(
                bitmap,
                BITMAP,
                block -> block.put(
                        16 + (int) (leaf / 4), (byte) (block.get(16 + (int) (leaf / 4)) | 3 << (leaf % 4 * 2))));
        finds(Damage.BadOverflow.class, "metadata block " + leaf + ": is missing");
    }

    @Test
    void wrongMappedBlocksAndADeviceInOneTreeOnlyAreFound() throws Exception {
        pool.detailsRoot = pool.details.insert(pool.detailsRoot, 1, new long[] {1999, 0, 0});
        pool.detailsRoot = pool.details.insert(pool.detailsRoot, 2, new long[3]);
        pool.mappingRoot = pool.mappings.createSubtree(pool.mappingRoot, 3);
        pool.commit();
        finds(Damage.BadDevice.class, "device 1 is said to have 1999 mapped blocks, has 2000");
        finds(Damage.BadDevice.class, "device 2 has details but no mapping tree");
        finds(Damage.BadDevice.class, "device 3 has mappings but no details");
        assertEquals(3, pool.damage().size());
    }

    private long indexedBitmap() {
        return ByteBuffer.wrap(disk.readNow(pool.metadataMap.root().bitmapRoot() * 4096 + 16, 8))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
    }

    private void edit(long location, int salt, Consumer<ByteBuffer> change) {
        SealedBlock.edit(disk, location, salt, change);
    }

    private void finds(Class<? extends Damage> kind, String text) throws StorageException {
        pool.blocks.discardCache();
        List<Damage> damage = pool.damage();
        assertTrue(
                damage.stream()
                        .anyMatch(each -> kind.isInstance(each) && each.text().contains(text)),
                () -> "not found among " + damage);
    }
}
