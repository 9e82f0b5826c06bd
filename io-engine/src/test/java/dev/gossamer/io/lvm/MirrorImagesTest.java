package dev.gossamer.io.lvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.lvm.format.PvBytes;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.io.sim.TestIo.Io;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A mirror is read from an image that its superblock calls in sync, and from no other (OT-54). */
final class MirrorImagesTest {
    private static final int EXTENT_BYTES = 64 << 10;
    private static final int FIRST_EXTENT = 1 << 20;
    private static final int EXTENTS = 4;
    /** In each disk: one extent of superblock, then the image. */
    private static final int IMAGE_AT = FIRST_EXTENT + EXTENT_BYTES;

    private final byte[][] beside = new byte[3][];
    private String status = "\"READ\", \"WRITE\"";

    @BeforeEach
    void allInSync() {
        for (int i = 0; i < beside.length; i++) {
            beside[i] = superblock(i, 12, 0, -1);
        }
    }

    private static byte[] superblock(int position, long events, long failed, long recovered) {
        ByteBuffer bytes = ByteBuffer.allocate(512).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(0, 0x64526d44).putInt(4, 1).putInt(8, 3).putInt(12, position);
        bytes.putLong(16, events).putLong(24, failed).putLong(32, recovered).putLong(40, -1);
        return bytes.putInt(48, 1).array();
    }

    private static String segment(long extents, String type, String more) {
        return "start_extent = 0\nextent_count = " + extents + "\ntype = \"" + type + "\"\n" + more + "\n";
    }

    private static String mirror(String raids) {
        return segment(EXTENTS, "raid1", "device_count = 3\nregion_size = 4096\nraids = [\n" + raids + "\n]");
    }

    private String logical(String raids) {
        StringBuilder text = new StringBuilder(ForgedPv.logical("v", 'V', mirror(raids)));
        for (int i = 0; i < beside.length; i++) {
            String disk = "\"pv" + i + "\"";
            text.append(ForgedPv.logical("meta" + i, (char) ('0' + i), ForgedPv.striped(0, 1, 0, disk + ", 0")));
            String image = ForgedPv.logical("image" + i, (char) ('5' + i), ForgedPv.striped(0, 4, 0, disk + ", 1"));
            text.append(image.replace("\"READ\", \"WRITE\", \"VISIBLE\"", i == 0 ? status : "\"READ\", \"WRITE\""));
        }
        return text.toString();
    }

    private FoundGroup group(String raids) throws StorageException {
        String text = ForgedPv.group(3, 256, "", logical(raids));
        GroupFinder finder = new GroupFinder();
        for (int i = 0; i < beside.length; i++) {
            char c = (char) ('a' + i);
            finder.look(with(ForgedPv.holding(String.valueOf(c), ForgedPv.id(c), text, 32 << 20), beside[i]));
        }
        return finder.find("group", false);
    }

    /** The volume, and a superblock in its first extent; null: that cannot be read. */
    private static PvBytes with(MemoryPv volume, byte[] superblock) {
        return new PvBytes() {
            @Override
            public long sizeBytes() {
                return volume.sizeBytes();
            }

            @Override
            public byte[] read(long offsetBytes, int lengthBytes) throws StorageException {
                if (offsetBytes != FIRST_EXTENT) {
                    return volume.read(offsetBytes, lengthBytes);
                }
                if (superblock == null) {
                    throw new StorageException(Errno.EIO, "a read of " + volume + " failed");
                }
                return Arrays.copyOf(superblock, lengthBytes);
            }

            @Override
            public String toString() {
                return volume.toString();
            }
        };
    }

    private FoundGroup group() throws StorageException {
        return group("\"meta0\", \"image0\", \"meta1\", \"image1\", \"meta2\", \"image2\"");
    }

    private void assertReadFrom(char disk) throws Exception {
        Map<String, BlockDevice> disks = new HashMap<>();
        try (IoBufferPool buffers = new IoBufferPool(4 << 20)) {
            byte[] expected = null;
            for (char c = 'a'; c < 'd'; c++) {
                SimulatedDisk device = new SimulatedDisk(32 << 20);
                byte[] bytes = new byte[EXTENTS * EXTENT_BYTES];
                Arrays.fill(bytes, (byte) c);
                device.writeNow(IMAGE_AT, bytes);
                disks.put(String.valueOf(c), device);
                expected = c == disk ? bytes : expected;
            }
            BlockDevice device = LvmDeviceTest.open(group(), "v", true, disks);
            TestIo io = new TestIo(device, LoopDriver.of(new InlineLoop(null, buffers)));
            Io read = Io.read(0, EXTENTS * EXTENT_BYTES);
            io.run(read);
            assertEquals(Errno.OK, read.errno);
            assertArrayEquals(expected, read.data);
            assertEquals(EXTENTS * EXTENT_BYTES, device.sizeBytes());
            Io write = Io.command(BlockOperation.DISCARD, 0, EXTENT_BYTES, 0);
            io.run(write);
            assertEquals(Errno.EROFS, write.errno);
        }
    }

