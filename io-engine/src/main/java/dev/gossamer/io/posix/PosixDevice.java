package dev.gossamer.io.posix;

import dev.gossamer.io.BlockCompletion;
import dev.gossamer.io.BlockDevice;
import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.BlockOperation;
import dev.gossamer.io.BlockRequest;
import dev.gossamer.io.DeviceHealth;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine;
import dev.gossamer.io.FileEngine.FileAction;
import dev.gossamer.io.Invariant;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.libc.Libc;
import java.nio.file.Path;

/**
 * A file or block device of the operating system, opened for direct I/O and locked against other processes.
 *
 * <p>How a request reaches the kernel is its loop's choice ({@link FileEngine}); this class checks the range and picks
 * the call. Zeroing takes the cheapest call that the file supports: what is missing is found out at the first use,
 * because asking would change the file, and remembered.
 */
public final class PosixDevice implements BlockDevice {
    private static final int ENOSYS = 38;

    private final Path path;
    private final int fileDescriptor;
    private final boolean blockDevice;
    private final DeviceIdentity identity;
    private final String identityName;
    // Null where nothing can be given back.
    private final FileAction discardAction;
    private final DeviceHealth health;
    private final DeviceSyncs syncs;
    private final BlockCompletion afterPunch = this::punched;
    private final BlockCompletion afterZeroRange = this::zeroRanged;

    // Written by refreshSize, read by every loop; a record, so any reader sees one consistent geometry.
    private volatile BlockGeometry geometry;
    // Go from true to false once, by whichever loop finds out; others may try in vain a little longer.
    private volatile boolean canPunch;
    private volatile boolean canZeroRange = true;

    private PosixDevice(Path path, DeviceOpening opening) throws StorageException {
        this.path = path;
        this.health = new DeviceHealth(this, opening.isBuffered());
        this.fileDescriptor = opening.fileDescriptor();
        this.syncs = new DeviceSyncs(fileDescriptor, health);
        this.identity = opening.identity();
        this.identityName = opening.identityName();
        this.blockDevice = identity.blockDevice();
        this.geometry = opening.geometry();
        this.discardAction = opening.discardAction();
        this.canPunch = discardAction == FileAction.PUNCH_HOLE;
    }

    /**
     * Opens and locks a device.
     *
     * @throws StorageException EBUSY if another process has it, EINVAL if it cannot serve as a device, else open(2)'s
     *     error
     */
    public static PosixDevice open(Path path, OpenOptions options) throws StorageException {
        return open(path, options, QueueLimits.SYSTEM);
    }

    /** @param sysfs where the limits of block devices are told */
    static PosixDevice open(Path path, OpenOptions options, Path sysfs) throws StorageException {
        DeviceOpening opening = new DeviceOpening(path, options, sysfs);
        try {
            return new PosixDevice(path, opening);
        } catch (StorageException | RuntimeException | Error e) {
            opening.abandon();
            throw e;
        }
    }

    public DeviceIdentity identity() {
        return identity;
    }

    @Override
    public String identityName() {
        return identityName;
    }

    @Override
    public BlockGeometry geometry() {
        return geometry;
    }

    @Override
    public DeviceHealth health() {
        return health;
    }

    /** Looks again how large the device is, after someone has resized it. Blocks briefly; control path only. */
    public BlockGeometry refreshSize() throws StorageException {
        BlockGeometry old = geometry;
        long size = DeviceOpening.sizeOf(fileDescriptor, path);
        geometry = new BlockGeometry(
                size - size % old.alignmentBytes(), old.alignmentBytes(), old.readOnly(), old.discardBytes());
        return geometry;
    }

    /**
     * Makes a file at least so large; a block device can only be looked at again. The next FLUSH makes the size stable.
     * Blocks briefly; control path only.
     *
     * @return the size now
     * @throws StorageException EINVAL if a block device is smaller, else ftruncate(2)'s error; the size is unchanged
     *     then
     */
    public long grow(long atLeastBytes) throws StorageException {
        BlockGeometry present = refreshSize();
        if (present.sizeBytes() >= atLeastBytes) {
            return present.sizeBytes();
        }
        if (blockDevice) {
            throw new StorageException(
                    Errno.EINVAL,
                    path + " has " + present.sizeBytes() + " bytes; enlarge the device itself to " + atLeastBytes
                            + " first, for example with lvextend");
        }
        int alignment = present.alignmentBytes();
        if (Libc.CALLS.ftruncate(fileDescriptor, Math.ceilDiv(atLeastBytes, alignment) * alignment) != 0) {
            int errno = Libc.errno();
            throw new StorageException(
                    errno, "cannot extend " + path + " to " + atLeastBytes + " bytes: " + Libc.message(errno));
        }
        return refreshSize().sizeBytes();
    }

