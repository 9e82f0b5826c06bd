package dev.gossamer.io.libc;

import jnr.ffi.LibraryLoader;

/** eventfd(2), for tests: a read of a counter that stands at zero waits until somebody adds to it. */
public interface EventFiles {
    /** The C library's. */
    EventFiles CALLS = LibraryLoader.create(EventFiles.class).load("c");

    int eventfd(int count, int flags);

    /** write(2): eight bytes add to the counter. */
    long write(int fd, long address, long lengthBytes);
}
