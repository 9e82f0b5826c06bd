package dev.gossamer.io.posix;

import dev.gossamer.io.Errno;

/**
 * Memory straight from the kernel: page aligned, zero, and not resident before it is first touched. So a large limit costs
 * an idle daemon nothing, unlike memory from the Java library, which is zeroed (and so touched) when it is made.
 */
public final class PageMemory {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x2 | 0x20 | 0x4000;

    private PageMemory() {}

    /** Maps so many bytes; {@link #unmap} ends it. The address is that of a page. */
    public static long map(long lengthBytes) {
        long address = Libc.CALLS.mmap(0, lengthBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
        if (address == -1) {
            throw new OutOfMemoryError("cannot map " + lengthBytes + " bytes: " + Errno.name(Libc.errno()));
        }
        return address;
    }

    public static void unmap(long address, long lengthBytes) {
        Libc.CALLS.munmap(address, lengthBytes);
    }
}
