package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.Errno;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.ring.IoEngineChoice;
import dev.gossamer.io.ring.IoLoops;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.io.sim.TestIo;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Block devices that can forget but not write zeroes, as many virtual disks: what they hold is given back all the same.
 */
@Timeout(60)
class BlockDiscardTest {
    private static final int SIZE = 4 << 20;

    @TempDir
    private Path sysfs;

    private final Path file = Path.of("target", "block-discard");
    private Path disk;

    @BeforeEach
    void attach() throws Exception {
        Files.deleteIfExists(file);
        PosixFiles.create(file, SIZE);
        disk = LoopDevices.attach(file);
    }

    @AfterEach
    void detach() throws Exception {
        if (disk != null) {
            LoopDevices.detach(disk);
        }
        Files.deleteIfExists(file);
    }

    private PosixDevice open(long writeZeroesBytes, long discardBytes) throws Exception {
        DeviceIdentity identity = FileStatus.of(disk.toString()).identity();
        Path queue = Files.createDirectories(
                sysfs.resolve("dev/block/" + identity.major() + ":" + identity.minor() + "/queue"));
        Files.writeString(queue.resolve("write_zeroes_max_bytes"), writeZeroesBytes + "\n");
        Files.writeString(queue.resolve("discard_max_bytes"), discardBytes + "\n");
        Files.writeString(queue.resolve("discard_granularity"), "8192\n");
        return PosixDevice.open(disk, OpenOptions.READ_WRITE, sysfs);
    }

    private long allocatedBytes() throws Exception {
        return LoopDevices.allocatedBytes(file);
    }

    private void writeAndDiscard(LoopDriver loop) throws Exception {
        try (PosixDevice device = open(0, SIZE)) {
            assertEquals(8192, device.geometry().discardBytes());
            TestIo io = new TestIo(device, loop);
            byte[] data = new byte[1 << 20];
            Arrays.fill(data, (byte) 7);
            io.write(0, data);
            io.flush();
            long before = allocatedBytes();
            assertEquals(Errno.OK, io.command(BlockOperation.DISCARD, 0, 512 << 10, 0));
            io.flush();
            assertEquals(before - (512 << 10), allocatedBytes());
            assertEquals(7, io.read(512 << 10, 4096)[0]);
        }
    }

    @Test
    void onTheSpot() throws Exception {
        IoBufferPool buffers = new IoBufferPool(4 << 20);
        writeAndDiscard(LoopDriver.of(new InlineLoop(new InlineFileEngine(), buffers)));
        buffers.close();
    }

    @Test
    void onThreads() throws Exception {
        try (IoLoops loops = IoLoops.start(1, IoEngineChoice.THREADS, 4 << 20)) {
            writeAndDiscard(LoopDriver.ofThread(loops.loop(0)));
        }
    }

    /** io_uring does not know the call; its loop does not wait for it. */
    @Test
    void besideTheRing() throws Exception {
        try (IoLoops loops = IoLoops.start(2, IoEngineChoice.AUTO, 4 << 20)) {
            assumeTrue(loops.engineName().equals("io_uring"), loops::engineReason);
            writeAndDiscard(LoopDriver.ofThread(loops.loop(1)));
        }
    }

    @Test
    void whatCannotForgetSaysSo() throws Exception {
        try (PosixDevice device = open(0, 0)) {
            assertEquals(0, device.geometry().discardBytes());
        }
    }

    @Test
    void aPartitionAsksItsDisk() throws Exception {
        Path block = Files.createDirectories(sysfs.resolve("dev/block"));
        Path partition = Files.createDirectories(sysfs.resolve("devices/sda/sda1"));
        Files.createDirectories(sysfs.resolve("devices/sda/queue"));
        Files.writeString(sysfs.resolve("devices/sda/queue/discard_max_bytes"), "4096\n");
        Files.createSymbolicLink(block.resolve("8:1"), partition);
        QueueLimits limits = new QueueLimits(sysfs, new DeviceIdentity(true, 8, 1, 0));
        assertTrue(limits.canDiscard());
        assertFalse(limits.canWriteZeroes());
    }
}
