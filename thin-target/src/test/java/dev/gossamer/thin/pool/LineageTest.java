package dev.gossamer.thin.pool;

import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.thin.VolumeSpec;
import org.junit.jupiter.api.Test;

/** Whose differences are asked for are relatives, also when the volume that they come from is deleted. */
class LineageTest {
    private static final int VOLUME = 8 * SimPool.BLOCK;

    private final SimulatedDisk metadata = new SimulatedDisk(1 << 20);
    private final SimulatedDisk data = new SimulatedDisk(64L * SimPool.BLOCK);
    private final SimulatedDisk one = new SimulatedDisk(VOLUME);
    private final SimulatedDisk two = new SimulatedDisk(VOLUME);

    /** Two volumes had one id after the other, over different disks: a backup would miss all that differs below. */
    @Test
    void twoDeletedVolumesOfOneIdOverDifferentDisksAreNoRelatives() throws Exception {
        byte[] contents = new byte[VOLUME];
        contents[0] = 1;
        two.writeNow(0, contents);
        SimPool.format(metadata, data);
        SimPool sim =
                SimPool.open(metadata, data, 1, 2, SimPool.OPTIONS, location -> location.endsWith("one") ? one : two);
        sim.await(sim.pool.createVolumeOver(new VolumeSpec("vm", VOLUME), "/one", one));
        sim.await(sim.pool.createSnapshot("vm", "monday", true));
        sim.await(sim.pool.createSnapshot("vm", "noon", true));
        int id = sim.pool.volume("monday").id();
        sim.await(sim.pool.deleteVolume("vm"));
        sim.await(sim.pool.createVolumeOver(new VolumeSpec("vm", VOLUME), "/two", two));
        sim.await(sim.pool.createSnapshot("vm", "tuesday", true));
        sim.await(sim.pool.deleteVolume("vm"));
        assertNull(sim.pool.statusContexts().resolve("tuesday", "qemu:dirty-bitmap:monday"));
        assertNull(sim.pool.statusContexts().resolve("tuesday", "qemu:dirty-bitmap:#" + id));
        assertNotNull(sim.pool.statusContexts().resolve("noon", "qemu:dirty-bitmap:monday"), "a real relative");
        sim.close();
    }
}
