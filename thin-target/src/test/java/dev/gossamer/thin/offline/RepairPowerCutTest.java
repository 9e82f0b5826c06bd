package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.scan.RegionReader;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A power cut at every write of a repair over another pool: the input stays, the output is no pool or a whole one. */
final class RepairPowerCutTest {
    private static final int DISK_BYTES = 2 << 20;
    private static final int CRASHES = 6;

    private static SimulatedDisk holding(int seed) throws IOException {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        try (OfflineDisk target = new OfflineDisk(disk)) {
            new OutputDevice(target.io, warning -> {}).write(new RandomPool(Seeds.splittable(seed)));
        }
        return disk;
    }

    /** A pool whose details cannot be read any more. */
    private static SimulatedDisk damaged() throws IOException {
        SimulatedDisk disk = holding(2);
        MetadataImage image = new MetadataImage(disk.readNow(0, DISK_BYTES));
        image.flip(image.word(0, MetadataImage.DETAILS_ROOT), 100);
        disk.writeNow(0, image.toBytes());
        return disk;
    }

    private static boolean repair(SimulatedDisk input, OfflineDisk output) {
        try (OfflineDisk source = new OfflineDisk(input);
                RegionReader feed = source.feed()) {
            RepairSearch search =
                    new RepairSearch(new MetadataSource("input", feed), new RepairSettings(null, null, null));
            RepairCandidate best = search.best();
            new OutputDevice(output.io, warning -> {}).write(sink -> search.tell(best, sink));
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void aPowerCutLeavesNoPoolOrAWholeOne() throws IOException {
        SimulatedDisk input = damaged();
        byte[] untouched = input.readNow(0, DISK_BYTES);
        SimulatedDisk old = holding(1);
        String before;
        String repaired;
        try (OfflineDisk first = new OfflineDisk(old);
                OfflineDisk whole = new OfflineDisk(old.copy(new PowerSupply()))) {
            before = first.flatXml();
            assertTrue(repair(input, whole));
            repaired = whole.flatXml();
        }
        assertFalse(repaired.equals(before));
        int none = 0;
        boolean finished = false;
        for (int cut = 0; !finished; cut++) {
            for (int crash = 0; crash < CRASHES; crash++) {
                PowerSupply power = new PowerSupply();
                SimulatedDisk disk = old.copy(power);
                power.cutAfter(cut);
                try (OfflineDisk output = new OfflineDisk(disk)) {
                    finished = repair(input, output);
                    power.restore();
                    disk.crash(Seeds.splittable(cut * 100L + crash));
                    assertArrayEquals(untouched, input.readNow(0, DISK_BYTES), "the input");
                    if (output.hasPool()) {
                        assertEquals(List.of(), output.check().damage(), "cut after " + cut);
                        String found = output.flatXml();
                        // Before the first flush the old one may still be there, untouched.
                        assertTrue(found.equals(repaired) || (cut < 2 && found.equals(before)), "cut after " + cut);
                    } else {
                        assertFalse(finished, "the superblock is not stable at the end");
                        none++;
                    }
                }
            }
        }
        assertTrue(none > CRASHES, none + " cuts left no pool");
    }
}