    /**
     * Cuts a file; a block device keeps its size. Nobody uses what is behind its new end. Blocks; control path only.
     *
     * @throws StorageException ftruncate(2)'s error; the size is unchanged then
     */
    public void cut(long toBytes) throws StorageException {
        if (blockDevice || refreshSize().sizeBytes() <= toBytes) {
            return;
        }
        int alignment = geometry().alignmentBytes();
        if (Libc.CALLS.ftruncate(fileDescriptor, Math.ceilDiv(toBytes, alignment) * alignment) != 0) {
            int errno = Libc.errno();
            throw new StorageException(
                    errno, "cannot cut " + path + " to " + toBytes + " bytes: " + Libc.message(errno));
        }
        refreshSize();
    }

    /**
     * Takes all the space of a file from its file system, so that no write to it finds that full. Nothing to do for a
     * block device. Blocks; control path only.
     *
     * @throws StorageException ENOSPC if there is not so much, EOPNOTSUPP if the file system cannot do that
     */
    public void allocate() throws StorageException {
        if (!blockDevice) {
            PosixFiles.allocate(fileDescriptor, path, refreshSize().sizeBytes());
        }
    }

    /** A file tells: its holes. A block device keeps no account of what is zero. */
    @Override
    public boolean readsAsZeros(long offsetBytes, long lengthBytes) {
        if (blockDevice) {
            return false;
        }
        long firstData = Libc.CALLS.lseek(fileDescriptor, offsetBytes, Libc.SEEK_DATA);
        return firstData < 0 ? Libc.errno() == Libc.ENXIO : firstData >= offsetBytes + lengthBytes;
    }

    @Override
    public void submit(BlockRequest request) {
        BlockOperation operation = request.operation();
        FileEngine files = request.loop().files();
        if (operation == BlockOperation.FLUSH) {
            if (health.admit(request)) {
                syncs.submit(request);
            }
            return;
        }
        int errno = check(request, operation, geometry);
        if (errno != Errno.OK || request.lengthBytes() == 0) {
            request.complete(errno);
            return;
        }
        health.admit(request);
        switch (operation) {
            case READ -> files.submit(FileAction.READ, fileDescriptor, request);
            case WRITE -> files.submit(FileAction.WRITE, fileDescriptor, request);
            case DISCARD -> files.submit(discardAction, fileDescriptor, request);
            case WRITE_ZEROES -> zero(request, files);
            case FLUSH -> throw new AssertionError("handled above");
        }
    }

    private static int check(BlockRequest request, BlockOperation operation, BlockGeometry geometry) {
        if (geometry.readOnly() && operation != BlockOperation.READ) {
            return Errno.EROFS;
        }
        if (operation == BlockOperation.DISCARD && geometry.discardBytes() == 0) {
            return Errno.EOPNOTSUPP;
        }
        if (!geometry.contains(request.offsetBytes(), request.lengthBytes())
                || !geometry.isAligned(request.offsetBytes(), request.lengthBytes())) {
            return Errno.EINVAL;
        }
        if (operation == BlockOperation.READ || operation == BlockOperation.WRITE) {
            // The kernel would read or write whatever memory lies behind the buffer.
            Invariant.check(
                    request.bufferOffsetBytes() >= 0
                            && request.lengthBytes() <= request.buffer().capacityBytes() - request.bufferOffsetBytes(),
                    "request larger than its buffer");
            return geometry.isAligned(request.address(), 0) ? Errno.OK : Errno.EINVAL;
        }
        return Errno.OK;
    }

    // The order of preference: give the space back if that is allowed, let the file system or disk zero it, write
    // zeros.
    private void zero(BlockRequest request, FileEngine files) {
        boolean mayUnmap = !request.hasFlag(BlockRequest.NO_UNMAP);
        boolean mustBeFast = request.hasFlag(BlockRequest.FAST_ZERO);
        // On a block device the kernel quietly writes zeros when the disk has no command for it.
        boolean zeroRange = canZeroRange && !(mustBeFast && blockDevice);
        if (mayUnmap && canPunch) {
            request.push(afterPunch);
            files.submit(FileAction.PUNCH_HOLE, fileDescriptor, request);
        } else if (zeroRange) {
            request.push(afterZeroRange);
            files.submit(FileAction.ZERO_RANGE, fileDescriptor, request);
        } else if (mustBeFast) {
            request.complete(Errno.EOPNOTSUPP);
        } else {
            files.submit(FileAction.ZERO_FILL, fileDescriptor, request);
        }
    }

    private void punched(BlockRequest request, int errno) {
        if (isUnsupported(errno)) {
            canPunch = false;
            zero(request, request.loop().files());
        } else {
            request.complete(errno);
        }
    }

    private void zeroRanged(BlockRequest request, int errno) {
        if (isUnsupported(errno)) {
            canZeroRange = false;
            zero(request, request.loop().files());
        } else {
            request.complete(errno);
        }
    }

    private static boolean isUnsupported(int errno) {
        return errno == Errno.EOPNOTSUPP || errno == ENOSYS;
    }

    /** Closes the file, which also gives up the lock. */
    @Override
    public void close() {
        Libc.CALLS.close(fileDescriptor);
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
