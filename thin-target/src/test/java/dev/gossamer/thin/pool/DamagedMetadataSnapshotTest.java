package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.PoolMode;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is wrong with the metadata snapshot of a pool that another program wrote last costs no volume anything. */
class DamagedMetadataSnapshotTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int OWN_MARK = 384;
    private static final int BLOCKS = 8;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
    private final ForgedMetadata forged = new ForgedMetadata(metadata);

    enum Damaged {
        WHERE_IT_IS_SAID_TO_BE_IS_A_NODE,
        IT_IS_BEYOND_THE_METADATA,
        ITS_ROOT_IS_BEYOND_THE_METADATA,
        A_NODE_THAT_ONLY_IT_HAS,
        A_BLOCK_THAT_ONLY_IT_HAS_IS_COUNTED_FREE
    }

    private long heldBlock;

    /** Volume v has other contents since the snapshot, which so has a leaf and a data block of its own. */
    @BeforeEach
    void aMetadataSnapshot() throws StorageException {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            ThinVolume v = sim.create("v", 64L * BLOCK);
            for (int i = 0; i < BLOCKS; i++) {
                assertEquals(Errno.OK, sim.write(v, (long) i * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
            }
            sim.await(sim.pool.reserveMetadataSnapshot());
            // Time makes no difference to a metadata snapshot: what it shares is written in place, and trims copy.
            assertEquals(Errno.OK, sim.trim(v, 3L * BLOCK, BLOCK));
            v.close();
            sim.shutDown();
        }
    }

    private void damage(Damaged what) {
        long held = forged.superblock().getLong(ForgedMetadata.HELD_ROOT);
        ByteBuffer copy = forged.block(held);
        ByteBuffer upper = forged.block(copy.getLong(ForgedMetadata.MAPPING_ROOT));
        long leaf = upper.getLong(ForgedMetadata.valueOffset(upper, 0));
        assertNotEquals(leaf, forged.mappingsOf(0), "v has a leaf of its own by now");
        ByteBuffer mappings = forged.block(leaf);
        heldBlock = mappings.getLong(ForgedMetadata.valueOffset(mappings, 3)) >>> 24;
        switch (what) {
            case WHERE_IT_IS_SAID_TO_BE_IS_A_NODE -> forged.putSuperblockLong(
                    ForgedMetadata.HELD_ROOT, forged.mappingsOf(0));
            case IT_IS_BEYOND_THE_METADATA -> forged.putSuperblockLong(ForgedMetadata.HELD_ROOT, 1L << 33);
            case ITS_ROOT_IS_BEYOND_THE_METADATA -> {
                copy.putLong(ForgedMetadata.MAPPING_ROOT, 1L << 33);
                forged.put(held, copy, ForgedMetadata.SUPERBLOCK);
            }
            case A_NODE_THAT_ONLY_IT_HAS -> metadata.writeNow(
                    leaf * ForgedMetadata.BLOCK_BYTES, new byte[ForgedMetadata.BLOCK_BYTES]);
            case A_BLOCK_THAT_ONLY_IT_HAS_IS_COUNTED_FREE -> forged.setDataCount(heldBlock, 0);
        }
        forged.putSuperblockLong(OWN_MARK, 0);
    }

    @ParameterizedTest
    @EnumSource
    void volumesAreServedAndTheSnapshotStaysForRepair(Damaged what) throws StorageException {
        damage(what);
        long held = forged.superblock().getLong(ForgedMetadata.HELD_ROOT);
        for (int opening = 0; opening < 2; opening++) {
            try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
                assertEquals(PoolMode.WRITE, sim.pool.mode());
                assertNull(sim.pool.volume("v").damage());
                ThinVolume v = sim.pool.openVolume("v");
                assertArrayEquals(ThinPoolTest.bytes(5, BLOCK), sim.read(v, 5L * BLOCK, BLOCK));
                for (int i = 20; i < 30; i++) {
                    assertEquals(Errno.OK, sim.write(v, (i + 20L * opening) * BLOCK, ThinPoolTest.bytes(i, BLOCK)));
                }
                assertEquals(Errno.OK, sim.flush(v));
                assertReleaseIsRefused(sim);
                StorageException second =
                        assertThrows(StorageException.class, () -> sim.await(sim.pool.reserveMetadataSnapshot()));
                assertEquals(Errno.EBUSY, second.errno());
                assertEquals(Errno.OK, sim.flush(v));
                assertEquals(PoolMode.WRITE, sim.pool.mode());
                v.close();
                sim.shutDown();
            }
        }
        assertEquals(held, forged.superblock().getLong(ForgedMetadata.HELD_ROOT));
        assertArrayEquals(ThinPoolTest.bytes(3, BLOCK), data.readNow(heldBlock * BLOCK, BLOCK), "given to somebody");
    }

    private static void assertReleaseIsRefused(SimPool sim) {
        StorageException refused =
                assertThrows(StorageException.class, () -> sim.await(sim.pool.releaseMetadataSnapshot()));
        assertTrue(refused.getMessage().contains("thin_repair"), refused.getMessage());
        assertFalse(refused.getMessage().contains("\n"), refused.getMessage());
    }
}
