package dev.gossamer.thin.offline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import dev.gossamer.io.sim.PowerSupply;
import dev.gossamer.io.sim.Seeds;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.pdata.MetadataCorrupt;
import dev.gossamer.pdata.block.BlockValidator;
import dev.gossamer.pdata.check.Damage;
import dev.gossamer.pdata.scan.BlockProof;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Leaks and wrong hints are set right in one transaction: after a power cut all of them are, or none (OT-24). */
final class OfflineFixTest {
    private static final long DISK_BYTES = 1 << 20;
    private static final int BLOCK = 4096;
    private static final int DATA_BLOCKS = 64;
    private static final int DATA_BITMAPS_ROOT = DATA_BLOCKS + 16;
    private static final int FIRST_INDEX_ENTRY = 32 + 8 * 168;
    private static final int BITMAP_HEADER = 16;
    private static final int NEEDS_CHECK_AT = 4;
    private static final int[] LEAKED = {15_000, 15_001, 16_000};

    /** A pool with three leaked data blocks and a wrong number of allocated ones. */
    private static SimulatedDisk leakingPool() throws IOException {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        try (OfflineDisk target = new OfflineDisk(disk)) {
            new OutputDevice(target.io, warning -> {}).write(sink -> {
                sink.beginPool(new PoolSink.Pool(1, 7, false, 2, 128, 16_320));
                sink.beginDevice(new PoolSink.Device(3, 500, 0, 0, 0));
                sink.mapping(10, 100, 500, 0);
                sink.endDevice();
                sink.endPool();
            });
        }
        ByteBuffer superblock = block(disk, 0);
        long index = superblock.getLong(DATA_BITMAPS_ROOT);
        long bitmap = block(disk, index).getLong(FIRST_INDEX_ENTRY);
        ByteBuffer bits = block(disk, bitmap);
        for (int leaked : LEAKED) {
            int at = BITMAP_HEADER + leaked / 4;
            bits.put(at, (byte) (bits.get(at) | (2 << (leaked % 4 * 2))));
        }
        write(disk, bitmap, bits, BlockValidator.BITMAP);
        superblock.putInt(NEEDS_CHECK_AT, 1);
        write(disk, 0, superblock, BlockValidator.SUPERBLOCK);
        return disk;
    }

    private static ByteBuffer block(SimulatedDisk disk, long location) {
        return ByteBuffer.wrap(disk.readNow(location * BLOCK, BLOCK)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void write(SimulatedDisk disk, long location, ByteBuffer block, BlockValidator kind) {
        new BlockProof().seal(block, 0, location, kind);
        byte[] bytes = new byte[BLOCK];
        block.get(0, bytes);
        disk.writeNow(location * BLOCK, bytes);
    }

    @Test
    void leaksAndHintsAreSetRightAndNothingElseChanges() throws Exception {
        try (OfflineDisk pool = new OfflineDisk(leakingPool())) {
            String before = pool.flatXml();
            OfflineCheck.Report report = pool.check();
            assertEquals(Damage.Severity.LEAK, report.worst());

            OfflineFix.fix(pool.io, report, true);

            OfflineCheck.Report after = pool.check();
            assertEquals(List.of(), after.damage());
            assertFalse(after.superblock().needsCheck());
            assertEquals(before.replace(" flags=\"1\"", ""), pool.flatXml());
        }
    }

    @Test
    void aPowerCutLeavesAllOfItOrNothing() throws Exception {
        SimulatedDisk leaking = leakingPool();
        boolean finished = false;
        int fixed = 0;
        for (int cut = 0; !finished; cut++) {
            for (int crash = 0; crash < 3; crash++) {
                PowerSupply power = new PowerSupply();
                SimulatedDisk disk = leaking.copy(power);
                try (OfflineDisk pool = new OfflineDisk(disk)) {
                    OfflineCheck.Report report = pool.check();
                    power.cutAfter(cut);
                    finished = tryFix(pool, report);
                    power.restore();
                    disk.crash(Seeds.splittable(cut * 10L + crash));

                    int left = pool.check().damage().size();
                    assertTrue(left == 0 || (left == report.damage().size() && !finished), "cut after " + cut);
                    fixed += left == 0 ? 1 : 0;
                }
            }
        }
        assertTrue(fixed > 0);
    }

    private static boolean tryFix(OfflineDisk pool, OfflineCheck.Report report) {
        try {
            OfflineFix.fix(pool.io, report, false);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void clearingTheFlagChangesTheFlagAlone() throws Exception {
        SimulatedDisk disk = leakingPool();
        try (OfflineDisk pool = new OfflineDisk(disk)) {
            byte[] before = disk.readNow(0, (int) DISK_BYTES);

            OfflineFix.clearNeedsCheck(pool.io);

            byte[] after = disk.readNow(0, (int) DISK_BYTES);
            for (int i = 8; i < before.length; i++) {
                assertEquals(before[i], after[i]);
            }
            assertEquals(0, after[NEEDS_CHECK_AT]);
            assertEquals(Damage.Severity.LEAK, pool.check().worst());
        }
    }

    @Test
    void aForgedNumberOfDataBlocksIsRefusedAndNothingIsWritten() throws Exception {
        SimulatedDisk disk = leakingPool();
        ByteBuffer superblock = block(disk, 0);
        superblock.putLong(DATA_BLOCKS, 1L << 40);
        write(disk, 0, superblock, BlockValidator.SUPERBLOCK);
        byte[] before = disk.readNow(0, (int) DISK_BYTES);
        try (OfflineDisk pool = new OfflineDisk(disk)) {
            OfflineCheck.Report report = pool.check();
            String message = assertThrows(MetadataCorrupt.class, () -> OfflineFix.fix(pool.io, report, true))
                    .getMessage();
            assertTrue(message.contains("1099511627776 blocks") && message.contains("gossamer repair"), message);
            assertArrayEquals(before, disk.readNow(0, (int) DISK_BYTES));
        }
    }

    @Test
    void aSuperblockThatIsNoneIsNotTouched() {
        SimulatedDisk disk = new SimulatedDisk(DISK_BYTES);
        try (OfflineDisk pool = new OfflineDisk(disk)) {
            assertThrows(StorageException.class, () -> OfflineFix.clearNeedsCheck(pool.io));
            assertEquals(0, disk.readNow(NEEDS_CHECK_AT, 4)[0]);
        }
    }
}
