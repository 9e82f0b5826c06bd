package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockingIo;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.KnownVolume;
import dev.gossamer.thin.metadata.PoolMetadata;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Names and external origins that another owner of the pool knows for volumes without a name (OT-58). */
class VolumeNamingTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int VOLUME = 4 * BLOCK;
    private static final String GOLDEN = "/images/golden";
    private static final KnownVolume.Origin ORIGIN = new KnownVolume.Origin(GOLDEN, "golden", 3L * BLOCK);

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(64L * BLOCK);
    private final List<String> opened = new ArrayList<>();
    private byte[] golden = ThinPoolTest.bytes(3, 3 * BLOCK);
    private boolean missing;
    private SimPool sim;

    /** Devices 5, 6 and 7 without names, each with its second block. */
    @BeforeEach
    void foreignPool() throws StorageException {
        byte[] garbage = new byte[64 * BLOCK];
        Arrays.fill(garbage, (byte) 0xEE);
        data.writeNow(0, garbage);
        SimPool.format(metadata, data);
        try (IoBufferPool buffers = new IoBufferPool(1 << 23)) {
            BlockingIo io = new BlockingIo(metadata, new InlineLoop(null, buffers));
            try (PoolMetadata pool = PoolMetadata.open(io, data, 256)) {
                for (int id = 5; id < 8; id++) {
                    pool.life().createDevice(id);
                    long block = pool.reserveDataBlock();
                    pool.insert(id, 1, block);
                    data.writeNow(block * BLOCK, ThinPoolTest.bytes(id, BLOCK));
                }
                pool.writer().writeNow(pool.freeze(), data);
                pool.committed();
            }
        }
    }

    private void open() throws StorageException {
        sim = SimPool.open(metadata, data, 1, 1, SimPool.OPTIONS, this::origin);
    }

    private BlockDevice origin(String location) throws StorageException {
        if (missing) {
            throw new StorageException(Errno.ENOENT, location + ": gone fishing");
        }
        opened.add(location);
        SimulatedDisk disk = new SimulatedDisk(golden.length);
        disk.writeNow(0, golden);
        return disk;
    }

    private void reopen() throws StorageException {
        sim.shutDown();
        open();
    }

    @AfterEach
    void theMetadataIsSound() throws StorageException {
        assertEquals(0, sim.inUse());
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private StorageException error(CompletableFuture<?> answer) {
        return assertThrows(StorageException.class, () -> sim.await(answer));
    }

    private int name(KnownVolume... known) throws StorageException {
        return sim.await(sim.pool.nameVolumes(List.of(known)));
    }

    private static KnownVolume known(int id, String name, KnownVolume.Origin origin) {
        return new KnownVolume(id, name, VOLUME, false, -1, origin);
    }

    private byte[] expected(int id) {
        byte[] bytes = Arrays.copyOf(golden, VOLUME);
        System.arraycopy(ThinPoolTest.bytes(id, BLOCK), 0, bytes, BLOCK, BLOCK);
        return bytes;
    }

    private byte[] contents(String name) throws StorageException {
        ThinVolume volume = sim.pool.openVolume(name);
        try {
            return sim.read(volume, 0, VOLUME);
        } finally {
            volume.close();
        }
    }

    @Test
    void whatIsNotMappedIsTheOriginFromTheFirstReadOn() throws StorageException {
        open();
        assertEquals(3, name(known(5, "a", ORIGIN), known(6, "b", ORIGIN), known(7, "plain", null)));
        assertEquals(List.of(GOLDEN), opened, "opened once");
        byte[] model = expected(5);
        assertArrayEquals(model, contents("a"));
        ThinVolume volume = sim.pool.openVolume("a");
        assertEquals(Errno.OK, sim.write(volume, 2L * BLOCK + 100, new byte[50]));
        Arrays.fill(model, 2 * BLOCK + 100, 2 * BLOCK + 150, (byte) 0);
        volume.close();
        for (int i = 0; i < 2; i++) {
            assertArrayEquals(model, contents("a"));
            assertArrayEquals(expected(6), contents("b"));
            assertEquals(0, contents("plain")[0]);
            assertEquals(GOLDEN, sim.pool.volume("b").externalOrigin());
            reopen();
            assertEquals(0, name(known(5, "a", ORIGIN), known(6, "b", ORIGIN), known(7, "plain", null)));
        }
    }

    /** A volume that showed zeros in place of its origin would keep them with its next write. */
    @Test
    void aVolumeWhoseOriginIsNotThereIsServedToNobody() throws StorageException {
        missing = true;
        open();
        assertEquals(1, name(known(5, "a", ORIGIN), known(7, "plain", null)));
        assertServedToNobody(5, "gone fishing");
        assertNotNull(sim.pool.volume("plain"), "others have nothing to do with that");
        missing = false;
        reopen();
        assertEquals(1, name(known(5, "a", ORIGIN), known(7, "plain", null)));
        assertArrayEquals(expected(5), contents("a"), "the next time it is there");
    }

    @Test
    void anotherImageInThePlaceOfTheOriginIsNotTaken() throws StorageException {
        golden = ThinPoolTest.bytes(3, 4 * BLOCK);
        open();
        assertEquals(0, name(known(5, "a", ORIGIN)));
        assertServedToNobody(5, "it is something else");
    }

    @Test
    void aNameThatIsTakenCostsTheVolumeThatWantsIt() throws StorageException {
        open();
        sim.create("taken", BLOCK).close();
        assertEquals(1, name(known(5, "taken", ORIGIN), known(6, "taken", null), known(7, "plain", null)));
        assertServedToNobody(5, "choose another name");
        assertNotNull(sim.pool.volume("thin-6"), "it has nothing that would be missing");
    }

    /** Nothing can be recorded: there is no data block for the list of names. */
    @Test
    void withoutRoomForNamesNobodySeesAVolumeWithoutItsOrigin() throws StorageException {
        open();
        ThinVolume hungry = sim.pool.openVolume("thin-7");
        hungry.close();
        fill();
        assertTrue(error(sim.pool.nameVolumes(List.of(known(5, "a", ORIGIN), known(7, "plain", null))))
                .getMessage()
                .contains("no free data block"));
        assertServedToNobody(5, "no free data block");
        assertNotNull(sim.pool.volume("thin-7"));
    }

    /** Lets the volumes that are there have all data blocks, without a name for any. */
    private void fill() throws StorageException {
        sim.shutDown();
        try (IoBufferPool buffers = new IoBufferPool(1 << 23)) {
            BlockingIo io = new BlockingIo(metadata, new InlineLoop(null, buffers));
            try (PoolMetadata pool = PoolMetadata.open(io, data, 256)) {
                for (long block = 100; pool.dataBlocksFree() > 0; block++) {
                    pool.insert(7, block, pool.reserveDataBlock());
                }
                pool.writer().writeNow(pool.freeze(), data);
                pool.committed();
            }
        }
        open();
    }

    private void assertServedToNobody(int id, String why) throws StorageException {
        assertNull(sim.pool.volume("a"));
        ThinVolume barred = sim.pool.openVolume("thin-" + id);
        byte[] before = data.readNow(0, 64 * BLOCK);
        assertNotEquals(Errno.OK, sim.write(barred, 0, new byte[512]));
        assertThrows(AssertionError.class, () -> sim.read(barred, 0, 512), "EIO, not zeros");
        barred.close();
        assertArrayEquals(before, data.readNow(0, 64 * BLOCK));
        StorageException refused = error(sim.pool.renameVolume("thin-" + id, "other"));
        assertTrue(refused.getMessage().contains(why), refused.getMessage());
    }
}
