package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.scan.RegionReader;
import dev.gossamer.thin.catalog.Catalog;
import dev.gossamer.thin.offline.MetadataSource;
import dev.gossamer.thin.offline.PoolDump;
import dev.gossamer.thin.offline.PoolSuperblock;
import dev.gossamer.thin.offline.VolumeNames;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Names are read of a pool that is not open, from what its catalog says; and nothing else is believed. */
final class VolumeNamesTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long CATALOG = Catalog.PREFERRED_ID;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);

    @BeforeEach
    void make() throws Exception {
        SimPool.format(metadata, data);
        try (SimPool sim = SimPool.open(metadata, data, 1, 1)) {
            sim.create("first", 64L * BLOCK).close();
            sim.create("second", 64L * BLOCK).close();
            sim.shutDown();
        }
    }

    private static BlockingIo io(BlockDevice device, IoBufferPool buffers) {
        return new BlockingIo(device, new InlineLoop(null, buffers));
    }

    private Map<Long, String> names() throws IOException {
        try (IoBufferPool buffers = new IoBufferPool(4 << 20);
                RegionReader feed = new RegionReader(io(metadata, buffers), (1 << 20) / 4096)) {
            PoolSuperblock live = new MetadataSource("pool", feed).superblock();
            return new VolumeNames(
                            feed,
                            BLOCK,
                            io(data, buffers),
                            PoolDump.devices(feed, live.mappingRoot(), live.detailsRoot(), null))
                    .read();
        }
    }

    @Test
    void volumesHaveTheNamesThatTheyWereGiven() throws Exception {
        assertEquals(Map.of(0L, "first", 1L, "second", CATALOG, "(names)"), names());
    }

    @Test
    void aSlotThatIsTornNamesNothing() throws Exception {
        for (long at = 0; at < 2; at++) {
            data.writeNow(place() * BLOCK + 1024 + at * 512, new byte[20]);
        }
        assertEquals(Map.of(0L, "first", CATALOG, "(names)"), names());
    }

    @Test
    void aCatalogBeyondTheDataIsRefused() throws Exception {
        ForgedMetadata forged = new ForgedMetadata(metadata);
        long root = forged.mappingsOf(Catalog.PREFERRED_ID);
        ByteBuffer leaf = forged.block(root);
        leaf.putLong(ForgedMetadata.valueOffset(leaf, 0), (1L << 39) << 24);
        forged.put(root, leaf, ForgedMetadata.NODE);
        String message = assertThrows(MetadataCorrupt.class, this::names).getMessage();
        assertTrue(message.contains("data block 549755813888"), message);
    }

    private long place() throws Exception {
        ForgedMetadata forged = new ForgedMetadata(metadata);
        ByteBuffer leaf = forged.block(forged.mappingsOf(Catalog.PREFERRED_ID));
        return leaf.getLong(ForgedMetadata.valueOffset(leaf, 0)) >>> 24;
    }
}
