package dev.gossamer.daemon.attach;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What keeps --mkfs from overwriting something. */
class ContentsTest {
    private static String found(int offset, String magic) {
        byte[] bytes = new byte[128 << 10];
        byte[] at = magic.getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(at, 0, bytes, offset, at.length);
        return Contents.of(ByteBuffer.wrap(bytes));
    }

    @Test
    void whatPeopleHaveIsKnown() {
        assertEquals("an ext2, ext3 or ext4 file system", found(1080, "S\u00ef"));
        assertEquals("an XFS file system", found(0, "XFSB"));
        assertEquals("a btrfs file system", found(65600, "_BHRfS_M"));
        assertEquals("an encrypted volume (LUKS)", found(0, "LUKS\u00ba\u00be"));
        assertEquals("an LVM physical volume", found(512, "LABELONE"));
        assertEquals("swap space", found(4086, "SWAPSPACE2"));
        assertEquals("a partition table", found(512, "EFI PART"));
        assertEquals("a partition table", found(510, "U\u00aa"));
    }

    @Test
    void oneByteIsSomethingAndZerosAreNothing() {
        assertEquals("data of an unknown kind", found(131_071, "x"));
        assertEquals("", found(0, "\u0000"));
        assertEquals("", Contents.of(ByteBuffer.allocate(100)));
    }
}
