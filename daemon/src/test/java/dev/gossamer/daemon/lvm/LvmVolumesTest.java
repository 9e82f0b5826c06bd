package dev.gossamer.daemon.lvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.cli.GossamerCommand;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.posix.OpenOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A thin pool of LVM's on two files (fixture {@code lvm-pool}): opened, checked against its text, adopted. */
final class LvmVolumesTest {
    private static final String ID = "Ctf1Fedn2YjjohWSNJbIz9ZVxip8wCgk";

    @TempDir
    private Path scratch;

    private LvmDisks disks;
    private Path a;
    private Path b;

    @BeforeEach
    void unpack() throws IOException {
        disks = new LvmDisks(scratch);
        a = disks.first();
        b = disks.second();
    }

    private LvmName name(String volume) throws StorageException {
        return LvmName.of("group/" + volume, List.of(a.toString(), b.toString()), false, false);
    }

    private static LvmVolumes volumes() {
        return new LvmVolumes(KernelDevices.SYSTEM);
    }

    private String refusedAdoption(LvmName pool) throws IOException {
        return refusedAdoption(pool, Map.of());
    }

    private String refusedAdoption(LvmName pool, Map<String, String> origins) throws IOException {
        byte[] before = Files.readAllBytes(a);
        PoolDirectory directory = new PoolDirectory(scratch.resolve("pool"));
        String message = assertThrows(StorageException.class, () -> PoolCreation.adopt(directory, pool, origins, true))
                .getMessage();
        assertTrue(Files.notExists(directory.path()), "no trace is left");
        assertArrayEquals(before, Files.readAllBytes(a), "nothing is written");
        return message;
    }

    @Test
    void metadataAndDataShareTheirDevices() throws IOException {
        LvmVolumes volumes = volumes();
        OpenOptions options = new OpenOptions(false, true);
        BlockDevice metadata = volumes.open(name("pool"), options);
        BlockDevice data = volumes.open(name("pool_tdata"), options);
        assertEquals(4L << 20, metadata.sizeBytes());
        assertEquals(48L << 20, data.sizeBytes());
        StorageException busy =
                assertThrows(StorageException.class, () -> volumes().open(name("pool"), options));
        assertEquals(Errno.EBUSY, busy.errno());
        metadata.close();
        assertThrows(StorageException.class, () -> volumes().open(name("pool"), options), "the data is still open");
        data.close();
        volumes().open(name("pool"), options).close();
    }

    @Test
    void whatCannotBeOpenedLeavesNothingOpen() throws IOException {
        LvmVolumes volumes = volumes();
        OpenOptions options = new OpenOptions(false, true);
        try (BlockDevice lock = volumes().open(name("lvol0_pmspare"), options)) {
            assertEquals(4L << 20, lock.sizeBytes());
            assertThrows(StorageException.class, () -> volumes.open(name("pool_tdata"), options));
        }
        volumes().open(name("pool_tdata"), options).close();
    }

    @Test
    void anActivePoolIsRefused() throws IOException {
        OpenOptions options = new OpenOptions(false, true);
        for (String volume : List.of("5bpchK47hb84FqZscQvGaifjvUFuYazP-tpool", "ok2XDQjnMi1tFbehxcoEap9qj1Wb6cYp")) {
            LvmVolumes active = new LvmVolumes(new FakeKernel(scratch.resolve(volume))
                    .mapped("dm-3", "LVM-" + ID + volume)
                    .devices());
            for (String name : List.of("pool", "pool_tdata", "pool_tmeta")) {
                StorageException refused =
                        assertThrows(StorageException.class, () -> active.open(name(name), options), name);
                assertEquals(Errno.EBUSY, refused.errno());
                assertEquals("group/pool is active; run lvchange -an group/pool", refused.getMessage());
            }
            active.open(name("pool"), new OpenOptions(true, true, OpenOptions.Others.ANY))
                    .close();
        }
    }

    @Test
    void aFileThatALoopDeviceHasIsRefused() throws IOException {
        LvmVolumes looped = new LvmVolumes(
                new FakeKernel(scratch.resolve("kernel")).loop("loop7", b).devices());
        String refused = assertThrows(
                        StorageException.class, () -> looped.open(name("pool"), new OpenOptions(false, true)))
                .getMessage();
        assertTrue(refused.contains("losetup -d") && refused.contains("loop7"), refused);
    }

    @Test
    void aPoolIsAdoptedByItsName() throws IOException {
        PoolDirectory directory = new PoolDirectory(scratch.resolve("pool"));
        PoolCreation.adopt(directory, name("pool"), Map.of(), true);
        PoolConfig config = PoolConfig.read(directory.config());
        assertEquals("lvm:group/pool_tmeta?pv=" + a + "&pv=" + b, config.metadata());
        assertEquals("lvm:group/pool_tdata?pv=" + a + "&pv=" + b, config.data());
    }

    @Test
    void whatIsNoPoolIsNotAdopted() throws IOException {
        assertTrue(refusedAdoption(name("one")).contains("group/one is no thin pool"));
        assertTrue(refusedAdoption(name("none")).contains("no logical volume none"));
        LvmName half = LvmName.of("group/pool", List.of(a.toString()), false, false);
        assertTrue(refusedAdoption(half).contains("lacks physical volume pv1"));
    }

