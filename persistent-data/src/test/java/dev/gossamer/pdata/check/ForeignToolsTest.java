package dev.gossamer.pdata.check;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What we write, judged by Debian's thin-provisioning-tools. They must be installed: there is no skipping. */
final class ForeignToolsTest {
    @TempDir
    Path directory;

    @Test
    void thinCheckAcceptsAPoolOfRandomDevicesAndSnapshotsAndThinDumpReadsTheSameMappings() throws Exception {
        SplittableRandom random = Seeds.splittable(1);
        SimulatedDisk disk = new SimulatedDisk(16 << 20);
        try (TestPool pool = TestPool.format(disk, 40_000, 256)) {
            pool.createDevice(1);
            pool.createDevice(7);
            for (int i = 0; i < 5000; i++) {
                pool.provision(1, random.nextLong(100_000));
                pool.provision(7, i);
            }
            pool.snapshot(1, 2);
            pool.commit();
            for (int i = 0; i < 3000; i++) {
                pool.provision(1 + i % 2, random.nextLong(100_000));
            }
            pool.snapshot(2, 3);
            pool.snapshot(1, 0xFFFFFF);
            pool.commit();
            for (int i = 0; i < 1000; i++) {
                pool.provision(3, random.nextLong(100_000));
            }
            pool.discard(2, 20_000, 60_000);
            pool.discard(7, 100, 4900);
            pool.deleteDevice(1);
            pool.commit();
            judge(disk, pool);
        }
    }

    @Test
    void thinCheckAcceptsAPoolWithAMetadataSnapshotAndAfterItsRelease() throws Exception {
        SplittableRandom random = Seeds.splittable(2);
        SimulatedDisk disk = new SimulatedDisk(8 << 20);
        try (TestPool pool = TestPool.format(disk, 20_000, 256)) {
            for (int id = 0; id < 400; id++) {
                pool.createDevice(id);
                pool.provision(id, id);
            }
            for (int i = 0; i < 2000; i++) {
                pool.provision(5, random.nextLong(10_000));
            }
            pool.reserveHeld();
            for (int i = 0; i < 1000; i++) {
                pool.provision(random.nextLong(400), random.nextLong(10_000));
            }
            pool.deleteDevice(5);
            pool.snapshot(6, 1000);
            pool.commit();
            judge(disk, pool);
            pool.releaseHeld();
            judge(disk, pool);
        }
    }

    @Test
    void thinCheckAcceptsAPoolAfterBothSpaceMapsHaveGrown() throws Exception {
        SimulatedDisk disk = new SimulatedDisk(1 << 20);
        try (TestPool pool = TestPool.format(disk, 1000, 256)) {
            pool.createDevice(1);
            for (int i = 0; i < 900; i++) {
                pool.provision(1, i);
            }
            pool.commit();
            disk.resize(200L << 20);
            pool.blocks.grow((200L << 20) / 4096);
            pool.metadataMap.extend((200L << 20) / 4096);
            pool.dataMap.extend(3_000_000);
            for (int i = 0; i < 9000; i++) {
                pool.provision(1, 1000 + i * 3L);
            }
            pool.commit();
            judge(disk, pool);
        }
    }

    private void judge(SimulatedDisk disk, TestPool pool) throws Exception {
        assertEquals(List.of(), pool.damage());
        Map<Long, Map<Long, Long>> expected = pool.allMappings();
        Path image = directory.resolve("metadata");
        disk.save(image);
        assertEquals("", run(0, "thin_check", "-q", image.toString()));
        String dump = run(0, "thin_dump", image.toString());
        assertEquals(expected, ThinDump.parse(dump).mappings());
    }

    private static String run(int expectedStatus, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(expectedStatus, process.waitFor(), () -> String.join(" ", command) + ": " + output);
        return output;
    }
}
