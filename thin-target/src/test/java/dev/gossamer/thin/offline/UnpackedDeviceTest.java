package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Unpacking over a device that had a pool (OT-36): at every cut there is no valid superblock, or the whole pool. */
final class UnpackedDeviceTest {
    private static final int DISK_BYTES = 2 << 20;

    private static SimulatedDisk holding(int seed) throws IOException {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        try (OfflineDisk target = new OfflineDisk(disk)) {
            new OutputDevice(target.io, warning -> {}).write(new RandomPool(Seeds.splittable(seed)));
        }
        return disk;
    }

    private static String contents(SimulatedDisk disk) throws IOException {
        try (OfflineDisk device = new OfflineDisk(disk)) {
            return device.flatXml();
        }
    }

    private static byte[] packOf(SimulatedDisk disk) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        new PackWriter(new MemoryFeed(disk.readNow(0, DISK_BYTES)), false, packed, (location, reason) -> {}).write();
        return packed.toByteArray();
    }

    private static boolean unpack(OfflineDisk target, byte[] pack) {
        try {
            new UnpackedDevice(target.io, DISK_BYTES / 4096)
                    .write(blocks -> new PackReader(new ByteArrayInputStream(pack)).read(blocks), false);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aPowerCutLeavesNoPoolOrAWholeOne() throws IOException {
        SimulatedDisk before = holding(1);
        SimulatedDisk packed = holding(2);
        byte[] pack = packOf(packed);
        List<String> possible = List.of(contents(before), contents(packed));
        int[] found = new int[2];
        boolean finished = false;
        for (int cut = 0; !finished; cut++) {
            for (int crash = 0; crash < 12; crash++) {
                PowerSupply power = new PowerSupply();
                SimulatedDisk disk = before.copy(power);
                power.cutAfter(cut);
                try (OfflineDisk target = new OfflineDisk(disk)) {
                    finished = unpack(target, pack);
                    power.restore();
                    disk.crash(Seeds.splittable(cut * 100L + crash));
                    if (target.hasPool()) {
                        assertEquals(List.of(), target.check().damage(), "cut after " + cut);
                        int which = possible.indexOf(target.flatXml());
                        assertTrue(which >= 0, "cut after " + cut + ": neither pool is whole");
                        found[which]++;
                    } else {
                        assertFalse(finished, "the superblock is not stable at the end");
                    }
                }
            }
        }
        assertTrue(found[0] > 0 && found[1] > 0, "both ends were seen");
    }
}
