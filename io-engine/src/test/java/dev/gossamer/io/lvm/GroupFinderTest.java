package dev.gossamer.io.lvm;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Labels, areas and copies (OT-50 to OT-52), and which groups are refused (OT-54). */
final class GroupFinderTest {
    private static final String PLAIN = ForgedPv.logical("plain", 'L', ForgedPv.striped(0, 4, 0, "\"pv0\", 0"));

    private static GroupFinder looking(MemoryPv... devices) throws StorageException {
        GroupFinder finder = new GroupFinder();
        for (MemoryPv device : devices) {
            finder.look(device);
        }
        return finder;
    }

    private static MemoryPv fixture(String name) throws IOException {
        return MemoryPv.fixture(name);
    }

    private static String refusal(int errno, GroupFinder finder, String group) {
        StorageException refused = assertThrows(StorageException.class, () -> finder.find(group, false));
        assertEquals(errno, refused.errno(), refused.getMessage());
        return refused.getMessage();
    }

    private static String refusalOf(int errno, String more) throws StorageException {
        String text = ForgedPv.group(1, 8, more, PLAIN);
        return refusal(errno, looking(ForgedPv.holding("a", ForgedPv.id('a'), text, 4 << 20)), "group");
    }

    @Test
    void aTextThatGoesOnBehindTheHeaderIsRead() throws IOException {
        MemoryPv a = fixture("wrapped-a");
        ByteBuffer area = ByteBuffer.wrap(a.start).order(ByteOrder.LITTLE_ENDIAN);
        assertTrue(area.getLong(4096 + 40) + area.getLong(4096 + 48) > area.getLong(4096 + 32), "it does not wrap");
        FoundGroup group = looking(a, fixture("wrapped-b")).find("made", false);
        assertEquals(9L << 20, group.sizeBytes("plain"));
        assertEquals(11L << 20, group.sizeBytes("striped"));
        assertEquals(393, group.group().sequence());
    }

    @Test
    void theNewestCopyWins() throws IOException {
        long newest = looking(fixture("wrapped-a"), fixture("wrapped-b"))
                .find("made", false)
                .group()
                .sequence();
        assertEquals(
                newest,
                looking(fixture("old-b"), fixture("wrapped-a"))
                        .find("made", false)
                        .group()
                        .sequence());
        assertEquals(
                newest,
                looking(fixture("wrapped-a"), fixture("old-b"))
                        .find("made", false)
                        .group()
                        .sequence());
    }

    @Test
    void anAreaThatIsToBeIgnoredIsIgnored() throws IOException {
        FoundGroup group = looking(fixture("ignored-b"), fixture("ignored-a")).find("made", false);
        assertEquals(2, group.devices().size());
        String alone = refusal(Errno.ENODEV, looking(fixture("ignored-b")), "made");
        assertTrue(alone.contains("no volume group made on the 1 physical volumes"), alone);
    }

    @Test
    void unequalCopiesOfOneNumberAreRefused() throws IOException {
        String text = ForgedPv.group(2, 8, "", PLAIN);
        GroupFinder finder = looking(
                ForgedPv.holding("a", ForgedPv.id('a'), text, 4 << 20),
                ForgedPv.holding("b", ForgedPv.id('b'), text.replace("= 4\n", "= 2\n"), 4 << 20));
        assertTrue(refusal(Errno.EIO, finder, "group").contains("differently under one sequence number, 7"));
    }

    @Test
    void aMissingVolumeIsNamed() throws IOException {
        String message = refusal(Errno.ENODEV, looking(MemoryPv.ofPool("a")), "group");
        assertTrue(message.contains("lacks physical volume pv1 (Yj0cem-GEvG-ZicL-vLAk-Bugk-tDVR-6q3FNz)"), message);
        String marked = ForgedPv.group(1, 8, "", PLAIN).replace("[\"ALLOCATABLE\"]", "[\"ALLOCATABLE\", \"MISSING\"]");
        refusal(Errno.ENODEV, looking(ForgedPv.holding("a", ForgedPv.id('a'), marked, 4 << 20)), "group");
    }

    @Test
    void aCopyOfADeviceIsNoticed() throws IOException {
        GroupFinder finder = looking(MemoryPv.ofPool("a"));
        MemoryPv copy = MemoryPv.ofPool("a").named("copy");
        StorageException refused = assertThrows(StorageException.class, () -> finder.look(copy));
        assertTrue(refused.getMessage().contains("on two devices, a and copy"), refused.getMessage());
    }

