package dev.gossamer.io.posix;

import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.Errno;
import dev.gossamer.io.FileEngine.FileAction;
import dev.gossamer.io.Reason;
import dev.gossamer.io.StorageException;
import dev.gossamer.io.libc.Libc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;

/** The steps of opening a {@link PosixDevice}; every refusal names the file and the way out. */
final class DeviceOpening {
    /** O_DIRECT works with this on every disk in use; assumed where the file system does not tell. */
    private static final int SAFE_SECTOR_BYTES = 4096;

    private static final int SMALLEST_SECTOR_BYTES = 512;

    /** udev's look at a device takes some hundredths of a second, on a busy machine more. */
    private static final long LOCK_NANOS = 2_000_000_000L;

    private static final long LOCK_PAUSE_NANOS = 10_000_000L;

    private final Path path;
    private final OpenOptions options;
    private final int fileDescriptor;
    private final QueueLimits limits;
    private FileStatus status;

    /**
     * Opens and locks.
     *
     * @param sysfs where the limits of block devices are told
     */
    DeviceOpening(Path path, OpenOptions options, Path sysfs) throws StorageException {
        this.path = path;
        this.options = options;
        int name = Libc.CALLS.open(path.toString(), Libc.O_PATH | Libc.O_CLOEXEC, 0);
        if (name < 0) {
            throw refusal(Libc.errno(), "cannot open " + path);
        }
        try {
            fileDescriptor = openNamed(name);
        } finally {
            Libc.CALLS.close(name);
        }
        try {
            status = FileStatus.of(fileDescriptor);
            if (status == null) {
                throw refusal(Libc.errno(), "cannot examine " + path);
            }
            limits = new QueueLimits(sysfs, status.identity());
            if (options.others() != OpenOptions.Others.ANY) {
                lock();
            }
        } catch (StorageException | RuntimeException | Error e) {
            abandon();
            throw e;
        }
    }

    /** Whether it goes through the page cache. */
    boolean isBuffered() {
        return options.buffered();
    }

    /**
     * Opens what the name led to when it was resolved, and nothing else: once a device is opened, even to be closed
     * again, it may have done something (a tape goes back, a FIFO is waited for).
     *
     * @param name a descriptor with O_PATH
     */
    private int openNamed(int name) throws StorageException {
        FileStatus found = FileStatus.of(name);
        if (found == null) {
            throw refusal(Libc.errno(), "cannot examine " + path);
        }
        if (!found.regular() && !found.blockDevice()) {
            throw new StorageException(Errno.EINVAL, path + " is neither a regular file nor a block device");
        }
        Path link = Path.of("/proc/self/fd/" + name);
        options.admission().admit(leadsTo(link), found.identity());
        return openFile(link, found);
    }

    private Path leadsTo(Path link) throws StorageException {
        try {
            return Files.readSymbolicLink(link);
        } catch (IOException e) {
            throw new StorageException(Errno.EIO, "cannot examine " + path + ": " + Reason.of(e), e);
        }
    }

    private int openFile(Path link, FileStatus found) throws StorageException {
        int flags = Libc.O_CLOEXEC | (options.readOnly() ? Libc.O_RDONLY : Libc.O_RDWR);
        boolean exclusive = options.readOnly()
                ? options.others() == OpenOptions.Others.NO_HOLDERS
                : options.others() != OpenOptions.Others.HOLDERS;
        if (found.blockDevice() && exclusive) {
            flags |= Libc.O_EXCL; // refused while a file system, LVM or another O_EXCL user has the device
        }
        if (!options.buffered()) {
            if (found.directAlignmentBytes() == 0) {
                throw noDirectIo();
            }
            flags |= Libc.O_DIRECT;
        }
        int fd = Libc.CALLS.open(link.toString(), flags, 0);
        if (fd >= 0) {
            return fd;
        }
        int errno = Libc.errno();
        if (errno == Errno.EINVAL && !options.buffered()) {
            throw noDirectIo();
        }
        if (errno == Errno.EBUSY) {
            throw new StorageException(errno, path + " is in use: mounted, part of another device, or open elsewhere");
        }
        throw refusal(errno, "cannot open " + path);
    }

    private StorageException noDirectIo() {
        return new StorageException(
                Errno.EINVAL, path + " is on a file system without direct I/O; use --buffered, or move it");
    }

    private static StorageException refusal(int errno, String what) {
        return new StorageException(errno, what + ": " + Libc.message(errno));
    }

