package dev.gossamer.io.sim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.sim.TestIo.Io;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The contract of {@link BlockDevice} as tests; a subclass says which device and which loop. */
public abstract class BlockDeviceContract {
    /** Small enough for an in-memory model, large enough for a 1 MiB request at any place. */
    protected static final int SIZE_BYTES = 8 << 20;

    private static final int LARGE_BYTES = 1 << 20;

    private final SplittableRandom random = Seeds.splittable(1);
    private BlockDevice device;
    private BlockGeometry geometry;
    private TestIo io;
    private byte[] model;

    /** A device of {@link #SIZE_BYTES} that reads as zeros. Its loop needs buffers for 16 MiB in flight. */
    protected abstract BlockDevice open(boolean readOnly) throws Exception;

    /** Called before {@link #open}, once per test. */
    protected abstract LoopDriver startLoop() throws Exception;

    /** After the device is closed. */
    protected abstract void stopLoop() throws Exception;

    private LoopDriver driver;

    @BeforeEach
    final void prepare() throws Exception {
        driver = startLoop();
        reopen(false);
        model = new byte[SIZE_BYTES];
    }

    @AfterEach
    final void finish() throws Exception {
        device.close();
        driver.run(() -> {
            assertEquals(0, driver.loop().requests().inUse(), "requests not given back");
            assertEquals(0, driver.loop().buffers().usedBytes(), "buffers not given back");
        });
        stopLoop();
    }

    private void reopen(boolean readOnly) throws Exception {
        if (device != null) {
            device.close();
        }
        device = open(readOnly);
        geometry = device.geometry();
        io = new TestIo(device, driver);
    }

    private String replay() {
        return device.toString();
    }

    private byte[] randomBytes(int length) {
        byte[] data = new byte[length];
        random.nextBytes(data);
        return data;
    }

    private int unit() {
        return geometry.alignmentBytes();
    }

    private long randomOffset(long lengthBytes) {
        return random.nextLong((SIZE_BYTES - lengthBytes) / unit() + 1) * unit();
    }

    private int randomLength(int maximumBytes) {
        return random.nextInt(maximumBytes / unit()) * unit() + unit();
    }

    private void write(long offset, byte[] data, int flags) throws InterruptedException {
        Io write = Io.write(offset, data, flags);
        assertEquals(Errno.OK, io.run(write), () -> write + " " + replay());
        System.arraycopy(data, 0, model, (int) offset, data.length);
    }

    private void assertModel() throws InterruptedException {
        for (int offset = 0; offset < SIZE_BYTES; offset += LARGE_BYTES) {
            byte[] expected = Arrays.copyOfRange(model, offset, offset + LARGE_BYTES);
            assertArrayEquals(expected, io.read(offset, LARGE_BYTES), replay());
        }
    }

    @Test
    void geometryIsWhatWasAskedFor() {
        assertEquals(SIZE_BYTES, geometry.sizeBytes());
        assertEquals(false, geometry.readOnly());
    }