    @Test
    void twoGroupsOfOneNameAreRefused() throws IOException {
        String text = ForgedPv.group(1, 8, "", PLAIN);
        GroupFinder finder = looking(
                ForgedPv.holding("a", ForgedPv.id('a'), text, 4 << 20),
                ForgedPv.holding("x", ForgedPv.id('x'), text.replace(ForgedPv.id('G'), ForgedPv.id('H')), 4 << 20));
        assertTrue(refusal(Errno.EOPNOTSUPP, finder, "group").contains("two volume groups are called group"));
    }

    @Test
    void whatIsSharedExportedOrForeignIsRefused() throws IOException {
        assertTrue(
                refusalOf(Errno.EOPNOTSUPP, "status = [\"EXPORTED\", \"READ\"]").contains("vgimport group"));
        assertTrue(refusalOf(Errno.EOPNOTSUPP, "status = [\"READ\", \"CLUSTERED\"]")
                .contains("clustered"));
        assertTrue(refusalOf(Errno.EOPNOTSUPP, "status = [\"READ\", \"NOVEL\"]").contains("NOVEL"));
        assertTrue(refusalOf(Errno.EOPNOTSUPP, "lock_type = \"sanlock\"").contains("lock type sanlock"));
        assertTrue(refusalOf(Errno.EOPNOTSUPP, "system_id = \"elsewhere\"").contains("say --foreign"));
        String text = ForgedPv.group(1, 8, "system_id = \"elsewhere\"", PLAIN);
        FoundGroup group =
                looking(ForgedPv.holding("a", ForgedPv.id('a'), text, 4 << 20)).find("group", true);
        assertTrue(group.isWritable());
    }

    @Test
    void aVolumeThatIsSmallerThanItsGroupSaysIsRefused() throws IOException {
        String text = ForgedPv.group(1, 48, "", PLAIN);
        long fits = (1 << 20) + 48 * (64L << 10);
        looking(ForgedPv.holding("a", ForgedPv.id('a'), text, fits)).find("group", false);
        String message =
                refusal(Errno.EIO, looking(ForgedPv.holding("a", ForgedPv.id('a'), text, fits - 512)), "group");
        assertTrue(message.contains("less than physical volume pv0"), message);
    }

    @Test
    void checksumsAreChecked() throws IOException {
        for (int at : new int[] {512 + 40, 4096 + 48, 4096 + 1024}) {
            MemoryPv volume = ForgedPv.holding("a", ForgedPv.id('a'), ForgedPv.group(1, 8, "", PLAIN), 4 << 20);
            looking(volume).find("group", false);
            volume.start[at] ^= 1;
            refusal(Errno.ENODEV, looking(volume), "group");
        }
        // a digit of the text: it can be read all the same
        MemoryPv volume = ForgedPv.holding("a", ForgedPv.id('a'), ForgedPv.group(1, 8, "", PLAIN), 4 << 20);
        int digit = new String(volume.start, ISO_8859_1).indexOf("seqno = 7") + 8;
        volume.start[digit] = '6';
        assertTrue(refusal(Errno.ENODEV, looking(volume), "group").contains("the text has a wrong checksum"));
    }

    @Test
    void thePoolOfTheFixtureIsThere() throws IOException {
        FoundGroup group = looking(MemoryPv.ofPool("a"), MemoryPv.ofPool("b")).find("group", false);
        FoundGroup.Pool pool = group.pool("pool");
        assertEquals(new FoundGroup.Pool("pool", "pool_tmeta", "pool_tdata", 5, 128 << 10, false), pool);
        assertEquals(pool, group.poolOf("pool_tmeta"));
        assertEquals(
                List.of(
                        new FoundGroup.ThinVolume("one", 1, 16 << 20, true, -1, "", 0),
                        new FoundGroup.ThinVolume("two", 2, 24 << 20, true, -1, "", 0),
                        new FoundGroup.ThinVolume("three", 3, 20 << 20, true, -1, "", 0),
                        new FoundGroup.ThinVolume("early", 4, 16 << 20, false, 1, "", 0),
                        new FoundGroup.ThinVolume("late", 5, 24 << 20, true, 2, "", 0)),
                group.volumesOf("pool"));
        List<String> uuids = group.activeUuids("pool");
        assertEquals(8, uuids.size());
        assertTrue(uuids.contains("LVM-Ctf1Fedn2YjjohWSNJbIz9ZVxip8wCgk5bpchK47hb84FqZscQvGaifjvUFuYazP"));
        assertTrue(uuids.stream().allMatch(uuid -> uuid.lastIndexOf('-') == 3), "dashes within");
    }
}
