package dev.gossamer.io.lvm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.BlockDeviceContract;
import dev.gossamer.io.sim.FaultPlan;
import dev.gossamer.io.sim.FaultyDevice;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.io.sim.ScarceMemory;
import dev.gossamer.io.sim.SimLoops;
import dev.gossamer.io.sim.SimulatedDisk;
import dev.gossamer.io.sim.TestIo;
import dev.gossamer.io.sim.TestIo.Io;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Logical volumes as devices (OT-53): the contract, and where each byte lies. */
final class LvmDeviceTest {
    private static final int BUFFER_BYTES = 16 << 20;
    private static final int EXTENT_BYTES = 1 << 20;

    /** Opens a volume over disks in memory; {@code disks} is filled with those that it uses. */
    static BlockDevice open(FoundGroup group, String volume, boolean readOnly, Map<String, BlockDevice> disks)
            throws IOException {
        VolumeOpener opener = new VolumeOpener(
                group,
                device -> disks.computeIfAbsent(device.toString(), name -> new SimulatedDisk(device.sizeBytes())),
                readOnly);
        return opener.open(volume, () -> {});
    }

    static FoundGroup forged(int volumes, String logical) throws IOException {
        String text = ForgedPv.group(volumes, 256, "", logical);
        GroupFinder finder = new GroupFinder();
        for (int i = 0; i < volumes; i++) {
            char c = (char) ('a' + i);
            finder.look(ForgedPv.holding(String.valueOf(c), ForgedPv.id(c), text, 32 << 20));
        }
        return finder.find("group", false);
    }

    /** 8 MiB: linear, three stripes, and stripes over a volume that is itself in stripes. */
    private static FoundGroup mixed() throws IOException {
        return forged(
                3,
                ForgedPv.logical(
                                "mixed",
                                'M',
                                ForgedPv.striped(0, 31, 0, "\"pv1\", 9"),
                                ForgedPv.striped(31, 33, 8, "\"pv0\", 3", "\"pv2\", 0", "\"pv1\", 100"),
                                ForgedPv.striped(64, 64, 64, "\"inner\", 16", "\"pv2\", 50"))
                        + ForgedPv.logical("inner", 'I', ForgedPv.striped(0, 64, 16, "\"pv0\", 60", "\"pv1\", 150")));
    }

    @Nested
    class TheContract extends BlockDeviceContract {
        private final SimLoops loops = new SimLoops(7, 2, BUFFER_BYTES);
        private final Map<String, BlockDevice> disks = new HashMap<>();

        @Override
        protected LoopDriver startLoop() {
            return LoopDriver.of(loops, 1);
        }

        @Override
        protected void stopLoop() {
            loops.close();
        }

        @Override
        protected BlockDevice open(boolean readOnly) throws IOException {
            return LvmDeviceTest.open(mixed(), "mixed", readOnly, disks);
        }
    }

    private static FoundGroup made() throws IOException {
        GroupFinder finder = new GroupFinder();
        finder.look(MemoryPv.fixture("wrapped-a"));
        finder.look(MemoryPv.fixture("wrapped-b"));
        return finder.find("made", false);
    }

    private static TestIo io(BlockDevice device, IoBufferPool buffers) {
        return new TestIo(device, LoopDriver.of(new InlineLoop(null, buffers)));
    }

    /** The sector at each place says which place of which disk it is. */
    private static byte[] stamped(char disk, long from, int length) {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        for (int at = 0; at < length; at += 512) {
            bytes.putLong(at, disk).putLong(at + 8, from + at);
        }
        return bytes.array();
    }

