package dev.gossamer.io.posix;

import dev.gossamer.io.BlockGeometry;
import dev.gossamer.io.Errno;
import dev.gossamer.io.StorageException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/** The steps of opening a {@link PosixDevice}; every refusal names the file and the way out. */
final class DeviceOpening {
    /** O_DIRECT works with this on every disk in use; assumed where the file system does not tell. */
    private static final int SAFE_SECTOR_BYTES = 4096;

    private static final int SMALLEST_SECTOR_BYTES = 512;

    private final Path path;
    private final OpenOptions options;
    private final int fileDescriptor;
    private FileStatus status;

    /** Opens and locks. */
    DeviceOpening(Path path, OpenOptions options) throws StorageException {
        this.path = path;
        this.options = options;
        FileStatus found = FileStatus.of(path.toString());
        if (found == null) {
            throw refusal(Libc.errno(), "cannot open " + path);
        }
        if (!found.regular() && !found.blockDevice()) {
            throw new StorageException(Errno.EINVAL, path + " is neither a regular file nor a block device");
        }
        fileDescriptor = openFile(found);
        status = FileStatus.of(fileDescriptor);
        if (status == null) {
            int errno = Libc.errno();
            abandon();
            throw refusal(errno, "cannot examine " + path);
        }
        try {
            lock();
        } catch (StorageException e) {
            abandon();
            throw e;
        }
    }

    private int openFile(FileStatus found) throws StorageException {
        int flags = Libc.O_CLOEXEC | (options.readOnly() ? Libc.O_RDONLY : Libc.O_RDWR);
        if (found.blockDevice() && !options.readOnly()) {
            flags |= Libc.O_EXCL; // refused while a file system, LVM or another O_EXCL user has the device
        }
        if (!options.buffered()) {
            if (found.directAlignmentBytes() == 0) {
                throw noDirectIo();
            }
            flags |= Libc.O_DIRECT;
        }
        int fd = Libc.CALLS.open(path.toString(), flags, 0);
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

    // The lock belongs to the open file, so it also keeps this process from opening one device twice.
    private void lock() throws StorageException {
        int operation = (options.readOnly() ? Libc.LOCK_SH : Libc.LOCK_EX) | Libc.LOCK_NB;
        if (Libc.CALLS.flock(fileDescriptor, operation) == 0) {
            return;
        }
        int errno = Libc.errno();
        if (errno != Errno.EAGAIN) {
            throw refusal(errno, "cannot lock " + path);
        }
        long inode = status.inode();
        throw new StorageException(Errno.EBUSY, path + " is in use by another process" + LockHolder.describe(inode));
    }

    int fileDescriptor() {
        return fileDescriptor;
    }

    DeviceIdentity identity() {
        return status.identity();
    }

    BlockGeometry geometry() throws StorageException {
        int sector = sectorBytes();
        long size = sizeOf(fileDescriptor, path);
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
        if (!supportsPunch()) {
            return 0;
        }
        if (status.blockDevice()) {
            return Math.max(sector, queueLimit("discard_granularity"));
        }
        return Math.max(sector, status.blockBytes());
    }

    /** Whether PUNCH_HOLE works; asked in ways that change nothing. */
    boolean supportsPunch() throws StorageException {
        if (options.readOnly()) {
            return false;
        }
        if (status.blockDevice()) {
            // The block layer carries out PUNCH_HOLE as a write-zeroes command, or refuses.
            return queueLimit("write_zeroes_max_bytes") > 0;
        }
        // Beyond the end of the file there is nothing that could go.
        long beyond = Math.ceilDiv(sizeOf(fileDescriptor, path), SAFE_SECTOR_BYTES) * SAFE_SECTOR_BYTES;
        int mode = Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE;
        return Libc.CALLS.fallocate(fileDescriptor, mode, beyond, SAFE_SECTOR_BYTES) == 0;
    }

    // 0 when sysfs is missing or does not tell.
    private long queueLimit(String name) {
        DeviceIdentity id = status.identity();
        Path device = Path.of("/sys/dev/block/" + id.major() + ":" + id.minor());
        // A partition shares the queue of its disk, one directory up.
        Path ofDisk = device.resolve("queue").resolve(name);
        Path limit = Files.exists(ofDisk) ? ofDisk : device.resolve("../queue").resolve(name);
        try {
            return Long.parseLong(Files.readString(limit).trim());
        } catch (IOException | NumberFormatException e) {
            return 0;
        }
    }

    /** Undoes the opening. */
    void abandon() {
        Libc.CALLS.close(fileDescriptor);
    }
}
