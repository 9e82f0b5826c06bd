package dev.gossamer.io.posix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.InlineLoop;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.buffer.IoBufferPool;
import dev.gossamer.io.libc.Libc;
import dev.gossamer.io.sim.LoopDriver;
import dev.gossamer.io.sim.TestIo;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PosixDeviceTest {
    private static final long SIZE = 4 << 20;

    private final IoBufferPool buffers = new IoBufferPool(4 << 20);
    private final InlineLoop loop = new InlineLoop(new InlineFileEngine(), buffers);
    private final Path file = Path.of("target", "posix-device");

    @BeforeEach
    void create() throws IOException {
        Files.deleteIfExists(file);
        PosixFiles.create(file, SIZE);
    }

    @AfterEach
    void delete() throws IOException {
        Files.deleteIfExists(file);
        buffers.close();
    }

    private TestIo ioOn(PosixDevice device) {
        return new TestIo(device, LoopDriver.of(loop));
    }

    private static StorageException refused(Path path, OpenOptions options) {
        return assertThrows(
                StorageException.class, () -> PosixDevice.open(path, options).close());
    }

    private static void assertMessage(StorageException e, int errno, String... parts) {
        assertEquals(errno, e.errno(), e::getMessage);
        for (String part : parts) {
            assertTrue(e.getMessage().contains(part), () -> "\"" + part + "\" is not in: " + e.getMessage());
        }
    }

    @Test
    void aSecondWriterIsRefusedAndToldWhoHasTheFile() throws IOException {
        try (PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            String holder = "process " + ProcessHandle.current().pid();
            assertMessage(refused(file, OpenOptions.READ_WRITE), Errno.EBUSY, device.toString(), "is in use", holder);
            assertMessage(refused(file, OpenOptions.READ_ONLY), Errno.EBUSY, "is in use", holder);
        }
        PosixDevice.open(file, OpenOptions.READ_WRITE).close();
    }

    /** udev looks at a device for a moment whenever something has changed, with a lock as a reader has one. */
    @Test
    void aLockThatIsHeldForAMomentIsWaitedFor() throws Exception {
        PosixDevice moment = PosixDevice.open(file, OpenOptions.READ_ONLY);
        CountDownLatch begun = new CountDownLatch(1);
        Thread udev = Thread.ofPlatform().start(() -> {
            begun.countDown();
            LockSupport.parkNanos(200_000_000L);
            moment.close();
        });
        begun.await();
        PosixDevice.open(file, OpenOptions.READ_WRITE).close();
        udev.join();
    }

    @Test
    void readersShareTheFileButKeepWritersOut() throws IOException {
        try (PosixDevice first = PosixDevice.open(file, OpenOptions.READ_ONLY);
                PosixDevice second = PosixDevice.open(file, OpenOptions.READ_ONLY)) {
            assertEquals(first.geometry(), second.geometry());
            assertMessage(refused(file, OpenOptions.READ_WRITE), Errno.EBUSY, "is in use");
        }
    }

    @Test
    void whatIsNoDeviceIsRefusedByName() {
        assertMessage(refused(Path.of("target", "no-such-file"), OpenOptions.READ_WRITE), 2, "no-such-file");
        assertMessage(refused(Path.of("target"), OpenOptions.READ_WRITE), Errno.EINVAL, "target", "neither");
        assertMessage(refused(Path.of("/dev/null"), OpenOptions.READ_WRITE), Errno.EINVAL, "/dev/null", "neither");
    }

    @Test
    void aSizeThatIsNoMultipleOfASectorIsRefusedWithTheWayOut() throws IOException {
        PosixFiles.grow(file, SIZE + 100);
        StorageException e = refused(file, new OpenOptions(false, true));
        assertMessage(e, Errno.EINVAL, "posix-device", "truncate -s " + (SIZE + 512) + " ");
    }

    @Test
    void linksLeadToTheSameIdentity() throws IOException {
        Path symbolic = Path.of("target", "posix-device-symlink");
        Path hard = Path.of("target", "posix-device-hardlink");
        Path other = Path.of("target", "posix-device-other");
        try {
            Files.createSymbolicLink(symbolic, file.getFileName());
            Files.createLink(hard, file);
            PosixFiles.create(other, SIZE);
            DeviceIdentity identity = identityOf(file);
            assertEquals(identity, identityOf(symbolic));
            assertEquals(identity, identityOf(hard));
            assertNotEquals(identity, identityOf(other));
        } finally {
            Files.deleteIfExists(symbolic);
            Files.deleteIfExists(hard);
            Files.deleteIfExists(other);
        }
    }

    private static DeviceIdentity identityOf(Path path) throws IOException {
        try (PosixDevice device = PosixDevice.open(path, OpenOptions.READ_ONLY)) {
            return device.identity();
        }
    }

    @Test
    void holesOfAFileAreKnownToBeZero() throws Exception {
        byte[] data = new byte[64 << 10];
        Arrays.fill(data, (byte) 7);
        try (PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            assumeTrue(device.geometry().discardBytes() > 0, "this file system cannot punch holes");
            TestIo io = ioOn(device);
            assertTrue(device.readsAsZeros(0, SIZE), "a new file is one hole");
            io.write(1 << 20, data);
            assertTrue(device.readsAsZeros(0, 1 << 20));
            assertTrue(device.readsAsZeros((1 << 20) + data.length, SIZE - (1 << 20) - data.length));
            assertFalse(device.readsAsZeros(0, SIZE));
            assertFalse(device.readsAsZeros(1 << 20, 4096));
            assertFalse(device.readsAsZeros((1 << 20) - 4096, 8192));
            assertEquals(Errno.OK, io.command(BlockOperation.DISCARD, 1 << 20, data.length, 0));
            assertTrue(device.readsAsZeros(0, SIZE), "what was discarded is a hole again");
        }
    }

    @Test
    void discardGivesSpaceBackAndNoUnmapKeepsIt() throws Exception {
        byte[] data = new byte[1 << 20];
        Arrays.fill(data, (byte) 7);
        try (PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            assumeTrue(device.geometry().discardBytes() > 0, "this file system cannot punch holes");
            TestIo io = ioOn(device);
            io.write(0, data);
            io.flush();
            assertEquals(1 << 20, allocatedBytes());
            assertEquals(Errno.OK, io.command(BlockOperation.WRITE_ZEROES, 0, 64 << 10, BlockRequest.NO_UNMAP));
            assertEquals(1 << 20, allocatedBytes());
            assertEquals(Errno.OK, io.command(BlockOperation.DISCARD, 0, 256 << 10, 0));
            assertEquals(768 << 10, allocatedBytes());
            assertEquals(Errno.OK, io.command(BlockOperation.WRITE_ZEROES, 256 << 10, 256 << 10, 0));
            assertEquals(512 << 10, allocatedBytes());
            assertArrayEquals(new byte[512 << 10], io.read(0, 512 << 10));
        }
    }

    private long allocatedBytes() throws Exception {
        return LoopDevices.allocatedBytes(file);
    }

    /** tmpfs can punch holes but not zero ranges, so NO_UNMAP falls back to writing zeros. */
    @Test
    void withoutZeroRangeZerosAreWritten() throws Exception {
        Path shm = Path.of("/dev/shm");
        assumeTrue(Files.isWritable(shm) && Files.getFileStore(shm).type().equals("tmpfs"), "no tmpfs");
        Path onTmpfs = shm.resolve("gossamer-test-" + ProcessHandle.current().pid());
        PosixFiles.create(onTmpfs, SIZE);
        try (PosixDevice device = PosixDevice.open(onTmpfs, new OpenOptions(false, true))) {
            TestIo io = ioOn(device);
            byte[] ones = new byte[3 << 20];
            Arrays.fill(ones, (byte) 1);
            io.write(0, ones);
            int flags = BlockRequest.NO_UNMAP | BlockRequest.FUA;
            long length = (2 << 20) + 512;
            assertEquals(Errno.OK, io.command(BlockOperation.WRITE_ZEROES, 512, length, flags));
            Arrays.fill(ones, 512, 512 + (int) length, (byte) 0);
            assertArrayEquals(ones, io.read(0, 3 << 20));
            assertEquals(
                    Errno.EOPNOTSUPP,
                    io.command(BlockOperation.WRITE_ZEROES, 0, 4096, BlockRequest.NO_UNMAP | BlockRequest.FAST_ZERO));
        } finally {
            Files.delete(onTmpfs);
        }
    }

    @Test
    void aGrownFileIsSeenAfterARefresh() throws Exception {
        try (PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            PosixFiles.grow(file, 2 * SIZE);
            assertEquals(SIZE, device.geometry().sizeBytes());
            assertEquals(2 * SIZE, device.refreshSize().sizeBytes());
            assertEquals(2 * SIZE, device.geometry().sizeBytes());
            assertArrayEquals(new byte[4096], ioOn(device).read(SIZE, 4096));
        }
        PosixFiles.grow(file, SIZE);
        assertEquals(2 * SIZE, Files.size(file));
    }

    @Test
    void aFileCutShortWhileOpenGivesAnError() throws Exception {
        try (PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            Files.write(file, new byte[0]);
            assertEquals(Errno.EIO, ioOn(device).run(TestIo.Io.read(0, 4096)));
        }
    }

    @Test
    void creatingAFileThatExistsIsRefused() {
        StorageException e = assertThrows(StorageException.class, () -> PosixFiles.create(file, SIZE));
        assertMessage(e, 17, "posix-device");
        assertTrue(Files.exists(file));
    }

    @Test
    void aBlockDeviceWorksAndHasOneUser() throws Exception {
        Path loopDevice = LoopDevices.attach(file);
        try (PosixDevice device = PosixDevice.open(loopDevice, OpenOptions.READ_WRITE)) {
            assertEquals(SIZE, device.geometry().sizeBytes());
            assertEquals(4096, device.geometry().alignmentBytes());
            assertTrue(device.identity().blockDevice());
            assertMessage(refused(loopDevice, OpenOptions.READ_WRITE), Errno.EBUSY, loopDevice.toString(), "in use");
            assertMessage(refused(loopDevice, OpenOptions.READ_ONLY), Errno.EBUSY, "in use by another process");
            TestIo io = ioOn(device);
            byte[] data = new byte[64 << 10];
            Arrays.fill(data, (byte) 5);
            io.write(8192, data);
            assertArrayEquals(data, io.read(8192, data.length));
            assertEquals(Errno.OK, io.command(BlockOperation.WRITE_ZEROES, 8192, 4096, BlockRequest.FUA));
            assertEquals(Errno.OK, io.command(BlockOperation.WRITE_ZEROES, 12288, 4096, BlockRequest.NO_UNMAP));
            Arrays.fill(data, 0, 8192, (byte) 0);
            assertArrayEquals(data, io.read(8192, data.length));
            assertEquals(Errno.EINVAL, io.run(TestIo.Io.read(512, 4096)));
            io.flush();
        } finally {
            LoopDevices.detach(loopDevice);
        }
    }

    @Test
    void directIoHasItsOwnFlagOnEachProcessor() {
        assertEquals(040000, Libc.oDirect("amd64"));
        assertEquals(0200000, Libc.oDirect("aarch64"));
    }

    @Test
    void aFileWhoseSyncHasFailedIsNotSyncedAgainUntilItIsOpenedAgain() throws Exception {
        int[] syncs = new int[1];
        InlineFileEngine files = new InlineFileEngine();
        InlineLoop failing = new InlineLoop(
                new FileEngine() {
                    @Override
                    public void submit(FileAction action, int fileDescriptor, BlockRequest request) {
                        if (action == FileAction.SYNC && syncs[0]++ == 0) {
                            request.complete(Errno.EIO);
                        } else {
                            files.submit(action, fileDescriptor, request);
                        }
                    }

                    @Override
                    public String name() {
                        return "fails once";
                    }
                },
                buffers);
        try (PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            TestIo io = new TestIo(device, LoopDriver.of(failing));
            io.write(0, new byte[4096]);
            assertEquals(Errno.EIO, io.command(BlockOperation.FLUSH, 0, 0, 0));
            assertEquals(Errno.EIO, io.command(BlockOperation.FLUSH, 0, 0, 0), "the kernel has told of it once");
            assertEquals(1, syncs[0]);
            assertTrue(device.health().isFailed());
            io.write(0, new byte[4096]);
            io.read(0, 4096);
        }
        try (PosixDevice device = PosixDevice.open(file, OpenOptions.READ_WRITE)) {
            assertEquals(Errno.OK, ioOn(device).command(BlockOperation.FLUSH, 0, 0, 0));
        }
    }
}
