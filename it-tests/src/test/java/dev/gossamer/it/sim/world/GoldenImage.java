package dev.gossamer.it.sim.world;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.sim.ForwardingDevice;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.it.sim.judge.Content;

/** An external origin, the same for all volumes that have one: somewhat more than nine blocks that nobody changes. */
public final class GoldenImage {
    /** By which a pool finds it again. */
    public static final String LOCATION = "/images/golden";

    private static final SimulatedDisk DISK = make();

    private GoldenImage() {}

    private static SimulatedDisk make() {
        SimulatedDisk disk = new SimulatedDisk((long) Content.ORIGIN_SECTORS * Content.SECTOR_BYTES);
        disk.writeNow(0, Content.of(Content.ORIGIN_STAMP, 0, Content.ORIGIN_SECTORS));
        disk.setReadOnly(true);
        return disk;
    }

    /** For a pool, which closes it. */
    public static BlockDevice open() {
        return new ForwardingDevice(DISK) {
            @Override
            public String toString() {
                return LOCATION;
            }
        };
    }
}
