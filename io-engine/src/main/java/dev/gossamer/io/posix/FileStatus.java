package dev.gossamer.io.posix;

import dev.gossamer.io.libc.Libc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What statx(2) tells about a file. The structure is the same on every processor:
 *
 * <pre>
 *   0 u32 mask          4 u32 blksize        28 u16 mode          32 u64 ino
 * 128 u32 rdev_major  132 u32 rdev_minor    136 u32 dev_major    140 u32 dev_minor
 * 152 u32 dio_mem_align   156 u32 dio_offset_align   ... 256 bytes in all
 * </pre>
 */
record FileStatus(
        boolean regular,
        boolean blockDevice,
        long inode,
        int blockBytes,
        int directAlignmentBytes,
        DeviceIdentity identity) {
    /** {@link #directAlignmentBytes}: the kernel or the file system does not say. */
    static final int UNKNOWN = -1;

    private static final int STRUCTURE_BYTES = 256;
    /** Of stx_blocks, whatever the file system's own are. */
    private static final int SECTOR_BYTES = 512;

    private static final int AT_FDCWD = -100;
    private static final int AT_EMPTY_PATH = 0x1000;
    private static final int BASIC_STATS = 0x7ff;
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
                    : status.get(ValueLayout.JAVA_LONG, 48) * SECTOR_BYTES;
        }
    }

    private static FileStatus read(int directoryFd, String path, int flags) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment status = arena.allocate(STRUCTURE_BYTES, 8);
            if (Libc.CALLS.statx(directoryFd, path, flags, BASIC_STATS | DIOALIGN, status.address()) != 0) {
                return null;
            }
            int type = status.get(ValueLayout.JAVA_SHORT, 28) & S_IFMT;
            boolean block = type == S_IFBLK;
            long inode = status.get(ValueLayout.JAVA_LONG, 32);
            boolean tellsAlignment = (u32(status, 0) & DIOALIGN) != 0;
            return new FileStatus(
                    type == S_IFREG,
                    block,
                    inode,
                    u32(status, 4),
                    tellsAlignment ? u32(status, 156) : UNKNOWN,
                    block
                            ? new DeviceIdentity(true, u32(status, 128), u32(status, 132), 0)
                            : new DeviceIdentity(false, u32(status, 136), u32(status, 140), inode));
        }
    }

    private static int u32(MemorySegment status, int offset) {
        return status.get(ValueLayout.JAVA_INT, offset);
    }
}
