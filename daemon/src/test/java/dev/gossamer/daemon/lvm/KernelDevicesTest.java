package dev.gossamer.daemon.lvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What sysfs tells (OT-55). */
final class KernelDevicesTest {
    @TempDir
    private Path scratch;

    @Test
    void partsOfOtherDevicesAndVolumesOfLvmAreNotLookedAt() throws IOException {
        KernelDevices devices = new FakeKernel(scratch)
                .block("sda", 100, "dm-0")
                .block("sdb", 100, "md0")
                .block("sdc", 100, "dm-1")
                .block("md0", 100)
                .block("sr0", 0)
                .block("cciss!c0d0", 100)
                .mapped("dm-0", "LVM-abc")
                .mapped("dm-1", "mpath-360")
                .devices();
        assertEquals(
                List.of("cciss/c0d0", "dm-1", "md0", "sda"),
                devices.candidates().stream()
                        .map(path -> scratch.resolve("dev").relativize(path).toString())
                        .toList());
    }

    @Test
    void activeIsWhatDeviceMapperHas() throws IOException {
        KernelDevices devices = new FakeKernel(scratch)
                .block("sda", 100)
                .mapped("dm-0", "LVM-groupvolume-tpool")
                .devices();
        assertTrue(devices.isActive(List.of("LVM-groupother", "LVM-groupvolume")));
        assertFalse(devices.isActive(List.of("LVM-groupother")));
        KernelDevices none = new KernelDevices(scratch.resolve("nothing"), scratch);
        StorageException refused = assertThrows(StorageException.class, () -> none.isActive(List.of("LVM-x")));
        assertTrue(refused.getMessage().contains("--assume-inactive"), refused.getMessage());
    }

    @Test
    void whoHoldsADeviceIsTold() throws IOException {
        KernelDevices devices = new FakeKernel(scratch)
                .block("sda", 100, "dm-0", "dm-1")
                .block("sdb", 100, "dm-0", "dm-2")
                .block("sdc", 100)
                .mapped("dm-0", "LVM-group1")
                .mapped("dm-1", "LVM-group2")
                .mapped("dm-2", "CRYPT-x")
                .devices();
        Path dev = scratch.resolve("dev");
        assertTrue(devices.isHeldBy(dev.resolve("sda"), "LVM-group"));
        assertFalse(devices.isHeldBy(dev.resolve("sda"), "LVM-group1"));
        assertFalse(devices.isHeldBy(dev.resolve("sdb"), "LVM-group"));
        assertFalse(devices.isHeldBy(dev.resolve("sdc"), "LVM-group"));
    }

    @Test
    void theLoopDeviceOfAFileIsFound() throws IOException {
        Path file = Files.createFile(scratch.resolve("image"));
        KernelDevices devices = new FakeKernel(scratch)
                .loop("loop0", scratch.resolve("gone"))
                .loop("loop1", file)
                .devices();
        assertEquals(scratch.resolve("dev/loop1"), devices.loopOf(file));
        assertNull(devices.loopOf(Files.createFile(scratch.resolve("other"))));
    }
}
