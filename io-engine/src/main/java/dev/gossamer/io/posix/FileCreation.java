package dev.gossamer.io.posix;

import dev.gossamer.io.libc.Libc;

/** The modes of files that this process makes; umask(2). */
public final class FileCreation {
    private static final int OTHERS = 7;
    private static final int ALL = 0777;

    private FileCreation() {}

    /**
     * From now on users who are neither the owner nor in the group get nothing of files and sockets that this process
     * makes, not even between making one and setting its mode: a socket listens from its first moment. For the whole
     * process, so before there is more than one thread that makes files.
     */
    public static void keepOthersOut() {
        int before = Libc.CALLS.umask(ALL); // it cannot be asked without being set
        Libc.CALLS.umask(before | OTHERS);
    }
}