    /** Where LVM says that the extents lie. */
    @Test
    void bytesLieWhereLvmHasThem() throws Exception {
        try (IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES)) {
            Map<String, BlockDevice> disks = new HashMap<>();
            Map<String, byte[]> expected = new HashMap<>();
            for (char disk : new char[] {'a', 'b'}) {
                SimulatedDisk device = new SimulatedDisk(MemoryPv.MADE_BYTES);
                for (long at = 0; at < MemoryPv.MADE_BYTES; at += EXTENT_BYTES) {
                    io(device, buffers).run(Io.write(at, stamped(disk, at, EXTENT_BYTES), 0));
                }
                disks.put("wrapped-" + disk, device);
            }
            try (InputStream ranges = getClass().getResourceAsStream("ranges.txt")) {
                for (String line : new String(ranges.readAllBytes(), StandardCharsets.UTF_8)
                        .lines()
                        .toList()) {
                    expect(line.trim().split("\\s+", -1), expected);
                }
            }
            assertEquals(2, expected.size());
            for (Map.Entry<String, byte[]> volume : expected.entrySet()) {
                BlockDevice device = open(made(), volume.getKey(), true, disks);
                assertEquals(volume.getValue().length, device.sizeBytes());
                for (int at = 0; at < volume.getValue().length; at += 3 << 19) {
                    int length = Math.min(3 << 19, volume.getValue().length - at);
                    Io read = Io.read(at, length);
                    io(device, buffers).run(read);
                    byte[] wanted = java.util.Arrays.copyOfRange(volume.getValue(), at, at + length);
                    assertArrayEquals(wanted, read.data, volume.getKey() + " at " + at);
                }
            }
        }
    }

    /** @param words name, start, extents, stripes, stripe size in sectors, ranges of extents */
    private static void expect(String[] words, Map<String, byte[]> expected) {
        int stripes = Integer.parseInt(words[3]);
        int extents = Integer.parseInt(words[2]);
        long stripeBytes = stripes == 1
                ? (long) extents * EXTENT_BYTES
                : Long.parseLong(words[4].substring(0, words[4].length() - 1)) * 512;
        ByteBuffer bytes = ByteBuffer.allocate(extents * EXTENT_BYTES);
        for (int at = 0; at < bytes.capacity(); at += 512) {
            long stripe = at / stripeBytes;
            String range = words[5 + (int) (stripe % stripes)];
            long first = Long.parseLong(range.substring(2, range.indexOf('-')));
            long place = EXTENT_BYTES * (1 + first) + stripe / stripes * stripeBytes + at % stripeBytes;
            bytes.putLong(at, range.charAt(0)).putLong(at + 8, place);
        }
        expected.merge(words[0], bytes.array(), (one, other) -> {
            byte[] both = java.util.Arrays.copyOf(one, one.length + other.length);
            System.arraycopy(other, 0, both, one.length, other.length);
            return both;
        });
    }

    /** A command without data may be as long as the volume: its parts are as many as there are legs. */
    @Test
    void aLongDiscardIsFewParts() throws Exception {
        try (IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES)) {
            Map<String, BlockDevice> disks = new HashMap<>();
            List<String> seen = new ArrayList<>();
            FoundGroup group =
                    forged(2, ForgedPv.logical("wide", 'W', ForgedPv.striped(0, 200, 8, "\"pv0\", 0", "\"pv1\", 0")));
            VolumeOpener opener = new VolumeOpener(
                    group,
                    device -> disks.computeIfAbsent(
                            device.toString(),
                            name -> new Listening(new SimulatedDisk(device.sizeBytes()), name, seen)),
                    false);
            BlockDevice device = opener.open("wide", () -> {});
            Io discard = Io.command(BlockOperation.DISCARD, 4096 + 512, (12 << 20) - 8192, 0);
            io(device, buffers).run(discard);
            assertEquals(Errno.OK, discard.errno);
            // a has 4 KiB at volume offsets 0 to 4095, 8192 to 12287, ...; b the others
            assertEquals(
                    List.of(
                            "a DISCARD " + ((1 << 20) + 4096) + " " + ((6 << 20) - 4096),
                            "b DISCARD " + ((1 << 20) + 512) + " " + ((6 << 20) - 4096)),
                    seen);
        }
    }

    @Test
    void aFlushGoesToEveryDiskAndFailsWithAny() throws Exception {
        try (IoBufferPool buffers = new IoBufferPool(BUFFER_BYTES)) {
            for (String broken : List.of("a", "b", "c")) {
                Map<String, BlockDevice> disks = new HashMap<>();
                for (String name : List.of("a", "b", "c")) {
                    FaultPlan plan = new FaultPlan();
                    if (name.equals(broken)) {
                        plan.fail(BlockOperation.FLUSH, 1, Errno.EIO);
                    }
                    disks.put(name, new FaultyDevice(new SimulatedDisk(32 << 20), plan));
                }
                Io flush = Io.command(BlockOperation.FLUSH, 0, 0, 0);
                io(open(mixed(), "mixed", false, disks), buffers).run(flush);
                assertEquals(Errno.EIO, flush.errno, "the flush of " + broken + " fails");
            }
        }
    }

    /** A disk that was not asked has not lost anything. */
    @Test
    void aFlushThatFindsNoMemoryFailsAndNotTheDevice() throws Exception {
        LongUnaryOperator story = (LongUnaryOperator) ScarceMemory.loader()
                .loadClass(FlushStory.class.getName())
                .getDeclaredConstructor()
                .newInstance();
        assertEquals(1, story.applyAsLong(1));
        assertEquals(1, story.applyAsLong(3));
    }
}
