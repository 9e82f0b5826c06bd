package dev.gossamer.io.posix;

import dev.gossamer.io.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;

/**
 * What statx(2) tells about a file. The structure is the same on every processor:
 *
 * <pre>
 *   0 u32 mask          4 u32 blksize        28 u16 mode          32 u64 ino
 *  80 s64 btime seconds     88 u32 nanoseconds
 * 128 u32 rdev_major  132 u32 rdev_minor    136 u32 dev_major    140 u32 dev_minor
 * 152 u32 dio_mem_align   156 u32 dio_offset_align   ... 256 bytes in all
 * </pre>
 *
 * @param born when the file was made; null if the file system does not keep that
 */
record FileStatus(
        boolean regular,
        boolean blockDevice,
        long inode,
        int blockBytes,
        int directAlignmentBytes,
        Instant born,
        DeviceIdentity identity) {
    /** {@link #directAlignmentBytes}: the kernel or the file system does not say. */
    static final int UNKNOWN = -1;

    private static final int STRUCTURE_BYTES = 256;
    /** Of stx_blocks, whatever the file system's own are. */
    private static final int SECTOR_BYTES = 512;

    private static final int AT_FDCWD = -100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int BASIC_STATS = 0x7ff;
    private static final int BTIME = 0x800;
    private static final int DIOALIGN = 0x2000;
    private static final int S_IFMT = 0xf000;
    private static final int S_IFREG = 0x8000;
    private static final int S_IFBLK = 0x6000;

    /** The file behind a path, through symbolic links; null with {@link Libc#errno} set. */
    static FileStatus of(String path) {
        return read(AT_FDCWD, path, 0);
    }

    /** An open file; null with {@link Libc#errno} set. */
    static FileStatus of(int fd) {
        return read(fd, "", AT_EMPTY_PATH);
    }

    /** Space that a file takes, in bytes; negative if that cannot be told. */
    static long allocatedBytes(String path) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(STRUCTURE_BYTES, 8);
            return Libc.CALLS.statx(AT_FDCWD, path, 0, BASIC_STATS, status.address()) != 0
                    ? -1
                    : bytes(status).getLong(48) * SECTOR_BYTES;
        }
    }

    private static FileStatus read(int directoryFd, String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = arena.allocate(STRUCTURE_BYTES, 8);
            if (Libc.CALLS.statx(directoryFd, path, flags, BASIC_STATS | BTIME | DIOALIGN, memory.address()) != 0) {
                return null;
            }
            ByteBuffer status = bytes(memory);
            int type = status.getShort(28) & S_IFMT;
            boolean block = type == S_IFBLK;
            long inode = status.getLong(32);
            boolean tellsAlignment = (status.getInt(0) & DIOALIGN) != 0;
            return new FileStatus(
                    type == S_IFREG,
                    block,
                    inode,
                    status.getInt(4),
                    tellsAlignment ? status.getInt(156) : UNKNOWN,
                    (status.getInt(0) & BTIME) == 0
                            ? null
                            : Instant.ofEpochSecond(status.getLong(80), status.getInt(88)),
                    block
                            ? new DeviceIdentity(true, status.getInt(128), status.getInt(132), 0)
                            : new DeviceIdentity(false, status.getInt(136), status.getInt(140), inode));
        }
    }

    /** The segment's own accessors are method handles, which a short command would spend its time on making. */
    private static ByteBuffer bytes(MemorySegment memory) {
        return memory.asByteBuffer().order(ByteOrder.nativeOrder());
    }
}
