package dev.gossamer.io.libc;

/**
 * Memory straight from the kernel: page aligned, zero, and not resident before it is first touched. So a large limit
 * costs an idle daemon nothing, unlike memory from the Java library, which is zeroed (and so touched) when it is made.
 */
public final class PageMemory {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x2 | 0x20 | 0x4000;

    private static final int MADV_HUGEPAGE = 14;
    private static final int HUGE_PAGE_BYTES = 2 << 20;

    private PageMemory() {}

    /**
     * Maps so many bytes; {@link #unmap} ends it. The address is that of a page.
     *
     * <p>From 2 MiB on the kernel is asked for huge pages: a transfer of 128 KiB is then one piece of memory for the
     * disk, not 32, and is looked up once, not 32 times. (128 KiB reads: 0.6 of the CPU in one run. Registered buffers
     * gained 0.9, cost pinned memory and were not taken.) A kernel that has none, or not now, gives small ones.
     */
    public static long map(long lengthBytes) {
        long address = Libc.CALLS.mmap(0, lengthBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
        if (address == -1) {
            throw new OutOfMemoryError("cannot map " + lengthBytes + " bytes: " + Libc.message(Libc.errno()));
        }
        if (lengthBytes >= HUGE_PAGE_BYTES) {
            Libc.CALLS.madvise(address, lengthBytes, MADV_HUGEPAGE);
        }
        return address;
    }

    public static void unmap(long address, long lengthBytes) {
        Libc.CALLS.munmap(address, lengthBytes);
    }
}
