package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is built of random pools, and what a power cut leaves of it (OT-36, OT-39). */
final class OutputDeviceTest {
    private static final long DISK_BYTES = 4 << 20;
    private static final int POOLS = 150;

    private static void write(OfflineDisk target, OutputDevice.Source pool) throws IOException {
        new OutputDevice(target.io, warning -> {}).write(pool);
    }

    @Test
    void randomPoolsComeBackAsTheyWereTold() throws Exception {
        for (int story = 0; story < POOLS; story++) {
            RandomPool pool = new RandomPool(Seeds.splittable(story));
            try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(DISK_BYTES))) {
                write(target, pool);

                assertEquals(List.of(), target.check().damage(), "story " + story);
                assertEquals(pool.flatXml(), target.flatXml(), "story " + story);
            }
        }
    }

    @Test
    void theSizeThatIsNeededIsNeverMoreThanWhatIsSaid() throws Exception {
        for (int story = 0; story < POOLS; story++) {
            RandomPool pool = new RandomPool(Seeds.splittable(story));
            PoolSizing sizing = new PoolSizing();
            pool.tell(sizing);
            try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(sizing.blocks() * 4096))) {
                write(target, pool);
                assertEquals(List.of(), target.check().damage(), "story " + story);
            }
        }
    }

    @Test
    void xmlOfEitherKindMakesTheSamePool() throws Exception {
        for (int story = 0; story < POOLS / 5; story++) {
            RandomPool pool = new RandomPool(Seeds.splittable(story));
            ByteArrayOutputStream shared = new ByteArrayOutputStream();
            pool.tell(new XmlSink(shared, Compat.V1));
            for (byte[] xml : List.of(shared.toByteArray(), pool.flatXml().getBytes(StandardCharsets.US_ASCII))) {
                try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(DISK_BYTES))) {
                    write(target, sink -> new XmlPool(new ByteArrayInputStream(xml), sink).read());
                    assertEquals(pool.flatXml(), target.flatXml(), "story " + story);
                }
            }
        }
    }

    @Test
    void whatIsDumpedWithItsSharingMakesTheSamePool() throws Exception {
        for (int story = 0; story < POOLS; story++) {
            RandomPool pool = new RandomPool(Seeds.splittable(story));
            try (OfflineDisk first = new OfflineDisk(new SimulatedDisk(DISK_BYTES));
                    OfflineDisk second = new OfflineDisk(new SimulatedDisk(DISK_BYTES))) {
                write(first, pool);
                byte[] xml = first.xml(true).getBytes(StandardCharsets.US_ASCII);

                write(second, sink -> new XmlPool(new ByteArrayInputStream(xml), sink).read());

                assertEquals(pool.flatXml(), second.flatXml(), "story " + story);
            }
        }
    }

    @Test
    void aDeviceThatIsTooSmallIsRefusedWithTheSizeThatItNeeds() throws Exception {
        try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(8 * 4096))) {
            StorageException refused =
                    assertThrows(StorageException.class, () -> write(target, new RandomPool(Seeds.splittable(3))));

            assertEquals(Errno.ENOSPC, refused.errno());
            assertTrue(refused.getMessage().contains("the pool needs at least"), refused.getMessage());
            assertFalse(target.hasPool());
        }
    }

    /** Every cut, over a device that had a pool: no valid superblock, or the whole pool. */
    @Test
    void aPowerCutLeavesNoPoolOrAWholeOne() throws Exception {
        RandomPool before = new RandomPool(Seeds.splittable(1));
        RandomPool pool = new RandomPool(Seeds.splittable(2));
        SimulatedDisk old = new SimulatedDisk(DISK_BYTES);
        try (OfflineDisk target = new OfflineDisk(old)) {
            write(target, before);
        }
        int whole = 0;
        boolean finished = false;
        for (int cut = 0; !finished; cut++) {
            for (int crash = 0; crash < 12; crash++) {
                PowerSupply power = new PowerSupply();
                SimulatedDisk disk = old.copy(power);
                power.cutAfter(cut);
                try (OfflineDisk target = new OfflineDisk(disk)) {
                    finished = tryWrite(target, pool);
                    power.restore();
                    disk.crash(Seeds.splittable(cut * 100L + crash));
                    if (target.hasPool()) {
                        String found = target.flatXml();
                        assertEquals(List.of(), target.check().damage(), "cut after " + cut);
                        // Before the first flush the old one may still be there, untouched.
                        assertTrue(
                                found.equals(pool.flatXml()) || (cut < 2 && found.equals(before.flatXml())),
                                "cut after " + cut);
                        whole++;
                    } else {
                        assertFalse(finished, "the superblock is not stable at the end");
                    }
                }
            }
        }
        assertTrue(whole > 0);
    }

    private static boolean tryWrite(OfflineDisk target, RandomPool pool) {
        try {
            write(target, pool);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** A pool that has not come to a time of its devices or mappings would not know what they share. */
    @Test
    void thePoolIsOfTheLatestTimeOfAll() throws Exception {
        for (int[] times : new int[][] {{7, 2, 3}, {2, 7, 3}, {2, 3, 7}}) {
            String xml =
                    "<superblock uuid=\"\" time=\"1\" transaction=\"9\" data_block_size=\"128\" nr_data_blocks=\"9\">"
                            + "<device dev_id=\"1\" mapped_blocks=\"1\" transaction=\"3\" creation_time=\"" + times[0]
                            + "\" snap_time=\"" + times[1]
                            + "\"><single_mapping origin_block=\"1\" data_block=\"1\" time=\""
                            + times[2] + "\"/></device></superblock>";
            byte[] bytes = xml.getBytes(StandardCharsets.US_ASCII);
            List<String> warnings = new ArrayList<>();
            try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(DISK_BYTES))) {
                new OutputDevice(target.io, warnings::add)
                        .write(sink -> new XmlPool(new ByteArrayInputStream(bytes), sink).read());
                assertEquals(List.of(), target.check().damage());
                assertEquals(7, target.check().superblock().time());
                assertEquals(1, warnings.size(), warnings::toString);
            }
        }
    }

    @Test
    void anErrorOfTheSourceLeavesNoPool() throws Exception {
        try (OfflineDisk target = new OfflineDisk(new SimulatedDisk(DISK_BYTES))) {
            write(target, new RandomPool(Seeds.splittable(4)));
            byte[] cutShort = "<superblock uuid=\"\" time=\"0\" transaction=\"0\" data_block_size=\"128\" "
                    .concat("nr_data_blocks=\"10\">\n  <device")
                    .getBytes(StandardCharsets.US_ASCII);

            BadPool refused = assertThrows(
                    BadPool.class,
                    () -> write(target, sink -> new XmlPool(new ByteArrayInputStream(cutShort), sink).read()));

            assertTrue(refused.getMessage().startsWith("line 2, column 9: "), refused.getMessage());
            assertFalse(target.hasPool());
        }
    }
}