    /**
     * The lock belongs to the open file, so it also keeps this process from opening one device twice. Whoever looks at
     * a device for a moment, as udev does after every change, takes the same lock to read: writing waits some time for
     * it.
     */
    private void lock() throws StorageException {
        int operation = (options.readOnly() ? Libc.LOCK_SH : Libc.LOCK_EX) | Libc.LOCK_NB;
        long end = System.nanoTime() + LOCK_NANOS;
        while (Libc.CALLS.flock(fileDescriptor, operation) != 0) {
            int errno = Libc.errno();
            if (errno != Errno.EAGAIN && errno != Errno.EINTR) {
                throw refusal(errno, "cannot lock " + path);
            }
            if (options.readOnly()
                    || System.nanoTime() - end > 0
                    || Thread.currentThread().isInterrupted()) {
                throw new StorageException(
                        Errno.EBUSY, path + " is in use by another process" + LockHolder.describe(status.inode()));
            }
            LockSupport.parkNanos(LOCK_PAUSE_NANOS);
        }
    }

    int fileDescriptor() {
        return fileDescriptor;
    }

    DeviceIdentity identity() {
        return status.identity();
    }

    String identityName() {
        return IdentityName.of(status);
    }

    BlockGeometry geometry() throws StorageException {
        int sector = sectorBytes();
        long size = sizeOf(fileDescriptor, path);
        if (size % sector != 0 && options.readOnly()) {
            // Whoever only reads reads what there is: a file that was cut short, or is something else.
            return new BlockGeometry(size - size % sector, sector, true, 0);
        }
        if (size % sector != 0) {
            long larger = Math.ceilDiv(size, sector) * sector;
            throw new StorageException(
                    Errno.EINVAL,
                    path + " has " + size + " bytes, no multiple of its " + sector
                            + "-byte sectors; enlarge it: truncate -s " + larger + " " + path);
        }
        return new BlockGeometry(size, sector, options.readOnly(), discardBytes(sector));
    }

    private int sectorBytes() throws StorageException {
        if (status.blockDevice()) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment answer = arena.allocate(ValueLayout.JAVA_INT);
                if (Libc.CALLS.ioctl(fileDescriptor, Libc.BLKSSZGET, answer.address()) != 0) {
                    throw refusal(Libc.errno(), "cannot read the sector size of " + path);
                }
                return answer.get(ValueLayout.JAVA_INT, 0);
            }
        }
        if (options.buffered()) {
            return SMALLEST_SECTOR_BYTES;
        }
        int told = status.directAlignmentBytes();
        return told == FileStatus.UNKNOWN ? SAFE_SECTOR_BYTES : Math.max(told, SMALLEST_SECTOR_BYTES);
    }

    /** The end of a file or block device. */
    static long sizeOf(int fd, Path path) throws StorageException {
        long size = Libc.CALLS.lseek(fd, 0, Libc.SEEK_END);
        if (size < 0) {
            throw refusal(Libc.errno(), "cannot read the size of " + path);
        }
        return size;
    }

    private long discardBytes(int sector) throws StorageException {
        if (discardAction() == null) {
            return 0;
        }
        if (status.blockDevice()) {
            return Math.max(sector, limits.discardGranularityBytes());
        }
        return Math.max(sector, status.blockBytes());
    }

    /** How a range is given back, or null where that cannot be done. */
    FileAction discardAction() throws StorageException {
        if (supportsPunch()) {
            return FileAction.PUNCH_HOLE;
        }
        boolean discards = status.blockDevice() && !options.readOnly() && limits.canDiscard();
        return discards ? FileAction.BLOCK_DISCARD : null;
    }

    /** Whether PUNCH_HOLE works; asked in ways that change nothing. */
    boolean supportsPunch() throws StorageException {
        if (options.readOnly()) {
            return false;
        }
        if (status.blockDevice()) {
            // The block layer carries out PUNCH_HOLE as a write-zeroes command, or refuses.
            return limits.canWriteZeroes();
        }
        // Beyond the end of the file there is nothing that could go.
        long beyond = Math.ceilDiv(sizeOf(fileDescriptor, path), SAFE_SECTOR_BYTES) * SAFE_SECTOR_BYTES;
        int mode = Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE;
        return Libc.CALLS.fallocate(fileDescriptor, mode, beyond, SAFE_SECTOR_BYTES) == 0;
    }

    /** Undoes the opening. */
    void abandon() {
        Libc.CALLS.close(fileDescriptor);
    }
}
