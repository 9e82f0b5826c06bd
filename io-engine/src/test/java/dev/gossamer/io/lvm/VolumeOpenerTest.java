package dev.gossamer.io.lvm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.util.HashMap;
import org.junit.jupiter.api.Test;

/** What a volume may be made of (OT-54): all else is refused by name, in one line. */
final class VolumeOpenerTest {
    private static String refusal(int errno, String volume, boolean readOnly, String logical) throws IOException {
        FoundGroup group = LvmDeviceTest.forged(2, logical);
        StorageException refused = assertThrows(
                StorageException.class, () -> LvmDeviceTest.open(group, volume, readOnly, new HashMap<>()));
        assertEquals(errno, refused.errno(), refused.getMessage());
        assertEquals(1, refused.getMessage().lines().count());
        return refused.getMessage();
    }

    private static String segment(String type) {
        return "start_extent = 0\nextent_count = 4\ntype = \"" + type + "\"\n";
    }

    @Test
    void otherTypesAreNamed() throws IOException {
        for (String type : new String[] {"raid5", "cache", "vdo", "mirror", "striped+NOVEL", "error", "zero"}) {
            String message = refusal(Errno.EOPNOTSUPP, "v", true, ForgedPv.logical("v", 'V', segment(type)));
            assertTrue(message.startsWith("group/v: segment type " + type + " of group/v is not supported"), message);
        }
        String below = ForgedPv.logical("v", 'V', ForgedPv.striped(0, 4, 0, "\"v_tdata\", 0"))
                + ForgedPv.logical("v_tdata", 'D', segment("raid6"));
        assertTrue(refusal(Errno.EOPNOTSUPP, "v", true, below).contains("raid6 of group/v_tdata is not supported"));
    }

    @Test
    void whatHappensToAVolumeIsRefused() throws IOException {
        String plain = ForgedPv.logical("v", 'V', ForgedPv.striped(0, 4, 0, "\"pv0\", 0"));
        for (String word : new String[] {"PVMOVE", "LOCKED", "NOVEL"}) {
            String busy = plain.replace("\"VISIBLE\"", "\"VISIBLE\", \"" + word + "\"");
            assertTrue(refusal(Errno.EOPNOTSUPP, "v", true, busy).contains("group/v has the status " + word));
        }
        String readOnly = plain.replace("\"WRITE\", ", "");
        assertTrue(refusal(Errno.EOPNOTSUPP, "v", false, readOnly).contains("lvchange -p rw"));
        LvmDeviceTest.open(LvmDeviceTest.forged(2, readOnly), "v", true, new HashMap<>());
    }

    @Test
    void placesThatDoNotExistAreRefused() throws IOException {
        String beyond = ForgedPv.logical("v", 'V', ForgedPv.striped(0, 4, 0, "\"pv0\", 253"));
        assertTrue(refusal(Errno.EIO, "v", true, beyond).contains("extents 253 to 256 of pv0 are used, which has 256"));
        String nowhere = ForgedPv.logical("v", 'V', ForgedPv.striped(0, 4, 0, "\"pv9\", 0"));
        assertTrue(refusal(Errno.ENODEV, "v", true, nowhere).contains("no logical volume pv9"));
        assertTrue(refusal(Errno.ENODEV, "w", true, beyond).contains("no logical volume w"));
    }

    @Test
    void extentsOfTwoVolumesAreRefused() throws IOException {
        String two = ForgedPv.logical("v", 'V', ForgedPv.striped(0, 4, 0, "\"pv0\", 0"))
                + ForgedPv.logical("w", 'W', ForgedPv.striped(0, 4, 8, "\"pv0\", 3", "\"pv1\", 0"));
        assertTrue(refusal(Errno.EIO, "v", true, two).contains("group/v and group/w both have extent 3 of pv0"));
    }

    @Test
    void aVolumeInItselfIsRefused() throws IOException {
        String loop = ForgedPv.logical("v", 'V', ForgedPv.striped(0, 4, 0, "\"w\", 0"))
                + ForgedPv.logical("w", 'W', ForgedPv.striped(0, 4, 0, "\"v\", 0"));
        assertTrue(refusal(Errno.EOPNOTSUPP, "v", true, loop).contains("nested more than 3 deep"));
    }
}
