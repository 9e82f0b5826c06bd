package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.VolumeInfo;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes of any number of sectors, and what a volume that was smaller for a while holds: nothing behind its end. */
class ShrinkAndGrowTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final int BLOCKS = 40;
    private static final long FULL = (long) BLOCKS * BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(400 * 4096);
    private final SimulatedDisk data = new SimulatedDisk(200L * BLOCK);
    private SimPool sim;
    private ThinVolume volume;

    @BeforeEach
    void fillAVolume() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 5, 2);
        volume = sim.create("v", FULL);
        assertEquals(Errno.OK, sim.write(volume, 0, filled((int) FULL)));
        assertEquals(Errno.OK, sim.flush(volume));
    }

    @AfterEach
    void thePoolIsSound() throws StorageException {
        sim.loops.runUntilIdle();
        assertEquals(0, sim.inUse());
        sim.close();
        SimPool.assertSound(metadata, "after the test");
    }

    private static byte[] filled(int bytes) {
        byte[] data = new byte[bytes];
        Arrays.fill(data, (byte) 7);
        return data;
    }

    private VolumeInfo resize(long bytes) throws StorageException {
        return sim.await(sim.pool.resizeVolume("v", bytes, true));
    }

    /** At a block's end, in a block, in a sector of the data device. */
    @ParameterizedTest
    @ValueSource(longs = {10L * BLOCK, 10L * BLOCK + 8192, 10L * BLOCK + 512, 512})
    void whatWasCutOffIsGivenBackAndReadsAsZeros(long end) throws StorageException {
        long blocksLeft = Math.ceilDiv(end, BLOCK);
        assertEquals(blocksLeft * BLOCK, resize(end).mappedBytes(), "space is given back at once");
        assertEquals(Errno.EINVAL, sim.write(volume, end, new byte[512]));
        assertArrayEquals(filled((int) end), sim.read(volume, 0, (int) end));
        resize(FULL);
        assertArrayEquals(filled((int) end), sim.read(volume, 0, (int) end));
        assertArrayEquals(new byte[(int) (FULL - end)], sim.read(volume, end, (int) (FULL - end)));
    }

    /** The zeros are there before the size is: whenever the power fails, nothing that was cut off comes back. */
    @Test
    void aPowerCutAfterTheGrowthShowsZeros() throws StorageException {
        long end = 10L * BLOCK + 512;
        resize(end);
        resize(FULL);
        volume.close();
        sim.close();
        metadata.crashLosingAll();
        data.crashLosingAll();
        sim = SimPool.open(metadata, data, 6, 2);
        volume = sim.pool.openVolume("v");
        assertEquals(FULL, volume.sizeBytes());
        assertArrayEquals(new byte[(int) (FULL - end)], sim.read(volume, end, (int) (FULL - end)));
    }

    /** A snapshot keeps what the volume gives up, the rest of its last block too. */
    @Test
    void aSnapshotKeepsWhatWasThere() throws StorageException {
        sim.await(sim.pool.createSnapshot("v", "s", false));
        resize(10L * BLOCK + 4096);
        resize(FULL);
        ThinVolume snapshot = sim.pool.openVolume("s");
        assertArrayEquals(filled((int) FULL), sim.read(snapshot, 0, (int) FULL));
        snapshot.close();
    }

    @Test
    void whatIsLostIsSaidWhileSomebodyIsConnected() {
        StorageException refusal =
                assertThrows(StorageException.class, () -> sim.await(sim.pool.resizeVolume("v", BLOCK, false)));
        assertTrue(refusal.getMessage().contains("up to " + (FULL - BLOCK) + " bytes"), refusal.getMessage());
        assertTrue(refusal.getMessage().contains("1 connection(s)"), refusal.getMessage());
    }

    @ParameterizedTest
    @ValueSource(longs = {512, 4096 - 512, BLOCK - 512, BLOCK + 512, 8L * BLOCK - 512})
    void sizesAreAnyNumberOfSectors(long bytes) throws StorageException {
        ThinVolume odd = sim.create("odd", bytes);
        assertEquals(bytes, odd.sizeBytes());
        assertEquals(Errno.OK, sim.write(odd, bytes - 512, filled(512)));
        assertEquals(Errno.EINVAL, sim.write(odd, bytes - 511, filled(512)));
        assertArrayEquals(filled(512), sim.read(odd, bytes - 512, 512));
        assertEquals(Errno.OK, sim.write(odd, 0, filled((int) bytes)));
        assertArrayEquals(filled((int) bytes), sim.read(odd, 0, (int) bytes));
        assertEquals(Errno.OK, sim.zero(odd, 0, bytes, 0));
        assertArrayEquals(new byte[(int) bytes], sim.read(odd, 0, (int) bytes));
        odd.close();
        assertThrows(StorageException.class, () -> sim.await(sim.pool.resizeVolume("odd", bytes + 1, false)));
    }

    /** The last sector of a volume that ends in one is not trimmed by what ends before it (NBD T37a). */
    @Test
    void trimsThatDoNotReachTheEndLeaveTheLastSector() throws StorageException {
        ThinVolume odd = sim.create("odd", BLOCK + 3584);
        byte[] last = filled(3584);
        assertEquals(Errno.OK, sim.write(odd, BLOCK, last));
        sim.trim(odd, BLOCK, 512);
        assertArrayEquals(last, sim.read(odd, BLOCK, 3584));
        ThinVolume longer = sim.create("longer", 2L * BLOCK - 512);
        assertEquals(Errno.OK, sim.write(longer, BLOCK, filled(BLOCK - 512)));
        // Two pieces that together cover all but what follows the last whole sector.
        sim.trim(longer, BLOCK, BLOCK / 2);
        sim.trim(longer, BLOCK + BLOCK / 2, BLOCK / 2 - 4096);
        assertArrayEquals(filled(3584), sim.read(longer, 2L * BLOCK - 4096, 3584), "never trimmed");
        sim.trim(longer, 2L * BLOCK - 8192, 8192 - 512);
        assertEquals(0, longer.info().mappedBytes(), "all of it was trimmed");
        odd.close();
        longer.close();
    }
}
