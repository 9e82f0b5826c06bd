package dev.gossamer.io.sim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.sim.TestIo.Io;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SimulatedDiskTest {
    private final IoBufferPool buffers = new IoBufferPool(1 << 20);
    private final InlineLoop loop = new InlineLoop(null, buffers);
    private final PowerSupply power = new PowerSupply();
    private final SimulatedDisk disk = new SimulatedDisk(1 << 20, 512, power);
    private final TestIo io = new TestIo(disk, LoopDriver.of(loop));

    @AfterEach
    void free() {
        buffers.close();
    }

    private static byte[] filled(int length, int value) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) value);
        return data;
    }

    @Test
    void whatWasFlushedSurvivesEveryCrash() throws InterruptedException {
        io.write(0, filled(4096, 1));
        io.flush();
        assertEquals(0, disk.unstableWrites());
        for (int seed = 0; seed < 50; seed++) {
            disk.crash(Seeds.splittable(seed));
            assertArrayEquals(filled(4096, 1), io.read(0, 4096));
        }
    }

    @Test
    void fuaMakesItsOwnWriteStableAndNoOther() throws InterruptedException {
        io.write(0, filled(1024, 1));
        assertEquals(Errno.OK, io.run(Io.write(512, filled(512, 2), BlockRequest.FUA)));
        io.write(2048, filled(512, 3));
        assertEquals(2, disk.unstableWrites());
        disk.crashLosingAll();
        assertArrayEquals(filled(512, 0), io.read(0, 512));
        assertArrayEquals(filled(512, 2), io.read(512, 512));
        assertArrayEquals(filled(512, 0), io.read(2048, 512));
    }

    @Test
    void anOlderWriteNeverComesBackOverAStableOne() throws InterruptedException {
        for (int seed = 0; seed < 200; seed++) {
            SimulatedDisk copy = new SimulatedDisk(1 << 20);
            TestIo copyIo = new TestIo(copy, LoopDriver.of(loop));
            copyIo.write(0, filled(512, 1));
            copyIo.run(Io.write(0, filled(512, 2), BlockRequest.FUA));
            copy.crash(Seeds.splittable(seed));
            assertArrayEquals(filled(512, 2), copyIo.read(0, 512), "seed " + seed);
        }
    }

    @Test
    void eachUnstableSectorMayEndInAnyOfItsVersions() throws InterruptedException {
        io.write(0, filled(1024, 1));
        io.flush();
        io.write(0, filled(1024, 2));
        io.write(0, filled(1024, 3));
        Set<String> outcomes = new HashSet<>();
        for (int seed = 0; seed < 500; seed++) {
            SimulatedDisk copy = disk.copy(new PowerSupply());
            copy.crash(Seeds.splittable(seed));
            byte[] result = copy.readNow(0, 1024);
            assertArrayEquals(filled(512, result[0]), Arrays.copyOf(result, 512));
            assertArrayEquals(filled(512, result[512]), Arrays.copyOfRange(result, 512, 1024));
            outcomes.add(result[0] + "" + result[512]);
        }
        assertEquals(Set.of("11", "12", "13", "21", "22", "23", "31", "32", "33"), outcomes);
    }

    @Test
    void discardAndZeroesAreVolatileToo() throws InterruptedException {
        io.write(0, filled(8192, 1));
        io.flush();
        io.command(BlockOperation.DISCARD, 0, 4096, 0);
        io.command(BlockOperation.WRITE_ZEROES, 4096, 4096, 0);
        assertArrayEquals(filled(8192, 0), io.read(0, 8192));
        SimulatedDisk lost = disk.copy(new PowerSupply());
        lost.crashLosingAll();
        assertArrayEquals(filled(8192, 1), lost.readNow(0, 8192));
        io.flush();
        disk.crashLosingAll();
        assertArrayEquals(filled(8192, 0), disk.readNow(0, 8192));
    }

    @Test
    void powerFailsForAllDisksAfterTheGivenOperation() throws InterruptedException {
        SimulatedDisk second = new SimulatedDisk(1 << 20, 512, power);
        TestIo secondIo = new TestIo(second, LoopDriver.of(loop));
        disk.powerCutAfter(3);
        io.write(0, filled(512, 1));
        assertArrayEquals(filled(512, 1), io.read(0, 512)); // reads do not count
        secondIo.write(0, filled(512, 2));
        io.flush();
        assertEquals(Errno.EIO, secondIo.command(BlockOperation.FLUSH, 0, 0, 0));
        assertEquals(Errno.EIO, io.run(Io.write(512, filled(512, 3), 0)));
        assertEquals(Errno.EIO, io.run(Io.read(0, 512)));
        assertEquals(3, power.operations());
        disk.crashLosingAll();
        second.crashLosingAll();
        assertArrayEquals(filled(512, 1), io.read(0, 512));
        assertArrayEquals(filled(512, 0), io.read(512, 512));
        assertArrayEquals(filled(512, 0), secondIo.read(0, 512));
    }

    @Test
    void aFlushCoversOnlyWhatHadCompletedBefore() {
        try (SimLoops loops = new SimLoops(1, 1, 1 << 20)) {
            TestIo simIo = new TestIo(disk, LoopDriver.of(loops, 0));
            // The loop runs both in order; but the write was still under way when the flush was submitted.
            simIo.runTogether(List.of(Io.write(0, filled(512, 1), 0), Io.command(BlockOperation.FLUSH, 0, 0, 0)));
            assertEquals(1, disk.unstableWrites());
            simIo.flush();
            assertEquals(0, disk.unstableWrites());
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void requestsUnderWayDuringACrashFail() {
        try (SimLoops loops = new SimLoops(1, 1, 1 << 20)) {
            int[] result = {-1};
            loops.enter(0, () -> {
                BlockRequest request =
                        loops.loop(0).requests().acquire().command(BlockOperation.WRITE_ZEROES, 0, 512, 0);
                request.push((done, errno) -> result[0] = errno);
                disk.submit(request);
            });
            disk.crash(Seeds.splittable(1));
            loops.runUntilIdle();
            assertEquals(Errno.EIO, result[0]);
            assertEquals(0, disk.writes());
        }
    }

    @Test
    void imagesLoadAndSave() throws Exception {
        byte[] image = new byte[200_000];
        Seeds.splittable(5).nextBytes(image);
        disk.load(new ByteArrayInputStream(image));
        disk.crashLosingAll();
        Path file = Path.of("target", "simulated-disk-image");
        disk.save(file);
        byte[] saved = Files.readAllBytes(file);
        Files.delete(file);
        assertEquals(1 << 20, saved.length);
        assertArrayEquals(image, Arrays.copyOf(saved, image.length));
        assertArrayEquals(new byte[saved.length - image.length], Arrays.copyOfRange(saved, image.length, saved.length));
    }

    @Test
    void hugeSparseDisksAreCheap() throws InterruptedException {
        SimulatedDisk huge = new SimulatedDisk(1L << 50);
        TestIo hugeIo = new TestIo(huge, LoopDriver.of(loop));
        hugeIo.write((1L << 50) - 512, filled(512, 1));
        hugeIo.write(512, filled(512, 1));
        assertEquals(Errno.OK, hugeIo.command(BlockOperation.DISCARD, 1024, (1L << 50) - 1024, 0));
        hugeIo.flush();
        assertArrayEquals(filled(512, 0), hugeIo.read((1L << 50) - 512, 512));
        assertArrayEquals(filled(512, 1), hugeIo.read(512, 512));
        assertTrue(huge.writes() == 3);
    }
}