    @Test
    void aPoolThatIsNotAsLvmLeftItIsNotAdopted() throws IOException {
        disks.changeSuperblock(48, 5);
        volumes().pool(name("pool"));
        disks.changeSuperblock(48, 6);
        String transaction = refusedAdoption(name("pool"));
        assertTrue(transaction.contains("transaction id 6 in its superblock and 5 in LVM's text"), transaction);
        disks.changeSuperblock(48, 5);
        disks.changeSuperblock(4, 1);
        assertTrue(refusedAdoption(name("pool")).contains("check --clear-needs-check-flag lvm:group/pool_tmeta"));
        disks.changeSuperblock(4, 0);
        disks.changeSuperblock(64, 385);
        assertTrue(
                refusedAdoption(name("pool")).contains("has 385 data blocks, its volume pool_tdata has room for 384"));
    }

    @Test
    void aPoolThatLvmIsAboutToChangeIsNotAdopted() throws IOException {
        for (long inText : new long[] {5, 6}) {
            disks.changeTransaction(inText, true);
            assertEquals(
                    "group/pool has changes that LVM has written down and the pool has not been told; run lvchange -ay"
                            + " group/pool once, and deactivate it again",
                    refusedAdoption(name("pool")));
        }
        disks.changeTransaction(7, false);
        assertTrue(refusedAdoption(name("pool")).contains("transaction id 5 in its superblock and 7 in LVM's text"));
    }

    /** A mirror could be looked at here, and its pool not be served. */
    @Test
    void aPoolWhoseVolumesCannotBeWrittenIsNotAdopted() throws IOException {
        disks.changeText(text -> {
            int status = text.indexOf("status", text.indexOf("pool_tdata {"));
            return text.substring(0, status) + text.substring(status).replaceFirst(", \"WRITE\"", "");
        });
        assertEquals("group/pool_tdata is read-only; run lvchange -p rw", refusedAdoption(name("pool")));
    }

    /** Lets LVM's text say that a volume is over the spare metadata volume, which nobody else has: 4 MiB. */
    private void putOver(String volume) throws IOException {
        disks.changeText(text -> {
            int thin = text.indexOf("thin_pool", text.indexOf(volume + " {"));
            return text.substring(0, thin) + "external_origin = \"lvol0_pmspare\"\n" + text.substring(thin);
        });
    }

    @Test
    void aVolumeOverAnExternalOriginNeedsItsPlace() throws IOException {
        putOver("one");
        assertEquals(
                "group/one is over the external origin lvol0_pmspare; say where that is: pool adopt --origin"
                        + " lvol0_pmspare=DEVICE, or the key 'origins' in pool.yaml of a pool that is adopted already",
                refusedAdoption(name("pool")));
        Path golden = Files.write(scratch.resolve("golden"), new byte[4 << 20]);
        Map<String, String> good = Map.of("lvol0_pmspare", golden.toString());
        Map<String, String> two = Map.of("lvol0_pmspare", golden.toString(), "pearl", golden.toString());
        assertTrue(refusedAdoption(name("pool"), two).contains("is over an external origin pearl"));
        Map<String, String> absent = Map.of("lvol0_pmspare", scratch + "/absent");
        assertTrue(refusedAdoption(name("pool"), absent).contains(scratch + "/absent"));
        Files.write(golden, new byte[5 << 20]);
        assertTrue(refusedAdoption(name("pool"), good).contains("lvol0_pmspare has 4194304: it is something else"));
        Files.write(golden, new byte[4 << 20]);
        PoolDirectory directory = new PoolDirectory(scratch.resolve("pool"));
        PoolCreation.adopt(directory, name("pool"), good, true);
        assertEquals(good, PoolConfig.read(directory.config()).origins());
    }

    /** Of a superblock that is gone LVM knows what a repair has to know. */
    @Test
    void aRepairAsksLvmForWhatTheSuperblockSaid() throws IOException {
        String sound = disks.name("pool");
        Path output = Files.write(scratch.resolve("repaired"), new byte[4 << 20]);
        disks.breakSuperblock();
        assertEquals(0, GossamerCommand.run("repair", "-q", "--yes", "-i", sound, "-o", output.toString()));
        ByteBuffer repaired = ByteBuffer.wrap(Files.readAllBytes(output)).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(5, repaired.getLong(48), "transaction id");
        assertEquals(384, repaired.getLong(64), "data blocks");
        assertEquals(256, repaired.getInt(336), "sectors of a block");
    }

    /** It would show through as what it is being changed to. */
    @Test
    void thePoolItselfIsNoExternalOrigin() throws IOException {
        putOver("one");
        String data = "lvm:group/pool_tdata?pv=" + a + "&pv=" + b;
        assertTrue(refusedAdoption(name("pool"), Map.of("lvol0_pmspare", data)).contains("pool's own data device"));
    }

    @Test
    void anOriginThatIsAVolumeOfTheSameGroup() throws IOException {
        putOver("one");
        String spare = "lvm:group/lvol0_pmspare?pv=" + a + "&pv=" + b;
        PoolDirectory directory = new PoolDirectory(scratch.resolve("pool"));
        PoolCreation.adopt(directory, name("pool"), Map.of("lvol0_pmspare", spare), true);
        assertEquals(
                Map.of("lvol0_pmspare", spare),
                PoolConfig.read(directory.config()).origins());
    }
}