    @Test
    void randomWritesReadBack() throws InterruptedException {
        for (int i = 0; i < 200; i++) {
            int length = random.nextInt(8) == 0 ? randomLength(LARGE_BYTES) : randomLength(16 << 10);
            long offset = randomOffset(length);
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> write(offset, randomBytes(length), random.nextInt(8) == 0 ? BlockRequest.FUA : 0);
                case 3 -> zero(offset, length, random.nextInt(4));
                case 4 -> io.flush();
                default -> assertArrayEquals(
                        Arrays.copyOfRange(model, (int) offset, (int) offset + length),
                        io.read(offset, length),
                        () -> "offset=" + offset + " length=" + length + " " + replay());
            }
        }
        assertModel();
    }

    private void zero(long offset, int length, int flags) throws InterruptedException {
        assertEquals(Errno.OK, io.command(BlockOperation.WRITE_ZEROES, offset, length, flags), replay());
        Arrays.fill(model, (int) offset, (int) offset + length, (byte) 0);
    }

    @Test
    void oneUnitAndOneMebibyteBothWork() throws InterruptedException {
        write(SIZE_BYTES - unit(), randomBytes(unit()), 0);
        write(unit(), randomBytes(LARGE_BYTES), 0);
        write(0, randomBytes(unit()), BlockRequest.FUA);
        assertModel();
    }

    @Test
    void aRangeOutsideTheDeviceIsInvalidAndChangesNothing() throws InterruptedException {
        write(SIZE_BYTES - 8192, randomBytes(8192), 0);
        long[] offsets = {SIZE_BYTES, SIZE_BYTES - 4096, SIZE_BYTES + 4096, -4096, Long.MAX_VALUE - 4095};
        for (long offset : offsets) {
            assertEquals(Errno.EINVAL, io.run(Io.read(offset, 8192)), () -> "READ at " + offset);
            assertEquals(Errno.EINVAL, io.run(Io.write(offset, randomBytes(8192), 0)), () -> "WRITE at " + offset);
            assertEquals(
                    Errno.EINVAL,
                    io.command(BlockOperation.WRITE_ZEROES, offset, 8192, 0),
                    () -> "WRITE_ZEROES at " + offset);
            if (geometry.discardBytes() > 0) {
                assertEquals(
                        Errno.EINVAL,
                        io.command(BlockOperation.DISCARD, offset, 8192, 0),
                        () -> "DISCARD at " + offset);
            }
        }
        assertEquals(Errno.EINVAL, io.command(BlockOperation.WRITE_ZEROES, 4096, Long.MAX_VALUE - 4095, 0));
        assertEquals(Errno.EINVAL, io.command(BlockOperation.WRITE_ZEROES, 4096, -4096, 0));
        assertModel();
    }

    @Test
    void anUnalignedRangeIsInvalidAndChangesNothing() throws InterruptedException {
        assumeTrue(unit() > 1, "the device serves any range");
        write(0, randomBytes(8192), 0);
        assertEquals(Errno.EINVAL, io.run(Io.write(unit() / 2, randomBytes(unit()), 0)));
        assertEquals(Errno.EINVAL, io.run(Io.write(0, randomBytes(unit() / 2), 0)));
        assertEquals(Errno.EINVAL, io.run(Io.read(1, unit())));
        assertEquals(Errno.EINVAL, io.run(Io.read(0, unit() + 1)));
        assertEquals(Errno.EINVAL, io.command(BlockOperation.WRITE_ZEROES, 1, unit(), 0));
        assertModel();
    }

    @Test
    void anEmptyRequestSucceedsAndDoesNothing() throws InterruptedException {
        assertEquals(Errno.OK, io.run(Io.read(0, 0)));
        assertEquals(Errno.OK, io.run(Io.write(0, new byte[0], 0)));
        assertEquals(Errno.OK, io.run(Io.write(0, new byte[0], BlockRequest.FUA)));
        assertEquals(Errno.OK, io.command(BlockOperation.WRITE_ZEROES, SIZE_BYTES, 0, 0));
        assertEquals(geometry.discardBytes() > 0 ? Errno.OK : Errno.EOPNOTSUPP, discard(0, 0));
        assertModel();
    }

    private int discard(long offset, long length) throws InterruptedException {
        return io.command(BlockOperation.DISCARD, offset, length, 0);
    }

    @Test
    void flushSucceedsWhateverItsRange() throws InterruptedException {
        io.flush();
        write(4096, randomBytes(4096), 0);
        io.flush();
        assertModel();
    }

    @Test
    void writeZeroesClearsExactlyItsRange() throws InterruptedException {
        int[] flagSets = {0, BlockRequest.NO_UNMAP, BlockRequest.FUA, BlockRequest.NO_UNMAP | BlockRequest.FUA};
        for (int flags : flagSets) {
            write(0, randomBytes(LARGE_BYTES), 0);
            zero(unit(), unit(), flags);
            zero(16 << 10, 128 << 10, flags);
            int odd = (256 << 10) + unit();
            zero(odd, (300 << 10) + unit(), flags);
            assertModel();
        }
    }

    @Test
    void fastZeroEitherClearsOrIsRefused() throws InterruptedException {
        for (int flags : new int[] {BlockRequest.FAST_ZERO, BlockRequest.FAST_ZERO | BlockRequest.NO_UNMAP}) {
            write(0, randomBytes(64 << 10), 0);
            int errno = io.command(BlockOperation.WRITE_ZEROES, 4096, 8192, flags);
            if (errno == Errno.OK) {
                Arrays.fill(model, 4096, 4096 + 8192, (byte) 0);
            } else {
                assertEquals(Errno.EOPNOTSUPP, errno);
            }
            assertModel();
        }
    }

    @Test
    void discardFollowsTheGeometry() throws InterruptedException {
        write(0, randomBytes(LARGE_BYTES), 0);
        if (geometry.discardBytes() == 0) {
            assertEquals(Errno.EOPNOTSUPP, discard(0, LARGE_BYTES));
            assertModel();
            return;
        }
        int granule = (int) geometry.discardBytes();
        assumeTrue(granule <= LARGE_BYTES / 4, "the device discards in larger pieces than the test has room for");
        assertEquals(Errno.OK, discard(granule, 2L * granule));
        discarded(granule, 2 * granule);
        assertModel();
    }

    /** Makes the model follow a discard. The default: discarded blocks read as zeros. */
    protected void discarded(byte[] content, int offsetBytes, int lengthBytes) {
        Arrays.fill(content, offsetBytes, offsetBytes + lengthBytes, (byte) 0);
    }

    private void discarded(int offsetBytes, int lengthBytes) {
        discarded(model, offsetBytes, lengthBytes);
    }

    @Test
    void aReadOnlyDeviceRefusesChanges() throws Exception {
        byte[] before = randomBytes(8192);
        write(0, before, 0);
        io.flush();
        reopen(true);
        assumeTrue(geometry.readOnly(), "the device has no read-only mode");
        assertEquals(Errno.EROFS, io.run(Io.write(0, randomBytes(4096), 0)));
        assertEquals(Errno.EROFS, io.command(BlockOperation.WRITE_ZEROES, 0, 4096, 0));
        int errno = discard(0, 4096);
        assertEquals(geometry.discardBytes() > 0 ? Errno.EROFS : errno, errno);
        io.flush();
    }

    @Test
    void manyRequestsInFlightAllComplete() throws InterruptedException {
        for (int round = 0; round < 3; round++) {
            List<Io> writes = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                // Disjoint, because overlapping requests in flight have no order.
                byte[] data = randomBytes(4096);
                int offset = i * 8192;
                writes.add(Io.write(offset, data, i % 100 == 0 ? BlockRequest.FUA : 0));
                System.arraycopy(data, 0, model, offset, data.length);
            }
            writes.add(Io.command(BlockOperation.FLUSH, 0, 0, 0));
            io.runTogether(writes);
            writes.forEach(write -> assertEquals(Errno.OK, write.errno, () -> write + " " + replay()));
            List<Io> reads = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                reads.add(Io.read(i * 8192L, 4096));
            }
            io.runTogether(reads);
            for (Io read : reads) {
                assertEquals(Errno.OK, read.errno);
                int offset = (int) read.offsetBytes;
                assertArrayEquals(Arrays.copyOfRange(model, offset, offset + 4096), read.data, () -> read + replay());
            }
        }
    }

    @Test
    void overlappingWritesLeaveOneOfThemInEachSector() throws InterruptedException {
        int length = 16 << 10;
        List<Io> writes = new ArrayList<>();
        for (int i = 1; i <= 8; i++) {
            byte[] data = new byte[length];
            Arrays.fill(data, (byte) i);
            writes.add(Io.write(4096, data, 0));
        }
        io.runTogether(writes);
        byte[] result = io.read(4096, length);
        for (int sector = 0; sector < length; sector += 512) {
            byte first = result[sector];
            assertEquals(true, first >= 1 && first <= 8, "sector from nowhere");
            for (int i = sector; i < sector + 512; i++) {
                assertEquals(first, result[i], "torn inside a sector");
            }
        }
    }
}
