package dev.gossamer.io.posix;

/**
 * How to open a {@link PosixDevice}.
 *
 * @param readOnly nothing is changed; several processes may read together, but not beside one that writes
 * @param buffered go through the page cache, for file systems that cannot do direct I/O
 */
public record OpenOptions(boolean readOnly, boolean buffered) {
    public static final OpenOptions READ_WRITE = new OpenOptions(false, false);
    public static final OpenOptions READ_ONLY = new OpenOptions(true, false);
}