    private String refusal(int errno) throws StorageException {
        return refusal(errno, group(), true);
    }

    private static String refusal(int errno, FoundGroup group, boolean readOnly) {
        StorageException refused =
                assertThrows(StorageException.class, () -> LvmDeviceTest.open(group, "v", readOnly, new HashMap<>()));
        assertEquals(errno, refused.errno(), refused.getMessage());
        assertEquals(1, refused.getMessage().lines().count());
        return refused.getMessage();
    }

    @Test
    void theFirstOfGoodImagesIsRead() throws Exception {
        assertReadFrom('a');
    }

    @Test
    void anImageThatWasLostIsNotRead() throws Exception {
        beside[0] = superblock(0, 11, 0, -1);
        assertReadFrom('b');
        beside[1] = superblock(1, 12, 0b11, -1);
        beside[2] = superblock(2, 13, 0b11, -1);
        assertReadFrom('c');
        beside[0] = superblock(0, 13, 0, -1); // of two that are as new as each other any may tell
        assertReadFrom('c');
        beside[0] = superblock(0, 14, 0b1, -1);
        beside[1] = superblock(1, 14, 0b1, -1);
        assertReadFrom('b');
    }

    @Test
    void anImageThatIsBeingCopiedIsNotRead() throws Exception {
        beside[0] = superblock(0, 12, 0, 4096);
        assertReadFrom('b');
        beside[0] = superblock(0, 12, 0, 0);
        assertReadFrom('b');
    }

    @Test
    void anImageWithoutSuperblockIsNotRead() throws Exception {
        beside[0] = new byte[512];
        assertReadFrom('b');
        beside[0] = null;
        assertReadFrom('b');
        beside[1] = superblock(2, 12, 0, -1);
        assertReadFrom('c');
    }

    @Test
    void whatIsBeingChangedIsNotRead() throws Exception {
        for (int[] change : new int[][] {{4, 3}, {8, 2}, {48, 5}, {60, 1}, {144, 1}}) {
            beside[0] = superblock(0, 12, 0, -1);
            ByteBuffer.wrap(beside[0]).order(ByteOrder.LITTLE_ENDIAN).putInt(change[0], change[1]);
            assertReadFrom('b');
        }
    }

    @Test
    void anImageThatLvmHasPlansForIsNotRead() throws Exception {
        for (String words : new String[] {"\"READ\", \"VISIBLE\"", "\"READ\", \"WRITE\", \"REBUILD\""}) {
            status = words;
            assertReadFrom('b');
        }
        status = "\"READ\", \"WRITE\", \"WRITEMOSTLY\"";
        assertReadFrom('a');
    }

    @Test
    void ifNoImageIsGoodEachIsNamedWithTheReason() throws Exception {
        beside[0] = null;
        beside[1] = superblock(1, 12, 0, 8);
        beside[2] = superblock(2, 12, 0b100, -1);
        String message = refusal(Errno.EIO);
        assertTrue(
                message.startsWith("no image of group/v is in sync: image0: a read of a failed, "
                        + "image1 is not copied to its end, image2 has failed; "),
                message);
    }

    @Test
    void aMirrorIsNotWritten() throws Exception {
        String message = refusal(Errno.EOPNOTSUPP, group(), false);
        assertEquals(
                "group/v: segment type raid1 of group/v can be read here, but writing to it is not supported;"
                        + " activate it with LVM and give its device",
                message);
    }

    @Test
    void whatIsNoListOfImagesIsRefused() {
        for (String raids : new String[] {"", "\"meta0\"", "\"meta0\", 5"}) {
            assertThrows(StorageException.class, () -> group(raids).volume("v"), raids);
        }
    }

    @Test
    void imagesAreWhereTheTextSays() throws Exception {
        assertTrue(refusal(Errno.ENODEV, group("\"meta0\", \"image9\""), true).contains("no logical volume image9"));
        assertTrue(refusal(Errno.ENODEV, group("\"meta9\", \"image0\""), true).contains("no logical volume meta9"));
        FoundGroup twice = group("\"meta0\", \"image0\", \"meta1\", \"image0\"");
        assertTrue(refusal(Errno.EIO, twice, true).contains("both have extent 0 of image0"));
    }

    @Test
    void anActiveImageIsNoticed() throws Exception {
        assertEquals(7, group().activeUuidsOf("v").size());
    }
}
