package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.rate.IoRates;
import dev.gossamer.io.rate.RateTurn;
import dev.gossamer.io.sim.SimulatedDisk;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whose a volume's rates are, and for how long. */
class VolumeRatesTest {
    private static final int BLOCK = SimPool.BLOCK;
    private static final long VOLUME = 64L * BLOCK;
    private static final IoRates SOME = new IoRates(100, 0, 50, 1 << 20, 0, 0, 500);

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(100L * BLOCK);
    private SimPool sim;

    @BeforeEach
    void open() throws StorageException {
        SimPool.format(metadata, data);
        sim = SimPool.open(metadata, data, 1, 2);
    }

    @AfterEach
    void close() throws StorageException {
        sim.shutDown();
        SimPool.assertSound(metadata, "after the test");
    }

    private IoRates of(String name) {
        return sim.pool.volume(name).rates();
    }

    @Test
    void theyAreKeptAndFollowTheVolumeAndNoOtherHasThem() throws StorageException {
        ThinVolume volume = sim.create("v", VOLUME);
        assertEquals(Errno.OK, sim.write(volume, 0, new byte[BLOCK]));
        assertEquals(SOME, sim.await(sim.pool.rateVolume("v", SOME)).rates());
        sim.snapshot("v", "before").close();
        assertEquals(IoRates.NONE, of("before"), "a snapshot is somebody else's, a backup's perhaps");
        sim.await(sim.pool.renameVolume("v", "w"));
        assertEquals(SOME, of("w"));
        volume.close();
        sim.await(sim.pool.rollBack("w", "before", "after"));
        assertEquals(SOME, of("w"), "contents go back, not what clients may do");
        assertEquals(IoRates.NONE, of("after"));
        sim.shutDown();
        sim = SimPool.open(metadata, data, 2, 2);
        assertEquals(SOME, of("w"), "kept in the catalog");
        try (ThinVolume again = sim.pool.openVolume("w")) {
            assertTrue(again.rates().isLimited());
        }
        sim.await(sim.pool.limitVolume("w", sim.pool.volume("w").limits()));
        assertEquals(SOME, of("w"), "limits of space are another matter");
    }

    /** One gate for all handles on all loops, and it hears of a change at once. */
    @Test
    void openHandlesShareThemAndAChangeHoldsAtOnce() throws StorageException {
        ThinVolume one = sim.create("v", VOLUME);
        ThinVolume other = sim.pool.openVolume("v");
        assertFalse(one.rates().isLimited());
        sim.await(sim.pool.rateVolume("v", new IoRates(1, 0, 0, 0, 0, 0, 0)));
        RateTurn first = new RateTurn(one.rates(), sim.loops.loop(0), () -> {});
        RateTurn second = new RateTurn(other.rates(), sim.loops.loop(1), () -> {});
        assertTrue(first.mayGo(true, BLOCK));
        assertFalse(second.mayGo(false, BLOCK), "the volume's one of this second was the other handle's");
        assertEquals(1, sim.pool.volume("v").rateWaits().waiting());
        sim.await(sim.pool.rateVolume("v", IoRates.NONE));
        assertFalse(second.isWaiting());
        assertFalse(other.rates().isLimited());
        one.close();
        other.close();
    }

    @Test
    void whatCannotBeIsRefusedAndChangesNothing() throws StorageException {
        sim.create("v", VOLUME).close();
        sim.await(sim.pool.rateVolume("v", SOME));
        StorageException refused = assertThrows(
                StorageException.class, () -> sim.await(sim.pool.rateVolume("v", new IoRates(0, 0, 0, 100, 0, 0, 0))));
        assertEquals(Errno.EINVAL, refused.errno());
        assertEquals(SOME, of("v"));
        refused = assertThrows(StorageException.class, () -> sim.await(sim.pool.rateVolume("nobody", SOME)));
        assertEquals(Errno.ENOENT, refused.errno());
    }
}
