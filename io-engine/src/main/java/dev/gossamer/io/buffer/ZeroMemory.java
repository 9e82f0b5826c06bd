package dev.gossamer.io.buffer;

import java.lang.foreign.Arena;

/** Memory that is always zero, for all threads to write from: the last resort for zeroing a range of a file. */
public final class ZeroMemory {
    /** As long as a large request: one system call for each MiB to be zeroed. */
    public static final int LENGTH_BYTES = 1 << 20;

    /** Page aligned, valid as long as the process. Nobody writes to it. */
    public static final long ADDRESS =
            Arena.global().allocate(LENGTH_BYTES, IoBufferPool.PAGE_BYTES).address();

    private ZeroMemory() {}
}
